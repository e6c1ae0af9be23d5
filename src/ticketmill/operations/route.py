"""The routing process: one thread reads changes, others deliver, until it is told to stop."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import SQS_MAX_BATCH
from ticketmill.operations.change_feed import ChangeFeed
from ticketmill.operations.delivery import Deliverer
from ticketmill.pipeline.ports import Queue

POLL_S = 1.0
"""Between two looks at the stream where nothing is new."""
FAILURE_PAUSE_S = 5.0

log = logging.getLogger(__name__)


@dataclass
class RoutingProcess:
    """Reads the stream in one thread and delivers in others.

    On stop the threads end what they do: the position of what was not sent is not saved, and what was not
    delivered stays on the queue.
    """

    feed: ChangeFeed
    deliverer: Deliverer
    queue: Queue
    delivery_threads: int = 4
    wait_s: float = 5
    poll_s: float = POLL_S
    failure_pause_s: float = FAILURE_PAUSE_S
    stopping: threading.Event = field(default_factory=threading.Event)
    counts: Counter[str] = field(default_factory=Counter)
    """Deliveries by result, and `records` of the stream."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        """Runs until `stopping` is set. A service that fails is tried again; a bug ends all threads."""
        loops = [self._read_changes, *[self._deliver] * self.delivery_threads]
        with ThreadPoolExecutor(len(loops), thread_name_prefix="routing") as threads:
            running = [threads.submit(self._until_stopped, loop) for loop in loops]
            wait(running, return_when=FIRST_EXCEPTION)
            self.stopping.set()
        self._release()
        for each in running:
            each.result()

    def run_until_empty(self) -> None:
        """Routes what has changed so far, then delivers until the queue is empty. Raises TransientFailure."""
        while not self.stopping.is_set():
            read = self.feed.poll()
            if read is None:
                raise TransientFailure(
                    "another `ticketmill route` reads the stream: stop it, or wait a minute"
                )
            self._count(Counter(records=read))
            if not read:
                break
        self._release()
        while not self.stopping.is_set() and not self.queue.is_empty():
            self._deliver_some(wait_s=1)

    def stop(self) -> None:
        """Has all threads end."""
        self.stopping.set()

    def _until_stopped(self, work: Callable[[], None]) -> None:
        while not self.stopping.is_set():
            try:
                work()
            except TransientFailure as failure:
                log.warning("%s; trying again in %.0f s", failure, self.failure_pause_s)
                self.stopping.wait(self.failure_pause_s)

    def _read_changes(self) -> None:
        read = self.feed.poll()
        self._count(Counter(records=read or 0))
        if not read:
            self.stopping.wait(self.poll_s)

    def _deliver(self) -> None:
        self._deliver_some(self.wait_s)

    def _deliver_some(self, wait_s: float) -> None:
        messages = self.queue.receive(SQS_MAX_BATCH, wait_s)
        if messages:
            self._count(Counter(each.result.value for each in self.deliverer.process(messages)))

    def _count(self, counts: Counter[str]) -> None:
        with self._lock:
            self.counts += counts

    def _release(self) -> None:
        try:
            self.feed.release()
        except TransientFailure as failure:
            log.warning("the lease on the stream ends by itself: %s", failure)
