"""A surge as it is kept: what the scan found, and what a person says of it.

```
open ──▶ acknowledged · snoozed ──▶ closed (it ebbed) ──▶ open again, where the topic comes back within a day
  └────▶ dismissed: "not a surge", which later surges of the topic are measured by
```
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import NonNegativeInt, PositiveInt

from ticketmill.domain.records import Open, Record

MAX_TICKETS = 1000
"""Ids that a record names; beyond, they are only counted."""
SURGE_EVENT_SCHEMA_VERSION = 1
"""Grows when a field changes its meaning or goes. New fields leave it as it is."""


class SurgeState(StrEnum):
    """Where a surge stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    """A person knows of it."""
    SNOOZED = "snoozed"
    """A person wants to hear nothing of it for a while."""
    DISMISSED = "dismissed"
    """A person said that it is no surge; or it is like one of which a person said so."""
    CLOSED = "closed"
    """It ebbed."""


class SurgeVerdict(StrEnum):
    """What a person can say of a surge."""

    ACKNOWLEDGE = "acknowledge"
    SNOOZE = "snooze"
    DISMISS = "dismiss"


class SurgeWord(Record):
    """What a person said last."""

    verdict: Open[SurgeVerdict]
    """What was said."""
    who: str
    """Who said it."""
    at: datetime
    """When."""
    until: datetime | None = None
    """Until when it is snoozed."""


class SurgeRecord(Record):
    """A surge: more tickets about one thing than the weeks before let expect."""

    surge_id: str
    """The day and a hash of the ticket that opened it: every watch gives a surge the same id."""
    name: str
    """The words that stand out in its tickets; empty where none does."""
    named_of: NonNegativeInt = 0
    """How many tickets the name was made of."""
    tickets: tuple[str, ...]
    """The ids of its tickets, in the order of their arrival; of more than 1,000 the first ones."""
    ticket_count: PositiveInt
    """How many tickets it has."""
    customers: PositiveInt
    """How many customers wrote them; a ticket of an unknown customer counts as one."""
    n: PositiveInt
    """Customers in its most surprising window, which is an hour or three long."""
    expected: float
    """Tickets of the topic that such a window would have had."""
    p: float
    """A bound of the chance of that window, the smallest yet."""
    first_at: datetime
    """When its first ticket came."""
    last_at: datetime
    """When its last ticket came."""
    opened_at: datetime
    """When the ticket came that raised the alarm."""
    closed_at: datetime | None = None
    """When it ebbed."""
    openings: PositiveInt = 1
    """How often it opened: it opens again where its topic comes back within a day."""
    said: SurgeWord | None = None
    """What a person said last."""
    like: str | None = None
    """The dismissed surge that this one is like: it raised no alarm."""
    forgotten: tuple[str, ...] = ()
    """Hashes of the ids of forgotten tickets: a watch that still knows one does not add it again."""
    announced: tuple[str, ...] = ()
    """The types of the events that were sent since it opened."""
    changed_at: datetime
    """When this record was last written."""

    def state_at(self, now: datetime) -> SurgeState:
        """Where it stands now."""
        verdict = self.said.verdict if self.said else None
        if verdict == SurgeVerdict.DISMISS or self.like is not None:
            return SurgeState.DISMISSED
        if self.closed_at is not None:
            return SurgeState.CLOSED
        if verdict == SurgeVerdict.ACKNOWLEDGE:
            return SurgeState.ACKNOWLEDGED
        if self.said and self.said.until is not None and self.said.until > now:
            return SurgeState.SNOOZED
        return SurgeState.OPEN

    def is_current(self, now: datetime) -> bool:
        """Whether it still goes on, and nobody said that it is none."""
        return self.state_at(now) not in (SurgeState.DISMISSED, SurgeState.CLOSED)

    def may_have(self, ticket_id: str) -> bool:
        """Whether a ticket was not forgotten."""
        return not self.forgotten or _digest(ticket_id, 8) not in self.forgotten

    def without_ticket(self, ticket_id: str) -> SurgeRecord:
        """The record of a ticket that was forgotten. It is still counted."""
        if ticket_id not in self.tickets:
            return self
        left = tuple(each for each in self.tickets if each != ticket_id)
        return self.model_copy(
            update={"tickets": left, "forgotten": (*self.forgotten, _digest(ticket_id, 8))}
        )

    def as_json(self, now: datetime) -> dict[str, Any]:
        """The record and its state, for programs."""
        return {**self.model_dump(mode="json"), "state": str(self.state_at(now))}

    @property
    def span(self) -> str:
        """How long it lasts, as in `40 min`, `2 h` and `3 d`."""
        minutes = round((self.last_at - self.first_at).total_seconds() / 60)
        if minutes < 90:
            return f"{max(minutes, 1)} min"
        return f"{round(minutes / 60)} h" if minutes < 48 * 60 else f"{round(minutes / 1440)} d"

    @property
    def title(self) -> str:
        """Its name; where no word stands out, its id."""
        return self.name or self.surge_id

    @property
    def figures(self) -> str:
        """As in `14 tickets in 2 h; at most 9 at once, against 1.2 expected`."""
        tickets = f"{self.ticket_count:,} {'ticket' if self.ticket_count == 1 else 'tickets'}"
        return f"{tickets} in {self.span}; at most {self.n:,} at once, against {self.expected:.1f} expected"


class SurgeEventType(StrEnum):
    """What happened."""

    OPENED = "surge_opened"
    CLOSED = "surge_closed"


class SurgeEvent(Record):
    """What other systems are told when a surge opens or closes."""

    schema_version: int = SURGE_EVENT_SCHEMA_VERSION
    """The version of the event's fields."""
    type: Open[SurgeEventType]
    """What happened."""
    idempotency_key: str
    """The same for every attempt to send this event."""
    surge: SurgeRecord
    """The surge as it stands."""


def surge_event(surge: SurgeRecord, event_type: SurgeEventType) -> SurgeEvent:
    """The event of a surge that opened or closed."""
    key = f"{surge.surge_id}/{event_type}/{surge.openings}"
    return SurgeEvent(type=event_type, idempotency_key=key, surge=surge)


def surge_id_of(ticket_id: str, opened_at: datetime) -> str:
    """As in `20261129-1a2b3c`: ids sort by day."""
    return f"{opened_at.astimezone(UTC):%Y%m%d}-{_digest(ticket_id, 3)}"


def current_first(surges: Iterable[SurgeRecord], now: datetime) -> list[SurgeRecord]:
    """In the order in which people should see them: open, acknowledged, snoozed, then the others; of each the
    latest first."""
    order = [SurgeState.OPEN, SurgeState.ACKNOWLEDGED, SurgeState.SNOOZED]
    latest = sorted(surges, key=lambda each: each.last_at, reverse=True)
    return sorted(latest, key=lambda each: [*order, each.state_at(now)].index(each.state_at(now)))


def _digest(ticket_id: str, size: int) -> str:
    return hashlib.blake2b(ticket_id.encode(), digest_size=size).hexdigest()
