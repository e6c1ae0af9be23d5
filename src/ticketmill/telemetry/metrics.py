"""Everything that is measured of a worker, its dependencies and its named models, as numbers for Prometheus.

No label has a value that a ticket chooses.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any, Literal, TypeAlias

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ticketmill.circuit_breaker import BreakerState
from ticketmill.models.transformers.runner import ModelRunner, Reason
from ticketmill.pipeline.outcome import Outcome, Result
from ticketmill.worker.dependencies import Dependencies

log = logging.getLogger(__name__)

STAGES = ("queue", "fetch", "encode", "heads", "store")
BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000)
# from a head's millisecond to a queue that waited for an hour
STAGE_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)

Read: TypeAlias = Callable[[], float | None]
Watched = Literal[
    "in_flight",
    "buffered",
    "queue_depth",
    "queue_age_seconds",
    "encode_cache_hits",
    "encode_cache_misses",
    "received",
    "unconfirmed",
    "lost_leases",
]
_WATCHED: dict[Watched, tuple[type[GaugeMetricFamily] | type[CounterMetricFamily], str]] = {
    "in_flight": (GaugeMetricFamily, "Messages received that are neither acknowledged nor released."),
    "buffered": (GaugeMetricFamily, "Messages received that no batch has taken yet."),
    "queue_depth": (GaugeMetricFamily, "Messages that wait on the queue, by its own estimate."),
    "queue_age_seconds": (GaugeMetricFamily, "Age of the oldest message in flight; 0 with none."),
    "encode_cache_hits": (CounterMetricFamily, "Texts that the encoder had read before."),
    "encode_cache_misses": (CounterMetricFamily, "Texts that the encoder read."),
    "received": (CounterMetricFamily, "Messages received."),
    "unconfirmed": (CounterMetricFamily, "Messages that the queue did not confirm as deleted."),
    "lost_leases": (CounterMetricFamily, "Messages that became visible to others while in flight."),
}


class Metrics:
    """The metrics of one worker, in a registry of their own. Threads may share it."""

    def __init__(self) -> None:
        # a second series for each counter and histogram, which nobody reads
        disable_created_metrics()  # type: ignore[no-untyped-call, unused-ignore]
        self.registry = CollectorRegistry()
        self._watched = _WatchedMetrics()
        self.registry.register(self._watched)
        self._tickets = self._counter("tickets", "Uploads by what became of them.", "result")
        self._tokens = self._counter("tokens", "Tokens of the texts that were enriched.")
        self._batch_tickets = Histogram(
            "ticketmill_batch_tickets", "Uploads in a batch.", buckets=BATCH_BUCKETS, registry=self.registry
        )
        self._stage_seconds = Histogram(
            "ticketmill_stage_seconds",
            "Time that a ticket took in a stage; its share where a batch goes through as one.",
            ("stage",),
            buckets=STAGE_BUCKETS_S,
            registry=self.registry,
        )
        # every series is there from the start: a rate over one that appears later misses its first step
        for result in Result:
            self._tickets.labels(result.value)
        for stage in STAGES:
            self._stage_seconds.labels(stage)

    def batch_done(self, outcomes: Sequence[Outcome]) -> None:
        """A batch went through, with `outcomes`."""
        self._batch_tickets.observe(len(outcomes))
        for outcome in outcomes:
            self._tickets.labels(outcome.result.value).inc()
            self._tokens.inc(outcome.tokens or 0)
            for stage, ms in outcome.stage_ms.items():
                # two clocks may disagree about how long a message waited
                self._stage_seconds.labels(stage).observe(max(ms, 0.0) / 1000)

    def watch(self, name: Watched, read: Read) -> None:
        """Has `read` asked for `name` whenever the metrics are read.

        `name` is left out where `read` gives None or raises.
        """
        self._watched.reads[name] = read

    def scrape(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(f"ticketmill_{name}", help_text, labels, registry=self.registry)


class _WatchedMetrics(Collector):
    """Numbers that somebody else keeps, read when they are asked for."""

    def __init__(self) -> None:
        self.reads: dict[Watched, Read] = {}

    def collect(self) -> Iterable[Metric]:
        return list(self._read())

    def _read(self) -> Iterator[Metric]:
        for name, read in list(self.reads.items()):
            kind, help_text = _WATCHED[name]
            try:
                value = read()
            except Exception as error:  # noqa: BLE001 - one number's fault leaves the others intact
                log.warning("the metric %s cannot be read: %s", name, type(error).__name__)
                continue
            if value is not None:
                yield kind(f"ticketmill_{name}", help_text, value=value)


class DependencyMetrics(Collector):
    """Whether the worker pauses because a service is down."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies

    def collect(self) -> Iterable[Metric]:
        opened = GaugeMetricFamily(
            "ticketmill_dependency_open",
            "Whether a service is down, so that nothing is received.",
            labels=["dependency"],
        )
        for name, state in self._dependencies.states().items():
            opened.add_metric([name], state["state"] == BreakerState.OPEN)
        return [opened]


class ModelMetrics(Collector):
    """Reads the runners whenever the metrics are read; no series at all where no named model is chosen."""

    def __init__(self, runners: Sequence[ModelRunner[Any, Any]]) -> None:
        self._runners = runners

    def collect(self) -> Iterable[Metric]:
        if not self._runners:
            return []
        opened = _model_gauge("breaker_open", "Whether a named model is not asked, as it failed too often.")
        loaded = _model_gauge("loaded", "Whether a named model is in memory.")
        resident = _model_gauge("resident_bytes", "What its weights take.")
        mean = _model_gauge("mean_seconds", "Mean time of its last 1,000 batches.")
        p95 = _model_gauge("p95_seconds", "Time that 95 % of its last 1,000 batches stayed under.")
        calls = _model_counter("calls", "Batches that it answered.", "task")
        tickets = _model_counter("tickets", "Tickets of these batches.", "task")
        failures = _model_counter("failures", "Tickets that it gave no prediction for.", "task", "reason")
        for runner in self._runners:
            health = runner.health()
            task = [health.task]
            opened.add_metric(task, health.breaker is not BreakerState.CLOSED)
            loaded.add_metric(task, health.loaded)
            resident.add_metric(task, health.resident_mb * 1e6)
            calls.add_metric(task, health.calls)
            tickets.add_metric(task, health.tickets)
            for reason in Reason:
                failures.add_metric([*task, reason.value], health.failures.get(reason, 0))
            if health.mean_ms is not None and health.p95_ms is not None:
                mean.add_metric(task, health.mean_ms / 1000)
                p95.add_metric(task, health.p95_ms / 1000)
        return [opened, loaded, resident, mean, p95, calls, tickets, failures]


def models_as_json(runners: Sequence[ModelRunner[Any, Any]]) -> bytes:
    """What `/models` answers: a list with one object a model."""
    return json.dumps([asdict(runner.health()) for runner in runners]).encode()


def _model_gauge(name: str, help_text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"ticketmill_model_{name}", help_text, labels=["task"])


def _model_counter(name: str, help_text: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"ticketmill_model_{name}", help_text, labels=labels)
