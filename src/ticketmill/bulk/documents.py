"""The documents of a part: one ticket each, as its bytes and where they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from ticketmill.bulk.cutting import PARQUET
from ticketmill.bulk.json_lines import lines_between
from ticketmill.bulk.ports import Inputs
from ticketmill.domain.bulk import Part, Piece, Source
from ticketmill.importers.files import LINES_SUFFIXES

READERS = 8
"""Files of one ticket each that are read at once."""

ReadRows = Callable[[Inputs, Piece], Iterator[bytes]]
"""The rows of a piece of Parquet, as JSON."""


@dataclass(frozen=True, slots=True)
class Document:
    """The bytes of one ticket. `at` is the byte or the row at which it begins; None where it is a file."""

    content: bytes
    source: str
    at: int | None = None


def documents_of(part: Part, inputs: Inputs, read_rows: ReadRows, max_bytes: int) -> list[Document]:
    """The documents of a part, in order. Of one over `max_bytes` at least a byte more than that is read.

    Raises TransientFailure where a source cannot be read, or is not what it was.
    """
    with ThreadPoolExecutor(min(READERS, len(part.pieces))) as executor:
        read = partial(_documents, inputs=inputs, read_rows=read_rows, max_bytes=max_bytes)
        return [document for found in executor.map(read, part.pieces) for document in found]


def _documents(piece: Piece, inputs: Inputs, read_rows: ReadRows, max_bytes: int) -> list[Document]:
    source = piece.source
    if source.suffix in LINES_SUFFIXES:
        read = partial(inputs.read, source)
        lines = lines_between(read, source.size_bytes, piece.start, piece.stop, max_bytes)
        return [Document(line, source.name, at) for at, line in lines]
    if source.suffix == PARQUET:
        rows = enumerate(read_rows(inputs, piece), start=piece.start)
        return [Document(row, source.name, at) for at, row in rows]
    return [_whole(source, inputs, max_bytes)]


def _whole(source: Source, inputs: Inputs, max_bytes: int) -> Document:
    return Document(inputs.read(source, 0, min(source.size_bytes, max_bytes + 1)), source.name)
