"""Tickets as the scan for surges reads them: from the index, in the order of their upload, each once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.domain.keys import ticket_of_enriched_key
from ticketmill.queries.ticket_stream import DAY_S, HOUR_S, Arrival
from ticketmill.queries.vectors import Vectors

HISTORY = timedelta(days=35)
"""28 days to compare with, and a week of surges."""
LATE_S = 3 * HOUR_S
"""A ticket that enters the index so long after newer ones is left out: it would count as coming now."""
NEW = timedelta(days=1)
"""A ticket that was written so long before its upload does not come now: it was imported, or changed."""
REMEMBERED_S = 42 * DAY_S
ROWS_AT_ONCE = 100

Rows = Callable[[Sequence[str]], Sequence[EffectiveRow]]


@dataclass
class SurgeArrivals:
    """Reads the index again and again. A ticket counts once, however often it is enriched."""

    rows_of: Rows
    """The rows of some tickets by their ids; at most 100 at once."""
    _seen: dict[str, float] = field(default_factory=dict)
    """When each ticket came."""
    _newest_s: float = -math.inf
    _kept: int = 10_000

    def read(self, vectors: Vectors, since: datetime, rows_since: datetime) -> list[Arrival]:
        """What has come since the last time; the first time since `since`.

        The customer is known of what came from `rows_since` on. TransientFailure where rows cannot be read:
        then the same tickets are read the next time.
        """
        since_s = max(since.timestamp(), self._newest_s - LATE_S)
        times = vectors.times
        chosen = np.flatnonzero(times >= since_s)
        chosen = chosen[np.argsort(times[chosen], kind="stable")]
        ids = [ticket_of_enriched_key(vectors.keys[at]) for at in chosen]
        first: dict[str, int] = {}
        for place, ticket_id in enumerate(ids):
            if ticket_id not in self._seen:
                first.setdefault(ticket_id, place)
        if not first:
            return []
        matrix = vectors.matrix[chosen[list(first.values())]]
        came = {ticket_id: float(times[chosen[place]]) for ticket_id, place in first.items()}
        rows = self._rows([each for each, at_s in came.items() if at_s >= rows_since.timestamp()])
        self._remember(came)
        found = []
        for (ticket_id, at_s), vector in zip(came.items(), matrix, strict=True):
            row = rows.get(ticket_id)
            if row is None or is_new(row):
                found.append(Arrival(ticket_id, at_s, vector, row.customer_id if row else None))
        return found

    def _rows(self, ticket_ids: Sequence[str]) -> dict[str, EffectiveRow]:
        parts = [ticket_ids[at : at + ROWS_AT_ONCE] for at in range(0, len(ticket_ids), ROWS_AT_ONCE)]
        return {row.ticket_id: row for part in parts for row in self.rows_of(part)}

    def _remember(self, came: dict[str, float]) -> None:
        self._seen |= came
        self._newest_s = max([self._newest_s, *came.values()])
        if len(self._seen) > 2 * self._kept:
            oldest = self._newest_s - REMEMBERED_S
            self._seen = {ticket_id: at_s for ticket_id, at_s in self._seen.items() if at_s >= oldest}
            self._kept = max(self._kept, len(self._seen))


def is_new(row: EffectiveRow) -> bool:
    """Whether a ticket was uploaded soon after it was written, as far as it says so."""
    return row.created_at is None or row.received_at - row.created_at < NEW


def history_begins(moment: datetime) -> datetime:
    """Where a scan begins that is to know what is unusual at a moment: a Monday, midnight UTC, at least five
    weeks before. Scans that begin together read the same stream."""
    day = (moment - HISTORY).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())
