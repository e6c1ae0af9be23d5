"""What this process knows of the index: all vectors in memory, brought up to date when somebody asks.

An index that is too large for that is searched by its store. Then a sample is in memory, for those who
compare a ticket with all others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock

import numpy as np

from ticketmill.arrays import Floats
from ticketmill.indexed_ticket import Hit
from ticketmill.queries.index_ports import VectorStore
from ticketmill.queries.vectors import EXACT_UP_TO, Vectors

FRESH_S = 1.0
"""The store is asked for its version at most so often."""
OVERLAP = timedelta(minutes=2)
"""Entries of so long before the newest one are read again: writers' clocks differ, and puts take a while."""

SAMPLE_FRESH_S = 600.0
PAUSE_FACTOR = 20
"""Reading all anew takes a twentieth of the time at most."""


@dataclass(eq=False)
class TicketVectors:
    """A reader of the index. May be used by many threads."""

    store: VectorStore
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    exact_up_to: int = EXACT_UP_TO
    held: int | None = None
    """So many entries at the most are in memory, and the store is asked for the nearest. None is all."""
    _vectors: Vectors | None = None
    _version: str | None = None
    _read_at: datetime | None = None
    _looked_at_s: float = float("-inf")
    _differs: bool = False
    """Whether the store has another number of entries: some were deleted, or one was missed."""
    _read_anew_from_s: float = float("-inf")
    _lock: Lock = field(default_factory=Lock)

    def current(self) -> Vectors:
        """All entries, as of a second ago at most; `held` of them, as of ten minutes ago at most.

        TransientFailure where the store fails.
        """
        with self._lock:
            fresh_s = FRESH_S if self.held is None else SAMPLE_FRESH_S
            if self._vectors is None or self.clock() - self._looked_at_s >= fresh_s:
                version = self.store.version()
                overdue = self._differs and self.clock() >= self._read_anew_from_s
                if version != self._version or self._vectors is None or overdue:
                    self._vectors = self._read()
                    self._version = version
                self._looked_at_s = self.clock()
            return self._vectors

    def nearest(
        self,
        vector: Floats,
        most: int,
        since: datetime | None = None,
        until: datetime | None = None,
        among: Collection[str] | None = None,
    ) -> list[Hit]:
        """Up to `most` entries by cosine, the nearest first, received from `since` on and before `until`.

        `among` are the keys that may be found; None is all.
        """
        if self.held is not None:
            return self._nearest_in_store(vector, most, since, until, among)
        vectors = self.current()
        if not len(vectors):
            return []
        mask = vectors.between(since, until)
        if among is not None:
            positions = [at for key in among if (at := vectors.position(key)) is not None]
            chosen = np.zeros(len(mask), np.bool_)
            chosen[[at for at in positions if at < len(mask)]] = True
            mask &= chosen
        found, cosines = vectors.nearest(vector, most, mask)
        return [Hit(vectors.keys[at], float(cosine)) for at, cosine in zip(found, cosines, strict=True)]

    def cosines(self, vector: Floats, keys: Collection[str]) -> dict[str, float]:
        """How near some entries are, by their keys; those that are not known here are left out."""
        if self.held is not None:
            return {each.enriched_key: float(each.vector @ vector) for each in self.store.entries(keys)}
        vectors = self.current()
        known = {key: at for key in keys if (at := vectors.position(key)) is not None}
        if not known:
            return {}
        found = vectors.matrix[list(known.values())] @ vector
        return dict(zip(known, map(float, found), strict=True))

    def vector_of(self, enriched_key: str) -> Floats | None:
        """The vector of an entry; None where the index does not have it (yet)."""
        if self.held is not None:
            return next((each.vector for each in self.store.entries([enriched_key])), None)
        vectors = self.current()
        at = vectors.position(enriched_key)
        return None if at is None else vectors.matrix[at]

    def _nearest_in_store(
        self,
        vector: Floats,
        most: int,
        since: datetime | None,
        until: datetime | None,
        among: Collection[str] | None,
    ) -> list[Hit]:
        if among is None:
            return self.store.nearest(vector, most, since, until)
        hits = [
            Hit(each.enriched_key, float(each.vector @ vector))
            for each in self.store.entries(among)
            if (since is None or each.received_at >= since) and (until is None or each.received_at < until)
        ]
        return sorted(hits, key=lambda hit: -hit.score)[:most]

    def _read(self) -> Vectors:
        """What is new beside what is known; all anew where the store has another number of entries.

        A large index is not read anew for each ticket that is deleted. Entries that are gone do no harm
        meanwhile: no row points to them.
        """
        if self.held is not None:
            return self._add(None, None)
        started, known = self.now(), self._vectors
        if known is not None and self._read_at is not None:
            known = self._add(known, self._read_at - OVERLAP)
            self._differs = len(known) != self.store.count()
            if not self._differs or self.clock() < self._read_anew_from_s:
                self._read_at = started
                return known
        begun_s = self.clock()
        vectors = self._add(None, None)
        self._read_anew_from_s = self.clock() + PAUSE_FACTOR * (self.clock() - begun_s)
        self._differs = False
        self._read_at = started
        return vectors

    def _add(self, vectors: Vectors | None, since: datetime | None) -> Vectors:
        for entries in self.store.scan(since):
            if not entries:
                continue
            matrix = np.stack([each.vector for each in entries])
            if vectors is None or not len(vectors):
                vectors = Vectors(matrix.shape[1], self.exact_up_to)
            keys = [each.enriched_key for each in entries]
            vectors.add(keys, [each.received_at.timestamp() for each in entries], matrix)
            if self.held is not None and len(vectors) >= self.held:
                break
        return vectors if vectors is not None else Vectors(0)
