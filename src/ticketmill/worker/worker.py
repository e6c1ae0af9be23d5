"""The long-polling worker: one thread receives, worker threads process, a heartbeat keeps what is in hand."""

from __future__ import annotations

import logging
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import FrameType

from ticketmill.domain.errors import TicketmillError, TransientFailure
from ticketmill.domain.message import SQS_MAX_BATCH, Message
from ticketmill.pipeline.outcome import Outcome, Result, settled
from ticketmill.pipeline.ports import Queue
from ticketmill.settings import Settings
from ticketmill.worker.buffer import Buffer
from ticketmill.worker.leases import Leases
from ticketmill.worker.statistics import Statistics

log = logging.getLogger(__name__)

GATHER_S = 0.005
WORKER_THREAD = "worker-"
SUPERVISE_EVERY_S = 0.1
# Above what the SDK may take for one call with all its attempts, and a lane for a batch that is bisected.
HEALTHY_WITHIN_S = 300.0
FIRST_PAUSE_S = 1.0
MAX_PAUSE_S = 30.0
MAX_HAND_BACK_S = 900
HAND_BACK_RESERVE_S = 3.0  # of the time for stopping, for what the worker_threads could not finish

ProcessBatch = Callable[[Sequence[Message]], list[Outcome]]
Report = Callable[[Sequence[Outcome]], None]
"""Told of every batch that is done; one call at a time."""


class WorkerDied(TicketmillError):
    """A thread of the worker ended by a fault of ours."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a worker takes from its queue; see the settings of the same names."""

    batch_size: int = 16
    worker_threads: int = 8
    wait_s: float = 5
    visibility_timeout_s: int = 60
    heartbeat_s: float = 20
    stop_deadline_s: float = 25


@dataclass(frozen=True, slots=True)
class Limits:
    """When a worker stops by itself: never, without any."""

    until_empty: bool = False
    max_tickets: int | None = None
    """Tickets that are received at the most."""
    for_s: float | None = None


