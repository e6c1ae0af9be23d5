"""Tickets in files: one JSON document, or JSON lines."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ticketmill.domain.errors import SetupError, TicketRejected
from ticketmill.domain.keys import raw_key
from ticketmill.domain.ticket import decode_json, readable_id

LINES_SUFFIXES = (".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class Document:
    """The bytes of one ticket and where they stood: `line` counts from 1 where a file holds many."""

    content: bytes
    name: str
    line: int | None = None

    @property
    def origin(self) -> str:
        """For messages, as in `tickets.jsonl:17`."""
        return self.name if self.line is None else f"{self.name}:{self.line}"


def find_files(paths: Iterable[Path]) -> list[Path]:
    """The files among `paths`, and in folders all .json, .jsonl and .ndjson files below them, sorted.

    Raises SetupError for a path that does not exist and for a folder without tickets.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(
                file
                for file in path.rglob("*")
                if file.suffix in (".json", *LINES_SUFFIXES) and file.is_file()
            )
            if not inside:
                raise SetupError(f"{path} has no .json, .jsonl or .ndjson file in it")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise SetupError(f"{path} does not exist")
    return found


def read_file(path: Path) -> Iterator[Document]:
    """The tickets of a file: one a line where it is named .jsonl or .ndjson, else one."""
    try:
        if path.suffix in LINES_SUFFIXES:
            with path.open("rb") as lines:
                yield from _numbered(lines, str(path), first=1)
        else:
            yield Document(path.read_bytes(), str(path))
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}") from error


def read_stream(stream: BinaryIO, name: str) -> Iterator[Document]:
    """The tickets of a stream: JSON lines where its first line is a whole document, else one document."""
    number, first = next(((n, line) for n, line in enumerate(stream, start=1) if line.strip()), (0, b""))
    if not first:
        return
    if _is_whole(first):
        yield Document(first, name, number)
        yield from _numbered(stream, name, first=number + 1)
    else:
        yield Document(first + stream.read(), name)


def key_of(document: Document) -> str:
    """The key that a dropped ticket is stored under: by its id, or by its file where that has none.

    Naming the object by the ticket's id lets `{"ticket_id": …}` on the queue find it.
    """
    try:
        decoded = decode_json(document.content)
        ticket_id = readable_id(decoded) if isinstance(decoded, dict) else None
    except TicketRejected:
        ticket_id = None
    if ticket_id is None:
        ticket_id = Path(document.name).stem + ("" if document.line is None else f"-{document.line}")
    return raw_key(ticket_id)


def _numbered(lines: Iterable[bytes], name: str, first: int) -> Iterator[Document]:
    for number, line in enumerate(lines, start=first):
        if line.strip():
            yield Document(line, name, number)


def _is_whole(line: bytes) -> bool:
    """Whether a first line is a ticket of its own; a broken one is, where it both opens and closes."""
    text = line.removeprefix(codecs.BOM_UTF8).strip()
    return text.startswith(b"{") and text.endswith(b"}")
