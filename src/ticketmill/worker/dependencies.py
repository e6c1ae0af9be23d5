"""The services that a worker needs, and what it does while one of them is down.

The queue's receive count is what makes dead letters, and each attempt during an outage would raise it. So a
failed dependency pauses the worker: one circuit breaker for each.

    CLOSED ── no upload of a batch gets past the dependency ──▶ OPEN: nothing is received or started
      ▲                                                          │ after a pause: a probe, which costs no
      │                                                          ▼ message a receive; if it fails, OPEN again
      └──── an upload gets through ──── PROBING: one message at a time, in the whole worker

A batch that fails in PROBING opens the breaker again, with twice the pause. What was received and not started
waits in the worker meanwhile: the heartbeat keeps it invisible, and its receive count stays. Once the pauses
are at their longest it is released, for a worker that the outage does not hit. What has failed is released
with the backoff of every failure; nobody receives it before the pause is over.

Only a failure of the service itself counts, see `TransientFailure.dependency`. Where some uploads of a batch
get through, the service works.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ticketmill.circuit_breaker import BreakerState, CircuitBreaker
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.keys import OUTAGE_PROBE
from ticketmill.domain.message import Upload
from ticketmill.pipeline.outcome import Outcome, Result
from ticketmill.pipeline.ports import RawTickets, TicketRows
from ticketmill.worker.buffer import Flow

log = logging.getLogger(__name__)

QUEUE = "sqs"
"""The queue's own breaker. Receiving is its probe; what is in flight goes on without it."""

Probe = Callable[[], object]
"""A cheap request. Raises TransientFailure with the dependency's name where that is down."""


def probes(raw_tickets: RawTickets, rows: TicketRows, bucket: str) -> dict[str, Probe]:
    """A probe for each service that the pipeline needs, by its name in failures."""
    absent = Upload(bucket, OUTAGE_PROBE, OUTAGE_PROBE)
    return {
        "s3": lambda: raw_tickets.fetch(absent, max_bytes=0),
        "dynamodb": lambda: rows.get_many([OUTAGE_PROBE]),
    }


class Dependencies:
    """One breaker for each dependency. Threads may share it."""

    def __init__(
        self,
        probes: Mapping[str, Probe],
        first_pause_s: float,
        max_pause_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._probes = dict(probes)
        self._max_pause_s = max_pause_s
        self._breakers = {
            name: CircuitBreaker(1, first_pause_s, max_pause_s, clock) for name in (QUEUE, *probes)
        }
        self.outages = 0
        """How often a breaker opened that was closed."""
        self._asked: str | None = None
        """Whose probe is under way."""
        self._reporting = threading.Lock()

    @property
    def down(self) -> list[str]:
        """The names of those whose breaker is open."""
        return [name for name, each in self._breakers.items() if each.state is BreakerState.OPEN]

    @property
    def pause_s(self) -> float:
        """Seconds until the next probe may be made; 0 where nothing is down."""
        return max((each.remaining_s for each in self._breakers.values()), default=0.0)

    @property
    def is_lasting(self) -> bool:
        """Whether a dependency of the pipeline is down, and its pauses are at their longest."""
        breakers = [self._breakers[name] for name in self._probes]
        return any(each.remaining_s and each.pause_s >= self._max_pause_s for each in breakers)

    def flow(self) -> Flow:
        """What may be started now."""
        states = {self._breakers[name].state for name in self._probes}
        if BreakerState.OPEN in states:
            return Flow.PAUSED
        return Flow.ALONE if BreakerState.PROBING in states else Flow.FULL

    def states(self) -> dict[str, dict[str, Any]]:
        """For programs: the state of each, and the seconds until its next probe."""
        return {
            name: {"state": each.state.value, "next_probe_s": round(each.remaining_s, 1)}
            for name, each in self._breakers.items()
        }

    def report(self, outcomes: Sequence[Outcome]) -> None:
        """Draws conclusions from the outcomes of a batch."""
        results = {outcome.result for outcome in outcomes} - {Result.IGNORED}
        passed = bool(results - {Result.FAILED})
        failed = {outcome.dependency for outcome in outcomes} - {None}
        with self._reporting:
            for name in self._probes:
                breaker = self._breakers[name]
                # a batch that was at work before the outage says nothing new of it
                if breaker.state is BreakerState.OPEN or name == self._asked:
                    continue
                if passed:
                    self._succeeded(name)
                elif name in failed:
                    self._failed(name, f"no upload of a batch of {len(outcomes)} got past it")

    def receive_failed(self, failure: TransientFailure) -> None:
        """The queue did not answer a receive."""
        self._failed(QUEUE, str(failure))

    def receive_succeeded(self) -> None:
        """The queue answered a receive."""
        self._succeeded(QUEUE)

    def probe(self) -> float:
        """Probes what is due; the seconds until something may be received, 0 for now."""
        for name in self.down:
            self._asked = name
            if self._breakers[name].admits():
                self._probe(name)
            self._asked = None
        return max((self._breakers[name].remaining_s for name in self.down), default=0.0)

    def _probe(self, name: str) -> None:
        if name not in self._probes:
            return
        try:
            self._probes[name]()
        except TransientFailure as failure:
            if failure.dependency == name:
                self._failed(name, str(failure))
                return
        log.info("%s answers again: trying one message", name)

    def _failed(self, name: str, why: str) -> None:
        breaker = self._breakers[name]
        self.outages += breaker.state is BreakerState.CLOSED
        breaker.failed()
        log.warning("%s is down: %s; receiving pauses for %.0f s", name, why, breaker.remaining_s)

    def _succeeded(self, name: str) -> None:
        if self._breakers[name].succeeded():
            log.info("%s works again: receiving goes on", name)
