"""Vectors in memory, and the nearest of a question by one matrix product."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Bools, Doubles, Floats
from ticketmill.queries.compressed_vectors import CompressedVectors, Positions
from ticketmill.queries.key_table import KeyTable

EXACT_UP_TO = 100_000
"""So many vectors are kept as they are: 154 MB of 384 dimensions. More are compressed to a third of that."""

TAKEN_AT_ONCE = 1024
"""Rows that are copied together: they stay in the processor's cache."""
Number = TypeVar("Number", bound=np.generic)


class Vectors:
    """Entries in the order in which they came.

    Adding keeps every array that was handed out as it was, so readers need no lock; one thread may write.
    """

    def __init__(self, dimensions: int, exact_up_to: int = EXACT_UP_TO) -> None:
        self.keys = KeyTable()
        self._exact_up_to = exact_up_to
        self._times = np.empty(0)
        # readers take its length first: whatever stands here then has so many rows
        self._rows: Floats | CompressedVectors = np.empty((0, dimensions), np.float32)

    def __len__(self) -> int:
        return len(self.keys)

    def __contains__(self, key: str) -> bool:
        return key in self.keys

    @property
    def times(self) -> Doubles:
        """(entries,): when each was received, in seconds since 1970."""
        entries = len(self)
        return self._times[:entries]

    @property
    def matrix(self) -> Floats | CompressedVectors:
        """(entries, dimensions), of length 1. Of both kinds, `matrix[positions]` are float32."""
        entries, rows = len(self), self._rows
        return rows if isinstance(rows, CompressedVectors) else rows[:entries]

    def mean(self) -> Floats:
        """(dimensions,): what all entries have in common."""
        rows = self.matrix
        return (
            rows.mean() if isinstance(rows, CompressedVectors) else np.asarray(rows.mean(axis=0), np.float32)
        )

    def position(self, key: str) -> int | None:
        """Where an entry stands; None where there is none."""
        return self.keys.position(key)

    def add(self, keys: Sequence[str], times: Sequence[float], vectors: Floats) -> None:
        """Adds entries; those whose keys are there already are left out."""
        new = self.keys.unknown(keys)
        if not new:
            return
        start, end = len(self), len(self) + len(new)
        if end > len(self._times):
            self._times = _grown(self._times, start, end)
        self._times[start:end] = np.asarray(times)[new]
        self._add_rows(vectors[new], start, end)
        # last, because readers believe its length
        self.keys.extend([keys[at] for at in new])

    def nearest(self, question: Floats, most: int, mask: Bools | None = None) -> tuple[Positions, Floats]:
        """Positions and cosines of up to `most` entries, the nearest first; of those in `mask` alone.

        `question`: (dimensions,), of length 1. `mask`: (entries,).
        """
        entries = len(self) if mask is None else len(mask)
        rows = self._rows
        if entries == 0:
            return np.empty(0, np.intp), np.empty(0, np.float32)
        if isinstance(rows, CompressedVectors):
            return rows.nearest(question, most, np.ones(entries, np.bool_) if mask is None else mask)
        allowed = None if mask is None else np.flatnonzero(mask)
        if allowed is None or len(allowed) * 4 > entries:
            cosines = _products(rows[:entries], question)
            cosines = cosines if allowed is None else cosines[allowed]
        else:
            some = range(0, len(allowed), TAKEN_AT_ONCE)
            parts = [_products(rows[allowed[start : start + TAKEN_AT_ONCE]], question) for start in some]
            cosines = np.concatenate(parts) if parts else np.empty(0, np.float32)
        best = _best(cosines, most)
        return (best if allowed is None else allowed[best]), cosines[best]

    def between(self, since: datetime | None, until: datetime | None) -> Bools:
        """(entries,): which were received from `since` on and before `until`."""
        times = self.times
        mask = np.ones(len(times), np.bool_)
        if since is not None:
            mask &= times >= since.timestamp()
        if until is not None:
            mask &= times < until.timestamp()
        return mask

    def _add_rows(self, vectors: Floats, start: int, end: int) -> None:
        rows = self._rows
        if isinstance(rows, CompressedVectors):
            rows.add(vectors)
        elif end > self._exact_up_to:
            compressed = CompressedVectors(rows.shape[1])
            compressed.add(rows[:start])
            compressed.add(vectors)
            self._rows = compressed
        else:
            if end > len(rows):
                rows = _grown(rows, start, end)
            rows[start:end] = vectors
            self._rows = rows


def _products(rows: Floats, question: Floats) -> Floats:
    """(rows,). BLAS would start threads, which wait for each other where others use the cores too."""
    return np.asarray(np.einsum("ed,d->e", rows, question), np.float32)


def _best(cosines: Floats, most: int) -> Positions:
    """Where the highest stand, the highest first."""
    most = min(most, len(cosines))
    if most == 0:
        return np.empty(0, np.intp)
    found = np.argpartition(cosines, -most)[-most:]
    return found[np.argsort(-cosines[found], kind="stable")]


def _grown(array: NDArray[Number], used: int, needed: int) -> NDArray[Number]:
    """A copy of the rows in use, with room for more."""
    larger = np.empty((max(1024, needed + needed // 4), *array.shape[1:]), array.dtype)
    larger[:used] = array[:used]
    return larger
