"""Labelled tickets from a file into the label journal, as an export has them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ticketmill.domain.errors import CorrectionRefused
from ticketmill.domain.label import CorrectionKind, PersonLabel
from ticketmill.operations.corrections import Corrections, Speaker, Word


class ImportResult(StrEnum):
    """What became of a line."""

    IMPORTED = "imported"
    UNCHANGED = "unchanged"
    """A person says all of it already."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ImportedLine:
    """A line's number, what became of it, and why it was refused."""

    number: int
    result: ImportResult
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LabelImport:
    """A line is an object with `ticket_id`, a field for each task that it labels, and, where it is known,
    `who` said so and the `content_hash` that they spoke of."""

    corrections: Corrections
    who: str
    """Who says so where a line does not tell."""

    def read(self, lines: Iterable[str]) -> Iterator[ImportedLine]:
        """Records the labels of each line that a person does not say already."""
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                yield ImportedLine(number, self._record(_document(line)))
            except (CorrectionRefused, _NoLabels) as refused:
                yield ImportedLine(number, ImportResult.REFUSED, str(refused))

    def _record(self, document: dict[str, Any]) -> ImportResult:
        ticket_id = _text(document, "ticket_id")
        words = {
            task: Word(CorrectionKind.LABEL, _labels(task, document[task]))
            for task in self.corrections.tasks
            if document.get(task) is not None
        }
        if not words:
            known = ", ".join(self.corrections.tasks)
            raise _NoLabels(f"expected a label in one of the fields {known}")
        row = self.corrections.rows.get(ticket_id)
        said = {} if row is None else row.person
        new = {
            task: word
            for task, word in words.items()
            if row is None or task not in said or not _says(said[task], word, row.content_hash)
        }
        if not new:
            return ImportResult.UNCHANGED
        who = document.get("who")
        speaker = Speaker(who if isinstance(who, str) and who else self.who)
        content_hash = document.get("content_hash")
        self.corrections.correct(ticket_id, new, speaker, content_hash=content_hash)
        return ImportResult.IMPORTED


class _NoLabels(ValueError):
    """A line that says nothing that can be recorded."""


def _says(spoken: PersonLabel, word: Word, content_hash: str) -> bool:
    return spoken.content_hash == content_hash and spoken.labels == word.labels


def _document(line: str) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except ValueError:
        raise _NoLabels("not JSON") from None
    if not isinstance(document, dict):
        raise _NoLabels("expected an object")
    return document


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise _NoLabels(f"{name}: expected text")
    return value


def _labels(task: str, value: Any) -> tuple[str, ...]:
    labels = [value] if isinstance(value, str) else value
    if not isinstance(labels, list) or not all(isinstance(each, str) for each in labels):
        raise _NoLabels(f"{task}: expected a label or a list of labels")
    return tuple(labels)
