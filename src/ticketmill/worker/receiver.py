"""Receiving: as much as there is room for, and nothing while a dependency is down."""

from __future__ import annotations

import logging
from math import ceil

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import SQS_MAX_BATCH
from ticketmill.pipeline.outcome import Result
from ticketmill.worker.isolation import is_suspect
from ticketmill.worker.pace import Limits
from ticketmill.worker.parts import Parts

log = logging.getLogger(__name__)

LOOK_AGAIN_S = 0.01


class Receiver:
    """Moves messages from the queue to the buffer, one receive a step. One thread uses it."""

    def __init__(self, parts: Parts, limits: Limits) -> None:
        self.reached = False
        """Whether the queue has answered yet."""
        self.finished = False
        """Whether a limit is reached: nothing more is to be received."""
        self._parts = parts
        self._limits = limits
        # see `isolation`: a worker starts with one message, and each receive without a suspect doubles that
        self._most = 1

    def step(self, timeout_s: float | None = None) -> float:
        """Waits for room, up to `timeout_s`, and receives; the seconds to wait before the next step."""
        with self._parts.liveness.busy():
            pause_s = self._parts.dependencies.probe()
        self._parts.buffer.wake()
        if pause_s:
            self._release_in_a_long_outage(pause_s)
            return pause_s
        left = self._left()
        if left is not None and left <= 0:
            # what announces nothing, such as s3:TestEvent, will turn out to be no ticket
            self.finished = not self._parts.buffer.in_flight
            return LOOK_AGAIN_S
        room = self._parts.buffer.wait_for_room(timeout_s)
        most = min(room, self._most) if left is None else min(room, self._most, left)
        if most:
            self._receive(most)
        return 0.0

    def _receive(self, most: int) -> None:
        parts = self._parts
        try:
            with parts.liveness.busy():
                messages = parts.leases.receive(most, parts.pace.wait_s)
        except TransientFailure as failure:
            parts.dependencies.receive_failed(failure)
            return
        self.reached = True
        parts.dependencies.receive_succeeded()
        parts.statistics.received += len(messages)
        self._most = 1 if any(map(is_suspect, messages)) else min(self._most * 2, SQS_MAX_BATCH)
        # a buffer that is closed by now takes nothing
        left_over = parts.buffer.put(messages, more_expected=len(messages) == most)
        parts.queue.release(parts.leases.end(left_over), 0)
        if not messages and self._limits.until_empty:
            self.finished = self._is_empty()

    def _release_in_a_long_outage(self, pause_s: float) -> None:
        """Once the pauses are at their longest: the outage may be of this worker's machine alone."""
        parts = self._parts
        if parts.dependencies.is_lasting and (waiting := parts.buffer.drain()):
            log.warning("releasing %d messages: another worker may reach what is down here", len(waiting))
            parts.queue.release(parts.leases.end(waiting), ceil(pause_s))

    def _left(self) -> int | None:
        """How many tickets may still be received; None for any number."""
        if self._limits.max_tickets is None:
            return None
        statistics = self._parts.statistics
        return self._limits.max_tickets - statistics.received + statistics.results[Result.IGNORED]

    def _is_empty(self) -> bool:
        try:
            return not len(self._parts.leases) and self._parts.queue.is_empty()
        except TransientFailure as failure:
            log.warning("%s", failure)
            return False