class Worker:
    """One worker on one queue.

        receiver ──▶ buffer ──▶ worker_threads: process a batch, acknowledge it
            └───── leases ◀──── heartbeat: nobody else sees what is in hand

    On SIGTERM or Ctrl-C it stops as `_shut_down` says; a second signal ends the process at once. A thread
    that dies stops it too, and `run` raises WorkerDied.
    """

    def __init__(
        self,
        queue: Queue,
        process_batch: ProcessBatch,
        pace: Pace,
        limits: Limits = Limits(),
        report: Report | None = None,
    ) -> None:
        self.statistics = Statistics()
        self.leases = Leases(queue, pace.visibility_timeout_s)
        self.buffer = Buffer(max(pace.batch_size * 2, SQS_MAX_BATCH))
        self.reached = False
        """Whether the queue answered when it was last asked."""
        self.unfinished = False
        """Whether a thread was still at work when the deadline for stopping had passed."""
        self._queue = queue
        self._process_batch = process_batch
        self._pace = pace
        self._limits = limits
        self._report = report
        self._stopping = threading.Event()
        self._stopped = threading.Event()
        self._fault: BaseException | None = None
        self._busy_since: dict[str, float] = {}
        self._counting = threading.Lock()

    def run(self) -> Statistics:
        """Works until a signal or a limit. Raises WorkerDied where a thread of it did."""
        receiver = self._thread("receiver", self._receive)
        worker_threads = [
            self._thread(f"{WORKER_THREAD}{number}", self._work)
            for number in range(self._pace.worker_threads)
        ]
        heartbeat = self._thread("heartbeat", self._beat)
        started = time.monotonic()
        with self._signals():
            for thread in (heartbeat, *worker_threads, receiver):
                thread.start()
            while not self._stopping.wait(SUPERVISE_EVERY_S):
                if self._limits.for_s is not None and time.monotonic() - started >= self._limits.for_s:
                    self._stopping.set()
            self._shut_down(receiver, worker_threads, heartbeat)
        if self._fault is not None:
            raise WorkerDied(f"a thread of the worker died of {type(self._fault).__name__}; see the log")
        return self.statistics

    def unhealthy(self) -> str | None:
        """Why the loop does not move, None where it does."""
        now = time.monotonic()
        for name, since in list(self._busy_since.items()):
            if now - since > HEALTHY_WITHIN_S:
                return f"{name} has not moved for {now - since:.0f} s"
        return None

    def _receive(self) -> None:
        """Receives as long as there is room for what comes, and until a limit is reached."""
        pause_s = FIRST_PAUSE_S
        while self.buffer.wait_for_room(SQS_MAX_BATCH) and (most := self._wanted()):
            try:
                with self._busy():
                    messages = self.leases.receive(most, self._pace.wait_s)
                self.reached, pause_s = True, FIRST_PAUSE_S
            except TransientFailure as failure:
                self.reached = False
                log.warning("%s; trying again in %.0f s", failure, pause_s)
                self._stopping.wait(pause_s)
                pause_s = min(pause_s * 2, MAX_PAUSE_S)
                continue
            self.statistics.received += len(messages)
            self._hand_back(self.buffer.put(messages, more_expected=len(messages) == SQS_MAX_BATCH))
            if not messages and self._limits.until_empty and self._is_empty():
                break
        self._stopping.set()

    def _wanted(self) -> int:
        """How many messages may be received now: none once the worker stops or has had all it may take."""
        most = self._limits.max_tickets
        while not self._stopping.is_set():
            if most is None:
                return SQS_MAX_BATCH
            # what announced nothing, such as s3:TestEvent, was no ticket
            left = most - self.statistics.received + self.statistics.results[Result.IGNORED]
            if left or not (len(self.leases) or self._worker_threads_busy()):
                return min(SQS_MAX_BATCH, left)
            self._stopping.wait(SUPERVISE_EVERY_S / 10)
        return 0

    def _worker_threads_busy(self) -> bool:
        return any(name.startswith(WORKER_THREAD) for name in list(self._busy_since))

    def _work(self) -> None:
        """One lane: batch after batch, until the buffer is closed."""
        while batch := self.buffer.take(self._pace.batch_size, GATHER_S):
            with self._busy(), self.statistics.busy():
                messages = self.leases.held(batch)
                outcomes = self._process_batch(messages)
                self._settle(messages, outcomes)

    def _settle(self, messages: Sequence[Message], outcomes: Sequence[Outcome]) -> None:
        """Deletes what is settled, last of all; what failed comes again, later each time.

        The leases end first: no heartbeat may extend what was handed back.
        """
        ours = self.leases.release(messages)
        done = settled(ours, outcomes)
        confirmed = self._queue.acknowledge(done)
        later: dict[int, list[Message]] = {}
        for message in ours:
            if message not in done:
                later.setdefault(backoff_s(message.receive_count), []).append(message)
        for delay_s, messages in later.items():
            self._hand_back(messages, delay_s)
        with self._counting:
            self.statistics.lost_leases = self.leases.lost
            self.statistics.unconfirmed += len(done) - len(confirmed)
            self.statistics.count(outcomes, datetime.now(UTC))
            if self._report is not None:
                self._report(outcomes)

    def _beat(self) -> None:
        while not self._stopped.wait(self._pace.heartbeat_s):
            with self._busy():
                self.leases.extend()

    def _shut_down(
        self,
        receiver: threading.Thread,
        worker_threads: Sequence[threading.Thread],
        heartbeat: threading.Thread,
    ) -> None:
        """Stops in this order, within the deadline:

        1. The receiver asks for nothing more; what its last poll brings is handed back at once.
        2. What waits in the buffer is handed back, for another worker to take without waiting.
        3. The worker_threads finish the batches in hand; the heartbeat still holds these.
        4. What they have not finished by the deadline is handed back too.
        5. The heartbeat ends.
        """
        log.info("stopping: %d messages in hand", len(self.leases))
        deadline = time.monotonic() + self._pace.stop_deadline_s
        reserve_s = min(HAND_BACK_RESERVE_S, self._pace.stop_deadline_s / 4)
        waiting = self.buffer.close()
        # in threads of their own, like all that may hang with the queue
        back = self._thread("hand-back", lambda: self._hand_back(self.leases.release(waiting)))
        back.start()
        _join((*worker_threads, receiver, back), deadline - reserve_s)
        self._stopped.set()
        rest = self._thread("hand-back", lambda: self._hand_back(self.leases.release_all()))
        rest.start()
        _join((rest, heartbeat), deadline)
        self.unfinished = any(
            thread.is_alive() for thread in (*worker_threads, receiver, back, rest, heartbeat)
        )
        if self.unfinished:
            log.warning("the deadline for stopping has passed: what was not handed back comes back by itself")

    def _hand_back(self, messages: Sequence[Message], delay_s: int = 0) -> None:
        """Makes `messages` visible to others after `delay_s`."""
        self.leases.release(messages)
        self._queue.release(messages, delay_s)

    def _is_empty(self) -> bool:
        try:
            return not len(self.leases) and self._queue.is_empty()
        except TransientFailure as failure:
            log.warning("%s", failure)
            return False

    def _thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        """A daemon: a thread that hangs must not keep the process from ending."""

        def watched() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - whatever it died of, the worker must stop and say so
                # a message may quote a ticket, the places where it happened do not
                frames = "".join(traceback.format_tb(error.__traceback__))
                log.critical("%s died of %s:\n%s", name, type(error).__name__, frames)
                self._fault = error
                self._stopping.set()

        return threading.Thread(target=watched, name=name, daemon=True)

    @contextmanager
    def _busy(self) -> Iterator[None]:
        name = threading.current_thread().name
        self._busy_since[name] = time.monotonic()
        try:
            yield
        finally:
            del self._busy_since[name]

    @contextmanager
    def _signals(self) -> Iterator[None]:
        previous = {name: signal.signal(name, self._on_signal) for name in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for name, handler in previous.items():
                signal.signal(name, handler)

    def _on_signal(self, signum: int, _frame: FrameType | None) -> None:
        if self._stopping.is_set():
            signal.signal(signum, signal.SIG_DFL)
            signal.raise_signal(signum)
        self._stopping.set()


def _join(threads: Sequence[threading.Thread], by: float) -> None:
    """Waits until all of them have ended, but not beyond `by`."""
    for thread in threads:
        thread.join(max(by - time.monotonic(), 0))


def make_worker(
    settings: Settings,
    queue: Queue,
    process_batch: ProcessBatch,
    limits: Limits = Limits(),
    report: Report | None = None,
) -> Worker:
    """The worker that the settings describe."""
    pace = Pace(
        batch_size=settings.batch_size,
        worker_threads=settings.worker_threads,
        # somebody waits for the end of it
        wait_s=min(settings.wait_s, 1) if limits.until_empty else settings.wait_s,
        visibility_timeout_s=settings.visibility_timeout_s,
        heartbeat_s=settings.heartbeat_s,
        stop_deadline_s=settings.stop_deadline_s,
    )
    return Worker(queue, process_batch, pace, limits, report)


def backoff_s(receive_count: int) -> int:
    """Seconds until a message that failed for the n-th time is visible again: 1, 2, 4 … 900."""
    doublings = min(max(receive_count - 1, 0), MAX_HAND_BACK_S.bit_length())
    return min(1 << doublings, MAX_HAND_BACK_S)
