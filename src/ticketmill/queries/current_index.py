"""The generation of the index that is searched now. A rebuild may name another one at any time."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import TypeVar

from ticketmill.arrays import Floats
from ticketmill.domain.errors import TransientFailure
from ticketmill.indexed_ticket import Hit, IndexedTicket
from ticketmill.queries.index_ports import IndexGenerations, VectorStore

Answer = TypeVar("Answer")

LOOK_EVERY_S = 2.0
"""A reader asks at most so often which generation is the current one."""


@dataclass(eq=False)
class CurrentIndex:
    """A store that follows the current generation. Threads may share it.

    A put or a delete looks again when it is done, and is repeated in a generation that became current
    meanwhile. So none is lost: what was done before the switch, the rebuild takes over.
    """

    generations: IndexGenerations
    clock: Callable[[], float] = time.monotonic
    _name: str | None = None
    _looked_at_s: float = float("-inf")
    _lock: Lock = field(default_factory=Lock)

    def put(self, entries: Sequence[IndexedTicket]) -> None:
        """Adds entries. One whose key is there already stays as it is."""
        self._write(lambda store: store.put(entries))

    def delete(self, keys: Collection[str]) -> None:
        """Deletes entries by their keys; those that are not there are no fault."""
        self._write(lambda store: store.delete(keys))

    def keys_of(self, ticket_id: str) -> list[str]:
        """The keys of all entries of a ticket."""
        return self._read(lambda store: store.keys_of(ticket_id))

    def scan(self, since: datetime | None = None) -> Iterator[Sequence[IndexedTicket]]:
        """All entries, without their texts; with `since` those that were put at that time or later."""
        return self._store().scan(since)

    def keys(self, since: datetime | None = None) -> Iterator[Sequence[tuple[str, datetime]]]:
        """The keys of all entries and when their tickets were received; `since` as of `scan`."""
        return self._store().keys(since)

    def texts(self, keys: Iterable[str]) -> Mapping[str, str]:
        """The texts of some entries by their keys."""
        wanted = list(keys)
        return self._read(lambda store: store.texts(wanted))

    def entries(self, keys: Iterable[str]) -> list[IndexedTicket]:
        """Some entries, without their texts, in any order; those that are not there are left out."""
        return self._store().entries(keys)

    def count(self) -> int:
        """How many entries there are."""
        return self._read(lambda store: store.count())

    def version(self) -> str:
        """Another text after every change, and in another generation."""
        return self._read(lambda store: f"{self._name}/{store.version()}")

    def nearest(
        self, vector: Floats, most: int, since: datetime | None = None, until: datetime | None = None
    ) -> list[Hit]:
        """Up to `most` entries by cosine, the nearest first, received from `since` on and before `until`."""
        return self._read(lambda store: store.nearest(vector, most, since, until))

    def search_text(
        self, words: str, most: int, since: datetime | None = None, until: datetime | None = None
    ) -> list[Hit] | None:
        """Up to `most` entries by full text, the best first. None where the store has no full text."""
        return self._read(lambda store: store.search_text(words, most, since, until))

    def compact(self) -> None:
        """Joins what many small puts have left, and indexes what is new."""
        self._store().compact()

    def _write(self, change: Callable[[VectorStore], None]) -> None:
        name = self._look()
        while True:
            change(self.generations.store(name))
            if (now := self._look()) == name:
                return
            name = now

    def _read(self, ask: Callable[[VectorStore], Answer]) -> Answer:
        """Asks the current generation. One that was deleted meanwhile fails, and then there is another."""
        name = self._current()
        try:
            return ask(self.generations.store(name))
        except TransientFailure:
            if (now := self._look()) == name:
                raise
            return ask(self.generations.store(now))

    def _store(self) -> VectorStore:
        return self.generations.store(self._current())

    def _current(self) -> str:
        with self._lock:
            is_fresh = self.clock() - self._looked_at_s < LOOK_EVERY_S
            if self._name is not None and is_fresh:
                return self._name
        return self._look()

    def _look(self) -> str:
        name = self.generations.current()
        with self._lock:
            self._name, self._looked_at_s = name, self.clock()
        return name
