"""What the search index keeps of a ticket, and its removal for good."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ticketmill.domain.keys import ticket_of_enriched_key
from ticketmill.operations.forget import Traces
from ticketmill.operations.next_generation import NextGeneration, with_texts
from ticketmill.queries.index_ports import IndexGenerations, VectorStore
from ticketmill.queries.single_index import SingleIndex


@dataclass(frozen=True, slots=True)
class IndexEntries:
    """The entries of a ticket in every index.

    A deleted entry stays in the files of a store for a time, with its words. So the store is made anew
    without it, and the files of all older generations are deleted. A service without files deletes at once.
    """

    indexes: Callable[[], Iterable[IndexGenerations]]
    """One for each embedding model."""

    @property
    def name(self) -> str:
        return "index entries"

    def remove(self, traces: Traces) -> int:
        removed = 0
        for index in self.indexes():
            keys = {key for store in _stores(index) for key in store.keys_of(traces.ticket_id)}
            if keys and isinstance(index, SingleIndex):
                index.entries.delete(keys)
            elif keys:
                self._leave_out(index, traces.ticket_id)
            removed += len(keys)
        return removed

    def left(self, traces: Traces) -> list[str]:
        found = {
            key
            for index in self.indexes()
            for store in _stores(index)
            for key in store.keys_of(traces.ticket_id)
        }
        return sorted(found)

    def _leave_out(self, index: IndexGenerations, ticket_id: str) -> None:
        """Copies the current generation without the ticket, and deletes every older one."""

        def is_another(key: str) -> bool:
            return ticket_of_enriched_key(key) != ticket_id

        current = index.store(index.current())

        def fill(new: VectorStore) -> None:
            for entries in with_texts(current):
                new.put([each for each in entries if is_another(each.enriched_key)])

        NextGeneration(index, keeps_previous=False).make(fill, is_another)


def _stores(index: IndexGenerations) -> list[VectorStore]:
    return [index.store(name) for name in index.names()]
