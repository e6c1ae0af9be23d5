"""What the rows say that the search index should have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from ticketmill.queries.filters import Filters
from ticketmill.queries.tickets import MAX_ROWS_AT_ONCE, TicketQueries

FROM_THE_START = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class EnrichedRow:
    """A ticket with an enrichment."""

    ticket_id: str
    enriched_key: str
    received_at: datetime


def enriched_rows(tickets: TicketQueries, since: datetime = FROM_THE_START) -> Iterator[EnrichedRow]:
    """Those that were uploaded from `since` on, the newest first; a hundred rows are read at once."""
    cursor: str | None = None
    while True:
        page = tickets.list(Filters(), since, cursor=cursor, limit=MAX_ROWS_AT_ONCE - 1)
        for row in page.rows:
            if row.enriched_key:
                yield EnrichedRow(row.ticket_id, row.enriched_key, row.received_at)
        cursor = page.cursor
        if cursor is None:
            return
