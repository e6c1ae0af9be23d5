"""Serving decisions: how one is made, and which serial a worker writes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.serving import NO_SERIAL, ServingDecision, ServingHistory
from ticketmill.pipeline.ports import ServingDecisions

MAX_WRITE_ATTEMPTS = 8
REFRESH_S = 30.0

log = logging.getLogger(__name__)


def serve(decisions: ServingDecisions, fingerprint: str, decided_by: str, now: datetime) -> ServingDecision:
    """Lets a bundle serve from now on, a newer one or one that served before. No other decision where it
    serves already."""

    def holds(history: ServingHistory) -> ServingDecision | None:
        current = history.current
        return current if current is not None and current.fingerprint == fingerprint else None

    return _decide(decisions, fingerprint, decided_by, now, holds)


def register(
    decisions: ServingDecisions, fingerprint: str, decided_by: str, now: datetime
) -> ServingDecision:
    """The latest decision for a bundle. One that no decision ever chose serves from now on."""
    return _decide(decisions, fingerprint, decided_by, now, lambda history: history.latest.get(fingerprint))


def _decide(
    decisions: ServingDecisions,
    fingerprint: str,
    decided_by: str,
    now: datetime,
    holds: Callable[[ServingHistory], ServingDecision | None],
) -> ServingDecision:
    for _ in range(MAX_WRITE_ATTEMPTS):
        history = decisions.history()
        known = holds(history)
        if known is not None:
            return known
        decision = history.next(fingerprint, decided_by, now)
        if decisions.add(decision):
            return decision
    raise TransientFailure(f"the serving decision changed {MAX_WRITE_ATTEMPTS} times under this write")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class ServingSerial:
    """The serial that a worker with the bundle `fingerprint` writes, read again every `refresh_s`.

    Called without a decision for its bundle, it makes one where `decides`; else the serial is 0, which ranks
    below all others. So a bundle that was just built works at once, and an old worker that starts again
    keeps its old serial.
    """

    decisions: ServingDecisions
    fingerprint: str
    decided_by: str
    decides: bool = True
    refresh_s: float = REFRESH_S
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = _now
    _history: ServingHistory | None = field(default=None, init=False)
    _read_at: float = field(default=0.0, init=False)
    _reading: Lock = field(default_factory=Lock, init=False)

    def __call__(self) -> int:
        """The serial. TransientFailure where it was never read and cannot be; later the last one holds."""
        with self._reading:
            if self._history is None or self.monotonic() - self._read_at >= self.refresh_s:
                self._history = self._refreshed(self._history)
                self._read_at = self.monotonic()
            return self._serial_in(self._history)

    def _refreshed(self, known: ServingHistory | None) -> ServingHistory:
        try:
            history = self._read()
        except TransientFailure as failure:
            if known is None:
                raise
            log.warning("the serving decisions could not be read again, the last ones hold: %s", failure)
            return known
        if known is None or history.current != known.current:
            self._tell(history)
        return history

    def _read(self) -> ServingHistory:
        history = self.decisions.history()
        if self.decides and history.serial_of(self.fingerprint) is None:
            register(self.decisions, self.fingerprint, self.decided_by, self.now())
            history = self.decisions.history()
        return history

    def _serial_in(self, history: ServingHistory) -> int:
        serial = history.serial_of(self.fingerprint)
        return NO_SERIAL if serial is None else serial

    def _tell(self, history: ServingHistory) -> None:
        serial, current = self._serial_in(history), history.current
        if current is not None and current.fingerprint == self.fingerprint:
            log.info("bundle %s serves, serial %d", self.fingerprint, serial)
            return
        log.warning(
            "bundle %s has the serving serial %d, bundle %s has %d: what that one enriched stays as it is; "
            "to let this one serve, run: ticketmill models serve %s",
            self.fingerprint,
            serial,
            current.fingerprint if current else "none",
            current.serial if current else NO_SERIAL,
            self.fingerprint,
        )
