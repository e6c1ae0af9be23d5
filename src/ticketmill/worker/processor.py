"""Processing: batch after batch from the buffer through the pipeline, and what follows from the outcomes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from ticketmill.domain.message import Message
from ticketmill.pipeline.outcome import Outcome, acknowledgeable
from ticketmill.worker.backoff import Backoff
from ticketmill.worker.parts import Parts

ProcessBatch = Callable[[Sequence[Message]], list[Outcome]]
Report = Callable[[Sequence[Outcome]], None]
"""Told of every batch that is done; one call at a time."""


class Processor:
    """Works one batch a step. All worker threads share it."""

    def __init__(
        self, parts: Parts, process_batch: ProcessBatch, backoff: Backoff, report: Report | None = None
    ) -> None:
        self._parts = parts
        self._process_batch = process_batch
        self._backoff = backoff
        self._report = report
        self._counting = threading.Lock()

    def step(self, timeout_s: float | None = None) -> bool:
        """Waits for a batch, up to `timeout_s`, and works it; False where none came."""
        parts = self._parts
        batch = parts.buffer.take(parts.pace.batch_size, parts.pace.gather_s, timeout_s)
        if not batch:
            return False
        try:
            with parts.liveness.busy(), parts.statistics.busy():
                messages = parts.leases.held(batch)
                outcomes = self._process_batch(messages)
                parts.dependencies.report(outcomes)
                self._finish(messages, outcomes)
        finally:
            parts.buffer.done(batch)
        if parts.pace.rest_s:
            parts.buffer.rest(parts.pace.rest_s, parts.pace.batch_size)
        return True

    def _finish(self, messages: Sequence[Message], outcomes: Sequence[Outcome]) -> None:
        """Acknowledges what is done, last of all, and releases what failed, for later each time.

        The leases end first: no heartbeat may extend what was released.
        """
        parts = self._parts
        ours = parts.leases.end(messages)
        done = acknowledgeable(ours, outcomes)
        confirmed = parts.queue.acknowledge(done)
        failed = [message for message in ours if message not in done]
        for delay_s, group in self._backoff.groups(failed).items():
            parts.queue.release(group, delay_s)
        with self._counting:
            parts.statistics.lost_leases = parts.leases.lost
            parts.statistics.unconfirmed += len(done) - len(confirmed)
            parts.statistics.count(outcomes, datetime.now(UTC))
            if self._report is not None:
                self._report(outcomes)
