"""Documents in a file: JSON lines or CSV.

A row has a text (`text`, or `subject` and `body`) and names itself by `document_id`, `ticket_id` or `id`;
without one its text names it. `labels` has labels by task, a number 7 for `field_7`; without it a field named
like a task that is asked for has them. `source`, `group` and `is_training_data` are read where they are
there; `part: test` says the same as `is_training_data: false`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ticketmill.domain.document import Document
from ticketmill.domain.errors import LearningCode, LearningRefused, SetupError
from ticketmill.learning.annotation_files import SEPARATOR, rows_of
from ticketmill.learning.annotations import hash_of
from ticketmill.learning.documents import field_task, new_document

TEST_PARTS = {"test", "validation", "dev"}
FALSE = {"false", "no", "0"}


def read_documents(path: Path, tasks: Sequence[str] = (), name: str | None = None) -> Iterator[Document]:
    """The documents of a file. `name` is what errors call it.

    LearningRefused, which names the first row that is no document, and quotes nothing of it.
    """
    try:
        for where, row in rows_of(path, name or str(path)):
            yield document_of_row(row, tasks, where)
    except SetupError as error:
        raise LearningRefused(LearningCode.UNREADABLE_DOCUMENTS, str(error)) from None


def document_of_row(row: Mapping[str, Any], tasks: Sequence[str], where: str) -> Document:
    """The document of a row. SetupError, which says `where` it is, where it is none."""
    text = row.get("text")
    subject, body = ("", text) if text is not None else (row.get("subject") or "", row.get("body") or "")
    if not isinstance(subject, str) or not isinstance(body, str):
        raise SetupError(f"{where}: expected text in `text`, or in `subject` and `body`")
    try:
        return new_document(
            _named(row) or f"text-{hash_of(subject, body)[:16]}",
            subject.encode("utf-8", "replace").decode(),
            body.encode("utf-8", "replace").decode(),
            _text(row.get("source")),
            _labels(row, tasks),
            _is_training_data(row),
            _text(row.get("group")),
        )
    except (ValidationError, TypeError, LearningRefused) as error:
        fields = (
            ", ".join(sorted({str(each["loc"][0]) for each in error.errors()}))
            if isinstance(error, ValidationError)
            else "labels"
        )
        raise SetupError(f"{where}: {fields}: expected what docs/jobs.md says of documents") from None


def _named(row: Mapping[str, Any]) -> str | None:
    return next((text for name in ("document_id", "ticket_id", "id") if (text := _text(row.get(name)))), None)


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int) and value != "" else None


def _labels(row: Mapping[str, Any], tasks: Sequence[str]) -> dict[str, tuple[str, ...]]:
    by_task = row.get("labels")
    given = by_task if isinstance(by_task, dict) else {task: row.get(task) for task in tasks}
    return {field_task(task): _listed(value) for task, value in given.items() if value not in (None, "", [])}


def _listed(value: Any) -> tuple[str, ...]:
    """The labels of a field: a list, or a text that parts them by `;`."""
    many = value.split(SEPARATOR) if isinstance(value, str) else value if isinstance(value, list) else [value]
    if not all(isinstance(each, str | int) for each in many):
        raise TypeError("labels")
    return tuple(dict.fromkeys(text for each in many if (text := str(each).strip())))


def _is_training_data(row: Mapping[str, Any]) -> bool:
    value = row.get("is_training_data")
    if value is None or value == "":
        return row.get("part", row.get("split")) not in TEST_PARTS
    return value if isinstance(value, bool) else str(value).lower() not in FALSE
