"""Labelled texts of any origin: JSON lines with a text, or a subject and a body, and a label."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ticketmill.domain.errors import SetupError

MAX_NAMED = 10


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text and what a person assigned: one label, several topics, or reference summaries."""

    subject: str
    body: str
    labels: tuple[str, ...]


def read_labelled(
    path: Path, label_field: str, text_field: str | None = None, *, may_be_none: bool = False
) -> list[LabelledText]:
    """The rows of a JSON-lines file. Raises SetupError, which names the first invalid line.

    Rows without `label_field` are left out: an export of corrections has only what people spoke of. Without
    `text_field`, a row's text is its `text`, else its `subject` and `body`. With `may_be_none` a row may say
    that no label is right, by an empty list.
    """
    rows: list[LabelledText] = []
    fields: set[str] = set()
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    where = f"{path}, line {number}"
                    document = _document(line, where)
                    fields |= document.keys()
                    if document.get(label_field) is not None:
                        rows.append(_row(document, label_field, text_field, where, may_be_none))
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SetupError(f"{path} is not UTF-8 text") from None
    if not fields:
        raise SetupError(f"{path} has no rows")
    if not rows:
        raise SetupError(
            f"no row of {path} has {label_field}; there are the fields {', '.join(sorted(fields))}"
        )
    return rows


def check_vocabulary(
    rows: list[LabelledText], vocabulary: Collection[str], path: Path, model: str = "the bundle"
) -> None:
    """Raises SetupError when `rows` have labels that `model` cannot predict."""
    unknown = sorted({label for row in rows for label in row.labels} - set(vocabulary))
    if unknown:
        named = ", ".join(_with_nearest(each, vocabulary) for each in unknown[:MAX_NAMED])
        more = " …" if len(unknown) > MAX_NAMED else ""
        labels = "a label" if len(unknown) == 1 else f"{len(unknown)} labels"
        raise SetupError(
            f"{path} has {labels} that {model} does not know: {named}{more}; it knows {', '.join(vocabulary)}"
        )


def _with_nearest(label: str, vocabulary: Collection[str]) -> str:
    found = get_close_matches(label, vocabulary, n=1)
    return f"{label} (did you mean {found[0]}?)" if found else label


def _document(line: str, where: str) -> dict[str, Any]:
    try:
        row: Any = json.loads(line)
    except json.JSONDecodeError:
        raise SetupError(f"{where}: not JSON") from None
    if not isinstance(row, dict):
        raise SetupError(f"{where}: expected an object")
    return row


def _row(
    row: dict[str, Any], label_field: str, text_field: str | None, where: str, may_be_none: bool
) -> LabelledText:
    labels = row[label_field]
    labels = [labels] if isinstance(labels, str) else labels
    is_missing = not labels and not may_be_none
    if not isinstance(labels, list) or is_missing or not all(isinstance(each, str) for each in labels):
        raise SetupError(f"{where}: {label_field}: expected text or a list of texts")
    if text_field is None and "text" in row:
        text_field = "text"
    subject, body = ("", row.get(text_field)) if text_field else (row.get("subject", ""), row.get("body", ""))
    if not isinstance(subject, str) or not isinstance(body, str) or not f"{subject}{body}".strip():
        raise SetupError(f"{where}: expected a text in {text_field or '`text`, or in `subject` and `body`'}")
    return LabelledText(subject, body, tuple(labels))
