"""The search index in memory: stores of one embedding model, by generation."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.keys import FIRST_GENERATION
from ticketmill.indexed_ticket import Hit, IndexedTicket


@dataclass
class MemoryIndex:
    """Entries by key, with the time of their put."""

    entries: dict[str, IndexedTicket] = field(default_factory=dict)
    put_at: dict[str, datetime] = field(default_factory=dict)
    puts: int = 0
    compactions: int = 0
    is_down: bool = False
    refuses: Callable[[IndexedTicket], bool] = lambda _entry: False
    """What cannot be put, as by a bug."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    changes: int = 0

    def put(self, entries: Sequence[IndexedTicket]) -> None:
        self._check()
        if any(self.refuses(each) for each in entries):
            raise ValueError("cannot be put")
        self.puts += 1
        self.changes += 1
        for each in entries:
            self.entries.setdefault(each.enriched_key, each)
            self.put_at.setdefault(each.enriched_key, self.now())

    def delete(self, keys: Collection[str]) -> None:
        self._check()
        self.changes += 1
        for key in keys:
            self.entries.pop(key, None)
            self.put_at.pop(key, None)

    def keys_of(self, ticket_id: str) -> list[str]:
        return [key for key, each in self.entries.items() if each.ticket_id == ticket_id]

    def scan(self, since: datetime | None = None) -> Iterator[Sequence[IndexedTicket]]:
        self._check()
        yield [each for key, each in self.entries.items() if since is None or self.put_at[key] >= since]

    def keys(self, since: datetime | None = None) -> Iterator[Sequence[tuple[str, datetime]]]:
        return ([(each.enriched_key, each.received_at) for each in some] for some in self.scan(since))

    def texts(self, keys: Iterable[str]) -> Mapping[str, str]:
        return {key: self.entries[key].text for key in keys if key in self.entries}

    def count(self) -> int:
        return len(self.entries)

    def version(self) -> str:
        self._check()
        return str(self.changes)

    def nearest(self, *_question: Any) -> list[Hit]:
        raise NotImplementedError

    def search_text(self, *_question: Any) -> list[Hit] | None:
        return None

    def compact(self) -> None:
        self._check()
        self.compactions += 1

    def _check(self) -> None:
        if self.is_down:
            raise TransientFailure("the index is down", "index", "index")


@dataclass
class MemoryGenerations:
    """The stores of one embedding model."""

    name: str = FIRST_GENERATION
    stores: dict[str, MemoryIndex] = field(default_factory=dict)

    def current(self) -> str:
        return self.name

    def store(self, generation: str) -> MemoryIndex:
        return self.stores.setdefault(generation, MemoryIndex())

    def names(self) -> list[str]:
        return sorted(self.stores, key=lambda name: (name != FIRST_GENERATION, name))

    def switch(self, before: str, to: str) -> bool:
        if self.name != before:
            return False
        self.name = to
        return True

    def delete(self, generation: str) -> int:
        return self.stores.pop(generation, MemoryIndex()).count()

    def size(self, generation: str) -> tuple[int, int]:
        return self.store(generation).count(), 0
