"""Imported files of labels: JSON lines and CSV.

A row has a text (`text`, or `subject` and `body`) or names a ticket (`ticket_id`), and its label in the field
of the task. `annotator` (or `who`), `group`, `source`, `customer_id` and `content_hash` are read where they
are there. Rows of one id by several annotators are one example.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from ticketmill.domain.dataset import CurrentTicket, LeftOut, Origin
from ticketmill.domain.errors import LearningCode, LearningRefused, SetupError
from ticketmill.domain.model_card import TaskKind
from ticketmill.domain.ticket import has_text
from ticketmill.learning.annotations import CUSTOMER, Annotated, Annotation, Gathered, hash_of, links_of
from ticketmill.learning.hold_out import GIVEN
from ticketmill.learning.journal_annotations import TICKETS_AT_ONCE
from ticketmill.learning.ports import CurrentTickets

SEPARATOR = ";"
"""Parts several labels in one text, as a CSV file has them."""
MAX_NAMED = 5
MAX_FIELD_CHARS = 10_000_000


@dataclass(frozen=True, slots=True)
class FileSpec:
    """Where the labels of a task stand in a file. `part` takes the rows that say so in `part` or `split`."""

    task: str
    kind: TaskKind = "single"
    label_field: str | None = None
    part: str | None = None

    @property
    def field(self) -> str:
        return self.label_field or self.task


@dataclass(frozen=True, slots=True)
class LabelledRow:
    """A row that has a label. `subject` and `body` are empty where it names a ticket alone."""

    where: str
    example_id: str | None
    subject: str
    body: str
    labels: tuple[str, ...]
    annotator: str | None
    source: str | None
    links: tuple[str, ...]
    content_hash: str | None

    @property
    def has_text(self) -> bool:
        return has_text(self.subject) or has_text(self.body)


def gather_file(path: Path, spec: FileSpec, tickets: CurrentTickets | None, into: Gathered) -> int:
    """Adds the rows of a file that have a label; how many there were.

    `tickets` gives the texts of rows that name a ticket alone. Raises SetupError, which names the first
    invalid row, and LearningRefused for tickets that nobody knows.
    """
    annotators: Counter[str] = Counter()
    unknown: list[str] = []
    rows = read_rows(path, spec)
    count = 0
    while chunk := list(islice(rows, TICKETS_AT_ONCE)):
        count += len(chunk)
        bare = [each.example_id for each in chunk if not each.has_text and each.example_id]
        current = _current(bare, tickets)
        for row in chunk:
            found = _annotated(row, current, annotators)
            if found is LeftOut.NO_TICKET:
                unknown.append(f"{row.example_id} ({row.where})")
            elif isinstance(found, LeftOut):
                into.left_out[found] += 1
            else:
                into.add(found)
    if unknown:
        more = f" and {len(unknown) - MAX_NAMED} more" if len(unknown) > MAX_NAMED else ""
        named = ", ".join(unknown[:MAX_NAMED]) + more
        raise LearningRefused(
            LearningCode.UNKNOWN_TICKET,
            f"no ticket {named}: give the rows a text, or drop the tickets first",
        )
    return count


def read_rows(path: Path, spec: FileSpec) -> Iterator[LabelledRow]:
    """The rows that have a label. Raises SetupError, which names the first invalid row."""
    fields: set[str] = set()
    labelled = others = 0
    for where, document in rows_of(path, str(path)):
        fields |= document.keys()
        if spec.part is not None and spec.part not in (document.get("part"), document.get("split")):
            others += 1
            continue
        row = _row(document, spec, where)
        if row is not None:
            labelled += 1
            yield row
    if labelled:
        return
    if not fields:
        raise SetupError(f"{path} has no rows")
    part = f" of part {spec.part}" if others else ""
    raise SetupError(
        f"no row of {path}{part} has {spec.field}; there are the fields {', '.join(sorted(fields))}: "
        "name another one by --label-field"
    )


def _current(ticket_ids: list[str], tickets: CurrentTickets | None) -> dict[str, CurrentTicket]:
    if not ticket_ids:
        return {}
    if tickets is None:
        raise SetupError(
            f"{ticket_ids[0]} has no text in the file, and no stack is asked for it: give rows a text, "
            "or leave out --store"
        )
    return tickets.of(ticket_ids)


def _annotated(
    row: LabelledRow, current: Mapping[str, CurrentTicket], annotators: Counter[str]
) -> Annotated | LeftOut:
    subject, body, source, links = row.subject, row.body, row.source, row.links
    content_hash = row.content_hash or hash_of(subject, body)
    example_id = row.example_id or f"text/{content_hash[:16]}"
    if not row.has_text:
        found = current.get(example_id)
        if found is None:
            return LeftOut.NO_TICKET
        if row.content_hash not in (None, found.content_hash):
            return LeftOut.STALE
        if found.ticket is None or not has_text(found.ticket.text):
            return LeftOut.NO_TEXT
        subject, body, content_hash = found.ticket.subject, found.ticket.body, found.content_hash
        source, links = source or found.ticket.metadata.source, (*links, *links_of(found.ticket))
    annotators[example_id] += 1
    who = row.annotator or f"annotator {annotators[example_id]}"
    return Annotated(
        example_id=example_id,
        subject=subject,
        body=body,
        origin=Origin.FILE,
        content_hash=content_hash,
        annotations=[Annotation(who, row.labels)],
        source=source,
        links=links,
    )


def _row(document: Mapping[str, Any], spec: FileSpec, where: str) -> LabelledRow | None:
    labels = _labels(document.get(spec.field), spec, where)
    if labels is None:
        return None
    text = document.get("text")
    subject, body = ("", text) if text is not None else (document.get("subject"), document.get("body"))
    subject, body = subject or "", body or ""
    example_id = _name(document, "ticket_id", "id")
    if not isinstance(subject, str) or not isinstance(body, str):
        raise SetupError(f"{where}: expected text in `text`, or in `subject` and `body`")
    if example_id is None and not has_text(subject) and not has_text(body):
        raise SetupError(f"{where}: expected `text`, `subject` and `body`, or `ticket_id`")
    group, customer = _name(document, "group"), _name(document, "customer_id")
    links = (*([f"{GIVEN}{group}"] if group else []), *([f"{CUSTOMER}{customer}"] if customer else []))
    return LabelledRow(
        where=where,
        example_id=example_id,
        subject=_readable(subject),
        body=_readable(body),
        labels=labels,
        annotator=_name(document, "annotator", "who"),
        source=_name(document, "source"),
        links=links,
        content_hash=_name(document, "content_hash"),
    )


def _labels(value: Any, spec: FileSpec, where: str) -> tuple[str, ...] | None:
    """The labels of a row; None where it says nothing of the task."""
    if value is None or value == "":
        return None
    many = [value] if isinstance(value, str | int) else value
    if spec.kind == "multi" and isinstance(value, str):
        many = [each for each in value.split(SEPARATOR) if each.strip()]
    if not isinstance(many, list | tuple) or not all(isinstance(each, str | int) for each in many):
        raise SetupError(f"{where}: {spec.field}: expected a label or a list of labels")
    labels = tuple(dict.fromkeys(str(each).strip() for each in many))
    if spec.kind == "single" and len(labels) != 1:
        raise SetupError(
            f"{where}: {spec.field}: {spec.task} takes one label; --multi if several may be right"
        )
    return labels


def _name(document: Mapping[str, Any], *fields: str) -> str | None:
    """The first of the fields that says something."""
    values = (document.get(field) for field in fields)
    return next((str(value) for value in values if isinstance(value, str | int) and value != ""), None)


def _readable(text: str) -> str:
    """Without lone surrogates, which no file can have."""
    return text.encode("utf-8", "replace").decode()


def rows_of(path: Path, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each row with where it stands in the file, which is called `name`. SetupError for what is no row."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _csv(file, name) if name.lower().endswith(".csv") else _json_lines(file, name)
    except OSError as error:
        raise SetupError(f"{name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SetupError(f"{name} is not UTF-8 text") from None


def _json_lines(lines: Iterable[str], name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{name}, line {number}"
        try:
            document = json.loads(line)
        except ValueError:
            raise SetupError(f"{where}: not JSON") from None
        if not isinstance(document, dict):
            raise SetupError(f"{where}: expected an object")
        yield where, document


def _csv(file: TextIO, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    csv.field_size_limit(MAX_FIELD_CHARS)
    reader = csv.DictReader(file)
    try:
        for row in reader:
            named = {field.strip(): value for field, value in row.items() if isinstance(field, str)}
            yield f"{name}, line {reader.line_num}", named
    except csv.Error as error:
        raise SetupError(f"{name}, line {reader.line_num}: not CSV: {error}") from None
