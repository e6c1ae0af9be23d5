"""A new generation of the search index in the place of the current one, while others search and write."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.keys import FIRST_GENERATION, new_generation
from ticketmill.indexed_ticket import IndexedTicket
from ticketmill.queries.index_ports import IndexGenerations, VectorStore

MARGIN = timedelta(minutes=2)
"""Entries of so long before the start are taken over, too: writers' clocks differ."""


def _all_of_them(_key: str) -> bool:
    return True


def _token() -> str:
    return secrets.token_hex(3)


@dataclass(frozen=True, slots=True)
class NextGeneration:
    """Fills a new generation, switches to it, and deletes older ones.

    Whoever writes looks at the pointer again after each put. So an entry that was put into the old generation
    is there before the switch, and is taken over after it, or its writer puts it into the new one, too.
    """

    generations: IndexGenerations
    keeps_previous: bool = True
    """Whether the generation before the new one stays, to go back to."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    token: Callable[[], str] = _token

    def make(
        self, fill: Callable[[VectorStore], None], takes_over: Callable[[str], bool] = _all_of_them
    ) -> str:
        """The name of a generation that `fill` has filled, and that is the current one now.

        Of what others put meanwhile it has the entries whose keys `takes_over` says. Raises TransientFailure
        where a store fails or another generation was made meanwhile; then nothing has changed: run it again.
        """
        started, before = self.now(), self.generations.current()
        name = new_generation(started, self.token())
        new = self.generations.store(name)
        fill(new)
        new.compact()
        if not self.generations.switch(before, name):
            self.generations.delete(name)
            raise TransientFailure("another generation of the search index was made meanwhile", "forestalled")
        old = self.generations.store(before)
        known = {key for some in new.keys() for key, _ in some}  # noqa: SIM118
        for entries in with_texts(old, started - MARGIN):
            wanted = [each for each in entries if each.enriched_key not in known]
            new.put([each for each in wanted if takes_over(each.enriched_key)])
        self._delete_older(name, before)
        return name

    def _delete_older(self, name: str, before: str) -> None:
        """Those that were never finished among them. Younger ones may be under way."""
        older = {each for each in self.generations.names() if each == FIRST_GENERATION or each < name}
        for each in older - {before}:
            self.generations.delete(each)
        if not self.keeps_previous:
            self.generations.delete(before)


def with_texts(store: VectorStore, since: datetime | None = None) -> Iterator[Sequence[IndexedTicket]]:
    """The entries of a store with their texts; `since` as of `scan`."""
    for entries in store.scan(since):
        texts = store.texts(each.enriched_key for each in entries)
        yield [replace(each, text=texts[each.enriched_key]) for each in entries if each.enriched_key in texts]
