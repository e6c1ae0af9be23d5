"""The worker: one thread receives, worker threads process, a heartbeat keeps what is in flight."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from math import ceil

from ticketmill.domain.errors import TicketmillError
from ticketmill.pipeline.ports import Queue
from ticketmill.settings import Settings
from ticketmill.worker.backoff import Backoff
from ticketmill.worker.buffer import Buffer
from ticketmill.worker.dependencies import Dependencies, Probe
from ticketmill.worker.leases import Leases
from ticketmill.worker.liveness import Liveness
from ticketmill.worker.pace import Limits, Pace, pace_of
from ticketmill.worker.parts import Parts
from ticketmill.worker.processor import ProcessBatch, Processor, Report
from ticketmill.worker.receiver import Receiver
from ticketmill.worker.statistics import Statistics

log = logging.getLogger(__name__)


class WorkerDied(TicketmillError):
    """A thread of the worker ended by a bug."""


class Worker:
    """One worker on one queue.

        receiver ──▶ buffer ──▶ worker threads: process a batch, acknowledge it
            └───── leases ◀──── heartbeat: nobody else sees what is in flight

    `start`, `stop` and `join` may be called from any thread. The worker knows no signals: whoever runs it
    calls `stop`, see `entrypoints.signals`. A thread that dies stops it too, and `join` raises WorkerDied.
    """

    def __init__(
        self,
        queue: Queue,
        process_batch: ProcessBatch,
        pace: Pace = Pace(),
        limits: Limits = Limits(),
        report: Report | None = None,
        *,
        probes: Mapping[str, Probe] | None = None,
        backoff: Backoff = Backoff(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.statistics = Statistics()
        self.leases = Leases(queue, pace.visibility_timeout_s, clock)
        self.dependencies = Dependencies(probes or {}, pace.outage_pause_s, pace.max_outage_pause_s, clock)
        self.buffer = Buffer(pace.max_in_flight, self.dependencies.flow)
        self._liveness = Liveness(clock)
        parts = Parts(
            queue, pace, self.leases, self.buffer, self.dependencies, self.statistics, self._liveness
        )
        self.receiver = Receiver(parts, limits)
        self.processor = Processor(parts, process_batch, backoff, report)
        self.unfinished = False
        """Whether a thread was still at work when the deadline for stopping had passed."""
        self._queue = queue
        self._pace = pace
        self._limits = limits
        self._stopping = threading.Event()
        self._heartbeat_ends = threading.Event()
        self._receiver = self._thread("receiver", self._receive)
        self._worker_threads = [
            self._thread(f"worker-{number}", self._work) for number in range(pace.worker_threads)
        ]
        self._heartbeat = self._thread("heartbeat", self._beat)
        self._supervisor = self._thread("supervisor", self._supervise)

    def run(self) -> Statistics:
        """Works until `stop` or a limit. Raises WorkerDied where a thread of it did."""
        self.start()
        return self.join()

    def start(self) -> None:
        """Begins to work, in threads of its own."""
        for thread in (self._heartbeat, *self._worker_threads, self._receiver, self._supervisor):
            thread.start()

    def stop(self) -> None:
        """Has the worker stop; `join` waits for the end. It takes a lock: no signal handler may call it."""
        self._stopping.set()

    def join(self) -> Statistics:
        """Waits until the worker has ended. Raises WorkerDied where a thread of it did."""
        self._supervisor.join()
        died_of = self._liveness.died_of
        if died_of is not None:
            raise WorkerDied(f"a thread of the worker died of {type(died_of).__name__}; see the log")
        return self.statistics

    def unhealthy(self) -> str | None:
        """Which thread does not move, None where all do."""
        return self._liveness.stuck(self._pace.stuck_after_s)

    def unready(self) -> str | None:
        """What the worker cannot work without, None where nothing is missing."""
        if down := self.dependencies.down:
            return f"{', '.join(down)} down: receiving is paused"
        return None if self.receiver.reached else "the queue has not answered yet"

    def _receive(self) -> None:
        while not self._stopping.is_set() and not self.receiver.finished:
            pause_s = self.receiver.step()
            self._stopping.wait(pause_s)
        self.stop()

    def _work(self) -> None:
        while not self.buffer.ended:
            self.processor.step()

    def _beat(self) -> None:
        while not self._heartbeat_ends.wait(self._pace.heartbeat_s):
            with self._liveness.busy():
                self.leases.extend()

    def _supervise(self) -> None:
        self._stopping.wait(self._limits.for_s)
        self.stop()
        self._shut_down()
        self.statistics.outages = self.dependencies.outages

    def _shut_down(self) -> None:
        """Stops in this order, within the deadline:

        1. The receiver ends. What its last poll brings is worked, too.
        2. The worker threads finish what is in flight; the heartbeat keeps it. A pause is not waited out.
        3. What is left is released, for the end of a pause where there is one. A thread of its own does
           that: the queue may hang.
        4. The heartbeat ends.
        """
        log.info("stopping: %d messages in flight", len(self.leases))
        deadline = time.monotonic() + self._pace.stop_deadline_s
        reserve_s = min(self._pace.release_reserve_s, self._pace.stop_deadline_s / 4)
        _join([self._receiver], deadline - reserve_s)
        self.buffer.finish()
        _join(self._worker_threads, deadline - reserve_s)
        self.buffer.close()
        self._heartbeat_ends.set()
        release = self._thread("release", self._release_all)
        release.start()
        threads = (release, self._receiver, *self._worker_threads, self._heartbeat)
        _join(threads, deadline)
        self.unfinished = any(thread.is_alive() for thread in threads)
        if self.unfinished:
            log.warning("the deadline for stopping has passed: unreleased messages come back by themselves")

    def _release_all(self) -> None:
        self._queue.release(self.leases.end_all(), ceil(self.dependencies.pause_s))

    def _thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        return self._liveness.thread(name, work, self.stop)


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
    probes: Mapping[str, Probe] | None = None,
) -> Worker:
    """The worker that the settings describe."""
    return Worker(
        queue,
        process_batch,
        pace_of(settings, limits),
        limits,
        report,
        probes=probes,
        backoff=Backoff(settings.retry_base_s),
    )
