"""Everything that tells how a worker does, put together: log lines, metrics, probes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import TypeAlias

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import Message
from ticketmill.entrypoints.logs import log_outcomes
from ticketmill.entrypoints.metrics import Metrics, Watched
from ticketmill.entrypoints.monitor import Monitor
from ticketmill.entrypoints.vitals import Vitals
from ticketmill.pipeline.outcome import Outcome
from ticketmill.pipeline.ports import Queue
from ticketmill.settings import Settings

log = logging.getLogger(__name__)

POLL_EVERY_S = 15.0

ProcessBatch: TypeAlias = Callable[[Sequence[Message]], list[Outcome]]


class Watch:
    """Watches a worker from before its models are loaded until it has ended; threads may share it.

    What it needs until it is ready: `bundle`, which whoever loads it reports, and `queue`.
    """

    def __init__(self, settings: Settings) -> None:
        self.metrics = Metrics()
        self.vitals = Vitals("bundle", "queue")
        self._is_read = settings.emf or settings.metrics_port is not None
        self._in_hand: dict[str, datetime] = {}
        self._closing = ExitStack()
        self.metrics.watch("in_flight", lambda: len(self._in_hand))
        self.metrics.watch("queue_age_seconds", self._oldest_in_hand_s)
        if settings.metrics_port is not None:
            monitor = Monitor(
                settings.metrics_host,
                settings.metrics_port,
                scrape=self.metrics.scrape,
                healthy=self.vitals.healthy,
                ready=self.vitals.ready,
            )
            self._closing.callback(monitor.close)
        if settings.emf:
            from ticketmill.entrypoints.emf import EmfReporter

            self._closing.callback(EmfReporter(self.metrics.registry).close)

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    def over_queue(self, queue: Queue) -> Queue:
        """`queue`, with its receives counted and its answers taken as a sign of life."""
        return _WatchedQueue(queue, self.metrics, self.vitals)

    def over_batches(self, process_batch: ProcessBatch) -> ProcessBatch:
        """`process_batch`, with its outcomes logged and counted."""

        def watched(messages: Sequence[Message]) -> list[Outcome]:
            with self._holding(messages):
                outcomes = process_batch(messages)
            log_outcomes(outcomes)
            self.metrics.batch_done(outcomes)
            return outcomes

        return watched

    def poll(self, name: Watched, read: Callable[[], float]) -> None:
        """As `metrics.watch`, for a `read` that calls a service: a scrape gets what it said last.

        Nothing is asked where nobody reads the metrics.
        """
        if self._is_read:
            polled = _Polled(name, read)
            self._closing.callback(polled.close)
            self.metrics.watch(name, lambda: polled.value)

    @contextmanager
    def _holding(self, messages: Sequence[Message]) -> Iterator[None]:
        # by receipt: the same message may be in hand twice, redelivered while it is still worked on
        held = {message.receipt: message.sent_at for message in messages}
        self._in_hand.update(held)
        try:
            yield
        finally:
            for receipt in held:
                self._in_hand.pop(receipt, None)

    def _oldest_in_hand_s(self) -> float:
        oldest = min(self._in_hand.copy().values(), default=None)
        return 0.0 if oldest is None else max((datetime.now(UTC) - oldest).total_seconds(), 0.0)


@dataclass(frozen=True)
class _WatchedQueue:
    queue: Queue
    metrics: Metrics
    vitals: Vitals

    def receive(self, max_messages: int, wait_s: float) -> list[Message]:
        self.vitals.beat("receiver")
        try:
            messages = self.queue.receive(max_messages, wait_s)
        except TransientFailure:
            self.vitals.lacks("queue", "the last receive failed")
            raise
        self.vitals.has("queue")
        self.metrics.received(len(messages))
        return messages

    def acknowledge(self, messages: Sequence[Message]) -> set[str]:
        return self.queue.acknowledge(messages)

    def hand_back(self, message: Message, delay_s: int) -> None:
        self.queue.hand_back(message, delay_s)

    def is_empty(self) -> bool:
        return self.queue.is_empty()


class _Polled:
    """What `read` said last, None after it failed; asked in a thread of its own, as a service may be slow."""

    def __init__(self, name: str, read: Callable[[], float]) -> None:
        self.value: float | None = None
        self._name = name
        self._read = read
        self._closing = threading.Event()
        threading.Thread(target=self._run, name="poll", daemon=True).start()

    def close(self) -> None:
        """Asks no more; an answer that is waited for is not waited for here."""
        self._closing.set()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self.value = self._read()
            except Exception as error:  # noqa: BLE001 - a number that is not known ends nothing
                log.warning("the metric %s cannot be read: %s", self._name, type(error).__name__)
                self.value = None
            self._closing.wait(POLL_EVERY_S)
