"""A search index in memory, and watches over it, for tests of surges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from test_surges import NOON_S, TOPICS, background

from ticketmill.domain.effective_row import EffectiveRow, effective
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.labels import Status
from ticketmill.domain.row import RawVersion, TicketRow
from ticketmill.domain.surge import SurgeEvent, SurgeRecord
from ticketmill.indexed_ticket import IndexedTicket
from ticketmill.learning.directory_items import DirectoryLearningItems
from ticketmill.operations.surge_records import SurgeRecords
from ticketmill.operations.surge_watch import SurgeWatch
from ticketmill.queries.ticket_stream import HOUR_S, Arrival
from ticketmill.queries.ticket_vectors import TicketVectors


class MemoryIndexStore:
    """What surges ask of a store. Entries are read again and again, as a store without `since` may give."""

    def __init__(self) -> None:
        self.entries: dict[str, IndexedTicket] = {}

    def scan(self, since: datetime | None = None) -> Iterator[Sequence[IndexedTicket]]:
        del since
        yield list(self.entries.values())

    def texts(self, keys: Iterable[str]) -> Mapping[str, str]:
        return {key: self.entries[key].text for key in keys}

    def count(self) -> int:
        return len(self.entries)

    def version(self) -> str:
        return str(len(self.entries))


@dataclass
class SurgeWorld:
    """Four quiet weeks, and what comes then. The clock stands at noon of the thirtieth day."""

    folder: Path
    store: Any = field(default_factory=MemoryIndexStore)
    rows: dict[str, TicketRow] = field(default_factory=dict)
    sent: list[SurgeEvent] = field(default_factory=list)
    open: list[int] = field(default_factory=list)
    """How many surges were open after each look."""
    is_bus_down: bool = False
    now_s: float = NOON_S

    def __post_init__(self) -> None:
        self.put(background(), "a question about the weather")

    @property
    def records(self) -> SurgeRecords:
        return SurgeRecords(DirectoryLearningItems(self.folder))

    def put(
        self,
        arrivals: Iterable[Arrival],
        text: str,
        attempt: str = "a",
        created_at: datetime | None = None,
    ) -> None:
        """Puts tickets into the index and their rows into the table."""
        for each in arrivals:
            at = datetime.fromtimestamp(each.at_s, UTC)
            key = f"tickets/{each.ticket_id}/{attempt}.json"
            self.store.entries[key] = IndexedTicket(key, at, each.vector, text)
            raw = RawVersion(bucket="raw", key="k", version_id="v", etag="e", last_modified=at)
            self.rows[each.ticket_id] = TicketRow(
                ticket_id=each.ticket_id,
                raw=raw,
                status=Status.ENRICHED,
                content_hash="0f",
                processed_at=at,
                customer_id=each.customer,
                created_at=created_at,
            )

    def rows_of(self, ticket_ids: Sequence[str]) -> list[EffectiveRow]:
        return [effective(self.rows[each]) for each in ticket_ids if each in self.rows]

    def watch(self, **given: Any) -> SurgeWatch:
        vectors = TicketVectors(self.store, clock=lambda: self.now_s)
        return SurgeWatch(
            vectors,
            self.rows_of,
            self.records,
            announce=self.announce,
            now=self.now,
            observe=self.open.append,
            **given,
        )

    def announce(self, event: SurgeEvent) -> None:
        if self.is_bus_down:
            raise TransientFailure("the bus is down")
        self.sent.append(event)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.now_s, UTC)

    def later(self, hours: float) -> None:
        self.now_s += hours * HOUR_S

    def one(self) -> SurgeRecord:
        """The only surge."""
        (record,) = self.records.newest()
        return record


UNSEEN = TOPICS + 5
"""A topic that the four weeks have not."""
