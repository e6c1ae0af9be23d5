"""Tickets in files: one JSON document, or JSON lines."""

from __future__ import annotations

import codecs
import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ticketmill.domain.errors import SetupError, TicketRejected
from ticketmill.domain.intake import readable_id
from ticketmill.domain.json_document import decode_json
from ticketmill.domain.keys import is_macos_metadata, raw_key

LINES_SUFFIXES = (".jsonl", ".ndjson")
JSON_SUFFIXES = (".json", *LINES_SUFFIXES)


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


def find_files(paths: Iterable[Path], suffixes: tuple[str, ...] = JSON_SUFFIXES) -> list[Path]:
    """The files among `paths`, and in folders all files below them that have one of `suffixes`, sorted.

    What macOS leaves in folders (`._name`, `__MACOSX/`) is skipped. Raises SetupError for a path that does
    not exist and for a folder without tickets.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(
                file
                for file in path.rglob("*")
                if file.suffix in suffixes
                and not is_macos_metadata(file.relative_to(path).as_posix())
                and file.is_file()
            )
            if not inside:
                raise SetupError(f"{path} has no {', '.join(suffixes[:-1])} or {suffixes[-1]} file in it")
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


def count_tickets(path: Path) -> int:
    """How many documents `read_file` gives."""
    if path.suffix not in LINES_SUFFIXES:
        return 1
    try:
        with path.open("rb") as lines:
            return sum(1 for line in lines if line.strip())
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}") from error


def read_stream(stream: BinaryIO, name: str) -> Iterator[Document]:
    """The tickets of a stream: JSON lines where its first line is a whole document, else one document."""
    number, first = next(((n, line) for n, line in enumerate(stream, start=1) if line.strip()), (0, b""))
    if not first:
        return
    if is_whole(first):
        yield Document(first, name, number)
        yield from _numbered(stream, name, first=number + 1)
    else:
        yield Document(first + stream.read(), name)


def key_of(document: Document) -> str:
    """The key that a dropped ticket is stored under: by its id, or by file and content where it has none.

    Naming the object by the ticket's id lets `{"ticket_id": …}` on the queue find it. Without an id the name
    of the file would not do: two folders may have files of one name, and a file may be called after the id of
    another ticket.
    """
    try:
        decoded = decode_json(document.content)
        ticket_id = readable_id(decoded) if isinstance(decoded, dict) else None
    except TicketRejected:
        ticket_id = None
    return raw_key(ticket_id or _name_of(document))


def latest_by_key(documents: Iterable[Document]) -> dict[str, Document]:
    """The documents by their keys: of several for one key the last."""
    return {key_of(document): document for document in documents}


def _name_of(document: Document) -> str:
    """As in `mail-17-0a1b2c3d4e5f`; a name that is not UTF-8 has replacement characters."""
    stem = os.fsencode(Path(document.name).stem).decode(errors="replace")
    line = () if document.line is None else (str(document.line),)
    content_hash = hashlib.sha256(document.content).hexdigest()[:12]
    return "-".join((stem, *line, content_hash))


def _numbered(lines: Iterable[bytes], name: str, first: int) -> Iterator[Document]:
    for number, line in enumerate(lines, start=first):
        if line.strip():
            yield Document(line, name, number)


def is_whole(line: bytes) -> bool:
    """Whether a first line is a ticket of its own; a broken one is, where it both opens and closes."""
    text = line.removeprefix(codecs.BOM_UTF8).strip()
    return text.startswith(b"{") and text.endswith(b"}")
