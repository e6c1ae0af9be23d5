"""Watches for surges: what the scan finds in the index is kept as records, and announced.

The scan is made anew at every start, from the index. Its past begins with a week, so that watches that start
in the same week read the same stream. A surge is known by the ticket that opened it, and by its tickets where
another one opened it this time. Records are written conditionally: a second watch does no harm.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.surge import (
    SurgeEvent,
    SurgeEventType,
    SurgeRecord,
    SurgeState,
    SurgeVerdict,
    surge_event,
)
from ticketmill.operations.surge_found import SurgeLimits, closed_at, found, named, p_of, record_of
from ticketmill.operations.surge_records import SurgeRecords
from ticketmill.queries.dismissed_topics import dismissed_like
from ticketmill.queries.surge_arrivals import Rows, SurgeArrivals, history_begins
from ticketmill.queries.surges import EBB_S, Surge, SurgeScan
from ticketmill.queries.ticket_vectors import TicketVectors
from ticketmill.queries.vectors import Vectors

ROWS_FOR = timedelta(days=2)
"""The customers of so long before the start are read: older tickets open no surge that is still kept."""
LEARNED_FOR = timedelta(days=28)
"""So long a dismissed surge holds others of its topic back."""
SHARED = 0.3
"""Of its tickets, or of the record's. A surge that has more of them is the same one."""
EVERY_S = 15.0
FAILURE_PAUSE_S = 30.0

log = logging.getLogger(__name__)

Known = dict[str, SurgeRecord]
"""The last records by their ids."""
Announce = Callable[[SurgeEvent], None]


def announce_nowhere(_event: SurgeEvent) -> None:
    """Of a place without a bus and a topic."""


