"""What to label next, kept for some seconds: many people who label cost one look at the newest tickets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.domain.label import FoundBy
from ticketmill.learning.sampling import Candidate, Suspect, candidate_of, is_doubted, next_to_label
from ticketmill.queries.filters import Filters
from ticketmill.queries.tickets import TicketQueries

NEWEST_TICKETS = 1000
"""The order is made of so many of the newest tickets."""
ROWS_AHEAD = 100
KEPT_FOR = timedelta(seconds=30)


@dataclass
class LabelQueue:
    """The order of the tickets that are worth a label. One request makes it, others wait for it."""

    queries: TicketQueries
    tasks: Sequence[str]
    audit_share: float
    suspects: Callable[[], Sequence[Suspect]]
    now: Callable[[], datetime]
    kept_for: timedelta = KEPT_FOR
    _made_at: datetime | None = None
    _order: tuple[Candidate, ...] = ()
    _suspects: Sequence[Suspect] = ()
    _lock: Lock = field(default_factory=Lock)

    def next(self, filters: Filters, since: datetime, most: int) -> list[EffectiveRow]:
        """The rows of the next tickets, as they are now; not those that somebody finished meanwhile."""
        order = [each for each in self._kept(since) if filters.match(each.row)][:ROWS_AHEAD]
        rows = {row.ticket_id: row for row in self.queries.rows_of([each.row.ticket_id for each in order])}
        found = [rows[each.row.ticket_id] for each in order if self._waits(each, rows)]
        return found[:most]

    def found_by(self, row: EffectiveRow) -> FoundBy:
        """How a ticket of the queue comes before a person."""
        offered = candidate_of(row, self.tasks, self.audit_share)
        if offered is not None and offered.is_blind:
            return FoundBy.AUDIT
        doubted = {each.task for each in self._suspects if each.ticket_id == row.ticket_id}
        is_second_look = any(is_doubted(row, task) for task in doubted)
        return FoundBy.SUSPECT if is_second_look else FoundBy.MARGIN

    def is_blind(self, row: EffectiveRow) -> bool:
        """Whether the queue shows a ticket without what the models say of it."""
        offered = candidate_of(row, self.tasks, self.audit_share)
        return offered is not None and offered.is_blind

    def _kept(self, since: datetime) -> tuple[Candidate, ...]:
        with self._lock:
            now = self.now()
            if self._made_at is None or now - self._made_at >= self.kept_for:
                newest = self.queries.newest(since, NEWEST_TICKETS)
                self._suspects = self.suspects()
                order = next_to_label(newest, self.tasks, self.audit_share, suspects=self._suspects)
                self._made_at, self._order = now, tuple(order)
            return self._order

    def _waits(self, candidate: Candidate, rows: dict[str, EffectiveRow]) -> bool:
        row = rows.get(candidate.row.ticket_id)
        if row is None:
            return False
        if candidate.found_by is FoundBy.SUSPECT:
            return any(is_doubted(row, task) for task in candidate.tasks)
        return candidate_of(row, self.tasks, self.audit_share) is not None
