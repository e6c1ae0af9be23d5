"""The long-polling worker: receive, process, acknowledge, until it is told to stop."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import FrameType

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import Message
from ticketmill.entrypoints.statistics import Statistics
from ticketmill.pipeline.outcome import Outcome, Result, settled
from ticketmill.pipeline.ports import Queue

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 1.0
MAX_PAUSE_S = 30.0
MAX_HAND_BACK_S = 900

ProcessBatch = Callable[[Sequence[Message]], list[Outcome]]


class _Stopped(BaseException):
    """Raised by the signal handler out of a receive that waits.

    Like KeyboardInterrupt no Exception: the SDK would take one for a failed request and try again.
    """


class Worker:
    """One loop over one queue.

    On SIGTERM or Ctrl-C it stops receiving, finishes the batch in hand, acknowledges it and returns; what a
    waiting receive was about to be given comes back to the queue by its visibility timeout. A second signal
    ends the process at once.
    """

    def __init__(
        self,
        queue: Queue,
        process_batch: ProcessBatch,
        *,
        batch_size: int,
        wait_s: float,
        until_empty: bool = False,
        report: Callable[[Statistics], None] | None = None,
    ) -> None:
        self.statistics = Statistics()
        self._queue = queue
        self._process_batch = process_batch
        self._batch_size = batch_size
        self._wait_s = min(wait_s, 1.0) if until_empty else wait_s
        self._until_empty = until_empty
        self._report = report
        self._stopping = False
        self._waiting = False
        self._pause_s = FIRST_PAUSE_S

    def run(self) -> Statistics:
        """Works until a signal, or until the queue is empty where that was asked for."""
        previous = {name: signal.signal(name, self._stop) for name in (signal.SIGTERM, signal.SIGINT)}
        try:
            while not self._stopping:
                messages = self._gather()
                if messages:
                    self._settle(messages)
                elif self._until_empty and self._is_empty():
                    break
        except _Stopped:
            log.info("stopped while waiting for messages")
        finally:
            for name, handler in previous.items():
                signal.signal(name, handler)
        return self.statistics

    def _gather(self) -> list[Message]:
        """Up to a batch of messages: waits for the first, then takes what is there."""
        messages = self._wait_for_messages()
        while messages and len(messages) < self._batch_size and not self._stopping:
            try:
                more = self._queue.receive(self._batch_size - len(messages), wait_s=0)
            except TransientFailure as error:
                log.warning("%s; going on with the %d messages in hand", error, len(messages))
                break
            if not more:
                break
            messages = messages + more
        return messages

    def _wait_for_messages(self) -> list[Message]:
        """The first receive of a batch, with nothing in hand yet: the only place that a signal may leave."""
        try:
            self._waiting = True
            messages = self._queue.receive(self._batch_size, self._wait_s)
            self._pause_s = FIRST_PAUSE_S
            return messages
        except TransientFailure as error:
            log.warning("%s; trying again in %.0f s", error, self._pause_s)
            time.sleep(self._pause_s)
            self._pause_s = min(self._pause_s * 2, MAX_PAUSE_S)
            return []
        finally:
            self._waiting = False

    def _settle(self, messages: Sequence[Message]) -> None:
        started = time.perf_counter()
        outcomes = self._process_batch(messages)
        try:
            self._acknowledge(messages, outcomes)
        except TransientFailure as error:
            log.warning("%s; what was done comes again and is found to be a duplicate", error)
        self.statistics.count(outcomes, datetime.now(UTC), time.perf_counter() - started)
        if self._report is not None:
            self._report(self.statistics)

    def _acknowledge(self, messages: Sequence[Message], outcomes: Sequence[Outcome]) -> None:
        """Deletes what is settled, last of all; what failed comes again, later each time."""
        done = settled(messages, outcomes)
        confirmed = self._queue.acknowledge(done)
        self.statistics.unconfirmed += len(done) - len(confirmed)
        for message in {each.message for each in outcomes if each.result is Result.FAILED}:
            self._queue.hand_back(message, backoff_s(message.receive_count))

    def _is_empty(self) -> bool:
        try:
            return self._queue.is_empty()
        except TransientFailure as error:
            log.warning("%s", error)
            return False

    def _stop(self, signum: int, _frame: FrameType | None) -> None:
        if self._stopping:
            signal.signal(signum, signal.SIG_DFL)
            signal.raise_signal(signum)
        self._stopping = True
        log.info("%s: stopping after the batch in hand", signal.Signals(signum).name)
        if self._waiting:
            raise _Stopped


def backoff_s(receive_count: int) -> int:
    """Seconds until a message that failed for the n-th time is visible again: 1, 2, 4 … 900."""
    doublings = min(max(receive_count - 1, 0), MAX_HAND_BACK_S.bit_length())
    return min(1 << doublings, MAX_HAND_BACK_S)
