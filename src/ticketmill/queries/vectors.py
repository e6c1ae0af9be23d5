"""Vectors in memory, and the nearest of a question by one matrix product."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Bools, Doubles, Floats

Positions = NDArray[np.intp]


class Vectors:
    """Entries in the order in which they came.

    Adding keeps every array that was handed out as it was, so readers need no lock; one thread may write.
    """

    def __init__(self, dimensions: int) -> None:
        self.keys: list[str] = []
        self._at: dict[str, int] = {}
        self._times = np.empty(0)
        self._matrix = np.empty((0, dimensions), np.float32)

    def __len__(self) -> int:
        return len(self.keys)

    def __contains__(self, key: str) -> bool:
        return key in self._at

    @property
    def times(self) -> Doubles:
        """(entries,): when each was received, in seconds since 1970."""
        return self._times[: len(self)]

    @property
    def matrix(self) -> Floats:
        """(entries, dimensions), of length 1."""
        return self._matrix[: len(self)]

    def position(self, key: str) -> int | None:
        """Where an entry stands; None where there is none."""
        return self._at.get(key)

    def add(self, keys: Sequence[str], times: Sequence[float], vectors: Floats) -> None:
        """Adds entries; those whose keys are there already are left out."""
        new = [at for at, key in enumerate(keys) if key not in self._at]
        if not new:
            return
        start, end = len(self), len(self) + len(new)
        self._grow(end)
        self._times[start:end] = np.asarray(times)[new]
        self._matrix[start:end] = vectors[new]
        for at in new:
            self._at[keys[at]] = len(self.keys)
            self.keys.append(keys[at])

    def nearest(self, question: Floats, most: int, mask: Bools | None = None) -> tuple[Positions, Floats]:
        """Positions and cosines of up to `most` entries, the nearest first; of those in `mask` alone.

        `question`: (dimensions,). `mask`: (entries,).
        """
        entries = len(self) if mask is None else len(mask)
        cosines: Floats = self._matrix[:entries] @ question
        if mask is not None:
            cosines[~mask] = -np.inf
        most = min(most, entries)
        if most == 0:
            return np.empty(0, np.intp), cosines
        found = np.argpartition(cosines, -most)[-most:]
        found = found[np.argsort(-cosines[found], kind="stable")]
        found = found[np.isfinite(cosines[found])]
        return found, cosines[found]

    def between(self, since: datetime | None, until: datetime | None) -> Bools:
        """(entries,): which were received from `since` on and before `until`."""
        times = self.times
        mask = np.ones(len(times), np.bool_)
        if since is not None:
            mask &= times >= since.timestamp()
        if until is not None:
            mask &= times < until.timestamp()
        return mask

    def _grow(self, needed: int) -> None:
        if needed <= len(self._times):
            return
        room = max(1024, needed + needed // 4)
        times, matrix = np.empty(room), np.empty((room, self._matrix.shape[1]), np.float32)
        times[: len(self)], matrix[: len(self)] = self.times, self.matrix
        self._times, self._matrix = times, matrix
