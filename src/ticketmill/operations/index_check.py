"""Whether the search index has what the rows say, and what is done about it where it does not."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from ticketmill.batching import grouped
from ticketmill.domain.keys import ticket_of_enriched_key
from ticketmill.indexed_ticket import IndexedTicket
from ticketmill.operations.index_rows import enriched_rows
from ticketmill.operations.indexer import EnrichedObjects, entry_at
from ticketmill.queries.index_ports import VectorStore
from ticketmill.queries.tickets import TicketQueries

AT_ONCE = 500
"""Objects that are read, and entries that are put, at once."""
SETTLED = timedelta(hours=1)
"""An enrichment is stored before its row: an entry that no row points to may be of a row to come."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Day:
    """The tickets of one day, by the time of their upload in UTC."""

    day: date
    rows: int
    """Those with a vector that the index should have."""
    searchable: int


@dataclass(frozen=True, slots=True)
class Findings:
    """What a look at rows and index found. The index is as it should be where nothing but days is named."""

    days: tuple[Day, ...]
    missing: tuple[str, ...]
    """The keys of enrichments that a row points to, and that cannot be searched."""
    doubled: tuple[str, ...]
    """The keys of entries that are there more than once."""
    orphaned: tuple[str, ...]
    """The keys of entries whose ticket has no row: it was forgotten, and came back. It is to be forgotten
    again, which leaves nothing of its text in old files."""
    superseded: tuple[str, ...]
    """The keys of entries whose ticket's row points to another enrichment. Nobody finds them, and they do no
    harm."""

    @property
    def is_right(self) -> bool:
        return not (self.missing or self.doubled or self.orphaned)


@dataclass(frozen=True, slots=True)
class IndexContents:
    """The entries that the index of one embedding model should have."""

    tickets: TicketQueries
    enriched: EnrichedObjects
    model: str
    executor: Executor

    def entries(self, keys: Iterable[str]) -> Iterator[tuple[int, Sequence[IndexedTicket]]]:
        """The entries of enrichments, and of how many keys each group is.

        Those without a vector of this model have none. One that cannot be read is named in the log.
        """
        for some in grouped(keys, lambda _key: 1, AT_ONCE):
            found = self.executor.map(self._entry, some)
            yield len(some), [each for each in found if each is not None]

    def fill(self, store: VectorStore, advance: Callable[[int], object] = lambda _count: None) -> None:
        """Puts the entry of each ticket that has one."""
        for count, entries in self.entries(row.enriched_key for row in enriched_rows(self.tickets)):
            store.put(entries)
            advance(count)

    def _entry(self, key: str) -> IndexedTicket | None:
        body = self.enriched.find(key)
        try:
            entry = None if body is None else entry_at(key, body)
        except ValueError:
            log.warning("%r cannot be read, and is left out", key)
            return None
        return entry.ticket if entry is not None and entry.model == self.model else None


@dataclass(frozen=True, slots=True)
class IndexCheck:
    """Compares the index of one embedding model with the rows."""

    contents: IndexContents
    store: VectorStore
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def look(self) -> Findings:
        """Reads all rows, then all entries. TransientFailure where a place fails."""
        rows = {row.enriched_key: row for row in enriched_rows(self.contents.tickets)}
        counts = Counter(key for some in self.store.keys() for key, _ in some)  # noqa: SIM118
        entries = self.contents.entries(self._still_pointed_to(rows.keys() - counts.keys()))
        missing = sorted(each.enriched_key for _, some in entries for each in some)
        orphaned, superseded = self._not_pointed_to(counts.keys() - rows.keys())
        should = Counter(rows[key].received_at.date() for key in (*(rows.keys() & counts.keys()), *missing))
        lacking = Counter(rows[key].received_at.date() for key in missing)
        return Findings(
            tuple(Day(day, should[day], should[day] - lacking[day]) for day in sorted(should)),
            tuple(missing),
            tuple(sorted(key for key, count in counts.items() if count > 1)),
            tuple(orphaned),
            tuple(superseded),
        )

    def repair(self, findings: Findings) -> None:
        """Puts what is missing, and deletes what nobody finds. Entries of the last hour stay."""
        self.store.delete(findings.doubled)
        for _, entries in self.contents.entries((*findings.doubled, *findings.missing)):
            self.store.put(entries)
        self.delete_settled(findings.superseded)

    def delete_settled(self, keys: Iterable[str]) -> int:
        """Deletes entries but those that were put in the last hour; how many it were."""
        recent = {key for some in self.store.keys(self.now() - SETTLED) for key, _ in some}
        settled = [key for key in keys if key not in recent]
        self.store.delete(settled)
        return len(settled)

    def delete_superseded(self) -> int:
        """Deletes the entries that nobody finds but those of the last hour; how many it were."""
        rows = {row.enriched_key for row in enriched_rows(self.contents.tickets)}
        unused = {key for some in self.store.keys() for key, _ in some} - rows  # noqa: SIM118
        _, superseded = self._not_pointed_to(unused)
        return self.delete_settled(superseded)

    def _still_pointed_to(self, keys: Iterable[str]) -> list[str]:
        """Those that a row points to now: another enrichment may have come since the rows were read."""
        return [key for key, pointed_to in self._pointers(keys) if pointed_to == key]

    def _not_pointed_to(self, keys: Iterable[str]) -> tuple[list[str], list[str]]:
        """Those whose ticket has no row now, and those whose ticket's row points elsewhere."""
        pointers = list(self._pointers(keys))
        orphaned = [key for key, pointed_to in pointers if pointed_to is None]
        return orphaned, [key for key, pointed_to in pointers if pointed_to not in (None, key)]

    def _pointers(self, keys: Iterable[str]) -> Iterator[tuple[str, str | None]]:
        """Each key with the one that the row of its ticket points to; None where there is no row."""
        for some in grouped(sorted(keys), lambda _key: 1, AT_ONCE):
            rows = self.contents.tickets.rows_of([ticket_of_enriched_key(key) for key in some])
            by_id = {row.ticket_id: row.enriched_key or "" for row in rows}
            yield from ((key, by_id.get(ticket_of_enriched_key(key))) for key in some)