@dataclass
class SurgeWatch:
    """Looks at the index again and again."""

    vectors: TicketVectors
    rows_of: Rows
    records: SurgeRecords
    limits: SurgeLimits = field(default_factory=SurgeLimits)
    announce: Announce = announce_nowhere
    """Raises TransientFailure where an event could not be sent: then it is sent at the next look."""
    observe: Callable[[int], None] = lambda _open: None
    """Told after each look how many surges are open."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    stopping: threading.Event = field(default_factory=threading.Event)
    _scan: SurgeScan = field(init=False)
    _arrivals: SurgeArrivals = field(init=False)
    _record_of: dict[str, str] = field(default_factory=dict, init=False)
    """The record of each surge of the scan, by the ticket that opened it."""

    def __post_init__(self) -> None:
        self._scan = SurgeScan(self.limits.false_per_week)
        self._arrivals = SurgeArrivals(self.rows_of)

    def run(self, every_s: float = EVERY_S) -> None:
        """Looks every `every_s` seconds until `stopping` is set. A service that fails is asked again."""
        while not self.stopping.is_set():
            try:
                for each in self.look():
                    log.info("surge %s: %s, %s", each.surge_id, each.state_at(self.now()), each.figures)
            except TransientFailure as failure:
                log.warning("%s; looking again in %.0f s", failure, FAILURE_PAUSE_S)
                self.stopping.wait(FAILURE_PAUSE_S)
            self.stopping.wait(every_s)

    def stop(self) -> None:
        """Ends `run` after the look under way."""
        self.stopping.set()

    def look(self) -> list[SurgeRecord]:
        """Reads what is new, and writes what follows from it. The records that changed.

        Raises TransientFailure where a service fails; the next look makes up for it.
        """
        now, vectors = self.now(), self.vectors.current()
        self._scan.read(self._arrivals.read(vectors, history_begins(now), now - ROWS_FOR))
        self._scan.ebb(now.timestamp())
        known = {record.surge_id: record for record in self.records.newest()}
        changed = [kept for surge in self._scan.surges if (kept := self._keep(surge, known, vectors, now))]
        changed += self._close_others(known, now)
        self.observe(sum(each.state_at(now) is SurgeState.OPEN for each in known.values()))
        return [self._announced(each, now) for each in changed]

    def _keep(self, surge: Surge, known: Known, vectors: Vectors, now: datetime) -> SurgeRecord | None:
        """Writes what the scan knows of a surge. None where nothing is new, and where it is no surge yet."""
        texts = self.vectors.store.texts
        record = self._find(surge, known)
        if record is not None:
            update = {**found(surge, record), **named(surge, record, vectors, texts)}
            if record.like is not None:
                update["like"] = self._like(surge, known, vectors, now)
            kept = _updated(record, surge, update)
            if kept != record:
                kept = self.records.change(record.surge_id, lambda each: _updated(each, surge, update), now)
                known[kept.surge_id] = kept
            return kept if kept != record or _due(kept, now) else None
        if not self.limits.allow(surge):
            return None
        made = record_of(surge, named(surge, None, vectors, texts), now)
        made = made.model_copy(update={"like": self._like(surge, known, vectors, now)})
        self._record_of[surge.opened_by] = made.surge_id
        if not self.records.add(made):
            return None  # another watch was first: the next look finds its record
        known[made.surge_id] = made
        return made

    def _find(self, surge: Surge, known: Known) -> SurgeRecord | None:
        """The record of a surge: that of this process, or one that shares its tickets."""
        surge_id = self._record_of.get(surge.opened_by)
        if surge_id is not None:
            return known.get(surge_id)
        tickets, taken = {each.ticket_id for each in surge.tickets}, {*self._record_of.values()}
        for record in known.values():
            shared = len(tickets.intersection(record.tickets))
            if record.surge_id not in taken and shared > SHARED * min(len(tickets), len(record.tickets)):
                self._record_of[surge.opened_by] = record.surge_id
                return record
        return None

    def _like(self, surge: Surge, known: Known, vectors: Vectors, now: datetime) -> str | None:
        """The surge that a person dismissed, and that holds this one back."""
        dismissed = [
            each
            for each in known.values()
            if each.said and each.said.verdict == SurgeVerdict.DISMISS and now - each.last_at < LEARNED_FOR
        ]
        return dismissed_like(surge.tickets, p_of(surge), dismissed, vectors)

    def _close_others(self, known: Known, now: datetime) -> Iterator[SurgeRecord]:
        """Closes what the scan does not know any more: it ebbed while nobody watched."""
        current = {self._record_of.get(each.opened_by) for each in self._scan.surges}
        for record in list(known.values()):
            if record.surge_id in current:
                continue
            ebbs_at = record.last_at + timedelta(seconds=EBB_S)
            if record.closed_at is None and now > ebbs_at:
                kept = self.records.change(record.surge_id, partial(_closed, at=ebbs_at), now)
                known[kept.surge_id] = kept
                yield kept
            elif _due(record, now):
                yield record

    def _announced(self, record: SurgeRecord, now: datetime) -> SurgeRecord:
        """Sends the event that is due, and notes that. A failure leaves it to the next look."""
        if (event_type := _due(record, now)) is None:
            return record
        try:
            self.announce(surge_event(record, event_type))
        except TransientFailure as failure:
            log.warning("surge %s is not announced yet: %s", record.surge_id, failure)
            return record
        return self.records.change(
            record.surge_id,
            lambda each: each.model_copy(update={"announced": (*each.announced, event_type)}),
            now,
        )


def _updated(record: SurgeRecord, surge: Surge, update: dict[str, Any]) -> SurgeRecord:
    """The record as it is now, with what the scan found. What a person has said meanwhile stands."""
    update = {name: value for name, value in update.items() if name != "like" or record.said is None}
    if surge.is_open and record.closed_at is not None:
        is_dismissed = record.said is not None and record.said.verdict == SurgeVerdict.DISMISS
        update |= {"closed_at": None, "openings": record.openings + 1, "announced": ()}
        update |= {} if is_dismissed else {"said": None}
    elif not surge.is_open and record.closed_at is None:
        update["closed_at"] = closed_at(surge)
    return record.model_copy(update=update)


def _closed(record: SurgeRecord, at: datetime) -> SurgeRecord:
    return record.model_copy(update={"closed_at": at})


def _due(record: SurgeRecord, now: datetime) -> SurgeEventType | None:
    """The event that is still to be sent."""
    is_told = SurgeEventType.OPENED in record.announced
    if record.state_at(now) in (SurgeState.OPEN, SurgeState.ACKNOWLEDGED, SurgeState.SNOOZED):
        return None if is_told else SurgeEventType.OPENED
    if record.closed_at is None or not is_told or SurgeEventType.CLOSED in record.announced:
        return None
    return SurgeEventType.CLOSED
