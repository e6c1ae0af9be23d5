"""Everything that tells how a worker does, put together: log lines, metrics, probes."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Generic, TypeVar

from ticketmill.domain.feature_cache import CacheStatus
from ticketmill.models.transformers.runner import ModelRunner
from ticketmill.pipeline.learned_serving import LearnedServing
from ticketmill.pipeline.outcome import Outcome
from ticketmill.settings import Settings
from ticketmill.telemetry.feature_cache_metrics import FeatureCacheMetrics
from ticketmill.telemetry.learned_metrics import LearnedMetrics
from ticketmill.telemetry.logs import log_outcomes
from ticketmill.telemetry.metrics import (
    DependencyMetrics,
    Metrics,
    ModelMetrics,
    Watched,
    models_as_json,
)
from ticketmill.telemetry.probes import Monitor
from ticketmill.worker.worker import Worker

log = logging.getLogger(__name__)

POLL_EVERY_S = 15.0
FEATURE_CACHE_EVERY_S = 60.0

Value = TypeVar("Value")


class Monitoring:
    """Watches a worker from before its models are loaded until it has ended; threads may share it."""

    def __init__(self, settings: Settings) -> None:
        self.metrics = Metrics()
        self._worker: Worker | None = None
        self._runners: Sequence[ModelRunner[Any, Any]] = ()
        self._is_read = settings.emf or settings.metrics_port is not None
        self._closing = ExitStack()
        if settings.metrics_port is not None:
            monitor = Monitor(
                settings.metrics_host,
                settings.metrics_port,
                scrape=self.metrics.scrape,
                healthy=self.unhealthy,
                ready=self.unready,
                models=lambda: models_as_json(self._runners),
                dependencies=self._dependencies,
            )
            self._closing.callback(monitor.close)
        if settings.emf:
            from ticketmill.telemetry.emf import EmfReporter

            self._closing.callback(EmfReporter(self.metrics.registry, settings.stack).close)

    def __enter__(self) -> Monitoring:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    def over(self, worker: Worker) -> None:
        """Tells of `worker` from now on."""
        self._worker = worker
        self.metrics.registry.register(DependencyMetrics(worker.dependencies))
        watch = self.metrics.watch
        watch("received", lambda: worker.statistics.received)
        watch("unconfirmed", lambda: worker.statistics.unconfirmed)
        watch("lost_leases", lambda: worker.leases.lost)
        watch("in_flight", lambda: len(worker.leases))
        watch("buffered", lambda: len(worker.buffer))
        watch("queue_age_seconds", lambda: _age_s(worker.leases.oldest_sent_at()))

    def models(self, runners: Sequence[ModelRunner[Any, Any]]) -> None:
        """Tells how the named models behind `runners` do, from now on."""
        self._runners = runners
        self.metrics.registry.register(ModelMetrics(runners))

    def learned(self, learned: LearnedServing) -> None:
        """Tells how the rollout is followed, from now on."""
        self.metrics.registry.register(LearnedMetrics(learned))

    def feature_cache(self, read: Callable[[], CacheStatus]) -> None:
        """Tells what is cached for training, from now on. Nothing is asked where nobody reads the metrics."""
        if self._is_read:
            polled = _Polled("feature_cache", read, FEATURE_CACHE_EVERY_S)
            self._closing.callback(polled.close)
            self.metrics.registry.register(FeatureCacheMetrics(lambda: polled.value))

    def batch_done(self, outcomes: Sequence[Outcome]) -> None:
        """Logs and counts what became of a batch."""
        log_outcomes(outcomes)
        self.metrics.batch_done(outcomes)

    def unhealthy(self) -> str | None:
        """Why the worker does not move, None where it does."""
        return None if self._worker is None else self._worker.unhealthy()

    def unready(self) -> str | None:
        """What is missing until the worker can work, None where nothing is."""
        return "the bundle is not loaded yet" if self._worker is None else self._worker.unready()

    def _dependencies(self) -> bytes:
        return json.dumps(self._worker.dependencies.states() if self._worker else {}).encode()

    def poll(self, name: Watched, read: Callable[[], float]) -> None:
        """As `metrics.watch`, for a `read` that calls a service: a scrape gets what it said last.

        Nothing is asked where nobody reads the metrics.
        """
        if self._is_read:
            polled = _Polled(name, read, POLL_EVERY_S)
            self._closing.callback(polled.close)
            self.metrics.watch(name, lambda: polled.value)


def _age_s(sent_at: datetime | None) -> float:
    return 0.0 if sent_at is None else max((datetime.now(UTC) - sent_at).total_seconds(), 0.0)


class _Polled(Generic[Value]):
    """What `read` said last, None after it failed; asked in a thread of its own, as a service may be slow."""

    def __init__(self, name: str, read: Callable[[], Value], every_s: float) -> None:
        self.value: Value | None = None
        self._name = name
        self._read = read
        self._every_s = every_s
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
            self._closing.wait(self._every_s)
