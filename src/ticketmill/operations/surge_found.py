"""What the scan says of a surge, as its record has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import exp
from typing import Any

from ticketmill.domain.surge import MAX_TICKETS, SurgeRecord, surge_id_of
from ticketmill.queries.surge_arrivals import Rows, SurgeArrivals, history_begins
from ticketmill.queries.surge_name import Texts, surge_name
from ticketmill.queries.surges import EBB_S, Surge, SurgeScan
from ticketmill.queries.ticket_stream import DAY_S
from ticketmill.queries.vectors import Vectors

SMALLEST_LOG_P = -690.0
"""A float has no smaller p."""


@dataclass(frozen=True, slots=True)
class SurgeLimits:
    """What is a surge."""

    false_per_week: float = 0.5
    """False alarms that people put up with."""
    min_tickets: int = 4
    min_customers: int = 3
    """Where customers are known; a ticket of an unknown one counts as one."""

    def allow(self, surge: Surge) -> bool:
        """Whether a surge of the scan has tickets and customers enough."""
        return len(surge.tickets) >= self.min_tickets and customers_of(surge) >= self.min_customers


def past_surges(
    vectors: Vectors, rows_of: Rows, texts: Texts, limits: SurgeLimits, since: datetime, now: datetime
) -> list[SurgeRecord]:
    """The surges that opened from `since` on, the first one first. Nothing is written.

    TransientFailure where rows or texts cannot be read.
    """
    scan = SurgeScan(limits.false_per_week)
    day_before = datetime.fromtimestamp(since.timestamp() - DAY_S, UTC)
    opened = scan.read(SurgeArrivals(rows_of).read(vectors, history_begins(since), day_before))
    scan.ebb(now.timestamp())
    return [
        record_of(surge, named(surge, None, vectors, texts), now)
        for surge in opened
        if limits.allow(surge) and opened_at(surge) >= since
    ]


def record_of(surge: Surge, name: dict[str, Any], now: datetime) -> SurgeRecord:
    """The first record of a surge."""
    at = opened_at(surge)
    return SurgeRecord(
        surge_id=surge_id_of(surge.opened_by, at),
        opened_at=at,
        closed_at=None if surge.is_open else closed_at(surge),
        changed_at=now,
        **{**found(surge, None), **name},
    )


def found(surge: Surge, record: SurgeRecord | None) -> dict[str, Any]:
    """The tickets and the figures. Tickets that the record has already stay in it."""
    before: Sequence[str] = record.tickets if record else ()
    ids = [each.ticket_id for each in surge.tickets if record is None or record.may_have(each.ticket_id)]
    tickets = tuple(dict.fromkeys([*before, *ids]))
    is_peak = record is None or p_of(surge) <= record.p
    return {
        "tickets": tickets[:MAX_TICKETS],
        "ticket_count": max(len(tickets), record.ticket_count if record else 0),
        "customers": max(customers_of(surge), record.customers if record else 0),
        **({"n": surge.n, "expected": surge.expected, "p": p_of(surge)} if is_peak else {}),
        "first_at": min([_moment(surge.first_s), *([record.first_at] if record else [])]),
        "last_at": max([_moment(surge.last_s), *([record.last_at] if record else [])]),
    }


def named(surge: Surge, record: SurgeRecord | None, vectors: Vectors, texts: Texts) -> dict[str, Any]:
    """A name, where it has none yet; anew whenever it has twice the tickets."""
    if record is not None and len(surge.tickets) < 2 * record.named_of:
        return {}
    ids = [each.ticket_id for each in surge.tickets]
    return {"name": surge_name(ids, surge.first_s, vectors, texts), "named_of": len(ids)}


def customers_of(surge: Surge) -> int:
    return len({each.writer for each in surge.tickets})


def p_of(surge: Surge) -> float:
    return exp(max(surge.log_p, SMALLEST_LOG_P))


def opened_at(surge: Surge) -> datetime:
    """When the ticket came that raised the alarm."""
    return _moment(next(each.at_s for each in surge.tickets if each.ticket_id == surge.opened_by))


def closed_at(surge: Surge) -> datetime:
    """When it ebbed."""
    return _moment(surge.last_surprising_s + EBB_S)


def _moment(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
