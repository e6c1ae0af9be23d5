"""Keys in the order in which they came, in half of the memory that a list and a dict take."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import SupportsIndex, overload

import numpy as np
from numpy.typing import NDArray

MIN_RECENT = 4096


class KeyTable(Sequence[str]):
    """The key of a position, and the position of a key. Readers need no lock; one thread may add.

    Most keys are found by binary search among sorted hashes. The recent ones are in a dict, until they are a
    sixteenth of all.
    """

    def __init__(self) -> None:
        self._text = bytearray()
        self._ends = array("q", [0])
        self._hashes = array("q")
        self._recent: dict[str, int] = {}
        self._sorted: tuple[NDArray[np.int64], NDArray[np.int32]] = (
            np.empty(0, np.int64),
            np.empty(0, np.int32),
        )

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, at: SupportsIndex) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: SupportsIndex | slice) -> str | list[str]:
        if isinstance(at, slice):
            return [self[each] for each in range(*at.indices(len(self)))]
        place = at.__index__()
        if place < 0:
            place += len(self)
        if not 0 <= place < len(self):
            raise IndexError(place)
        return self._text[self._ends[place] : self._ends[place + 1]].decode()

    def __iter__(self) -> Iterator[str]:
        return (self[at] for at in range(len(self)))

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.position(key) is not None

    def position(self, key: str) -> int | None:
        """Where a key stands; None where it is not."""
        # first the recent ones: they are taken from there only when they are among the sorted
        at = self._recent.get(key)
        return at if at is not None else self._position_by_hash(key)

    def unknown(self, keys: Sequence[str]) -> list[int]:
        """Which of some keys are not there, by their indices; of equal ones the first."""
        hashes = np.fromiter((hash(key) for key in keys), np.int64, len(keys))
        # one search for all: a single one takes a hundred times as long
        known = self._sorted[0]
        places = np.minimum(np.searchsorted(known, hashes), max(0, len(known) - 1))
        maybe = known[places] == hashes if len(known) else np.zeros(len(keys), np.bool_)
        new: dict[str, int] = {}
        for index, key in enumerate(keys):
            there = key in self._recent or (maybe[index] and self._position_by_hash(key) is not None)
            if not there:
                new.setdefault(key, index)
        return list(new.values())

    def extend(self, keys: Sequence[str]) -> None:
        """Adds keys that are not there."""
        for key in keys:
            self._text += key.encode()
            self._hashes.append(hash(key))
            self._recent[key] = len(self)
            self._ends.append(len(self._text))
        if len(self._recent) > max(MIN_RECENT, len(self) // 16):
            self._sort()

    def _position_by_hash(self, key: str) -> int | None:
        hashed = hash(key)
        hashes, positions = self._sorted
        place = int(np.searchsorted(hashes, hashed))
        while place < len(hashes) and hashes[place] == hashed:
            if self[int(positions[place])] == key:
                return int(positions[place])
            place += 1
        return None

    def _sort(self) -> None:
        hashes = np.array(self._hashes, np.int64)
        order = np.argsort(hashes, kind="stable").astype(np.int32)
        self._sorted = (hashes[order], order)
        self._recent = {}
