"""Cutting sources into parts: the same sources give the same parts, on every machine and in every run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ticketmill.batching import grouped
from ticketmill.domain.bulk import Part, Piece, Source
from ticketmill.importers.files import LINES_SUFFIXES

MAX_FILES = 1000
"""Files of one ticket each in one part."""
PARQUET = ".parquet"
SUFFIXES = (".json", *LINES_SUFFIXES, PARQUET)

CountRows = Callable[[Source], tuple[int, int]]
"""The rows of a Parquet file, and their size in bytes without compression."""


def cut(sources: Iterable[Source], count_rows: CountRows, part_bytes: int) -> Iterator[Part]:
    """The parts of `sources`, each of about `part_bytes`.

    JSON lines are cut at every `part_bytes`, Parquet at the number of rows that has as many bytes. Files of
    one ticket each are put together in the order of their names.
    """
    single: list[Source] = []
    for source in sources:
        if source.suffix in LINES_SUFFIXES:
            yield from _stretches(source, source.size_bytes, part_bytes)
        elif source.suffix == PARQUET:
            rows, row_bytes = count_rows(source)
            yield from _stretches(source, rows, max(part_bytes * rows // max(row_bytes, 1), 1))
        else:
            single.append(source)
    for group in grouped(single, lambda source: source.size_bytes, part_bytes, MAX_FILES):
        yield Part(tuple(Piece(source, 0, source.size_bytes) for source in group))


def _stretches(source: Source, length: int, step: int) -> Iterator[Part]:
    for start in range(0, length, step):
        yield Part((Piece(source, start, min(start + step, length)),))
