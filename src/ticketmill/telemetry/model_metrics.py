"""How the named models of a worker do, for Prometheus and for `ticketmill models status`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ticketmill.circuit_breaker import BreakerState
from ticketmill.models.transformers.runner import ModelRunner, Reason


class ModelMetrics(Collector):
    """Reads the runners whenever the metrics are read; no series at all where no named model is chosen."""

    def __init__(self, runners: Sequence[ModelRunner[Any, Any]]) -> None:
        self._guards = runners

    def collect(self) -> Iterable[Metric]:
        if not self._guards:
            return []
        opened = _gauge("breaker_open", "Whether a named model is not asked, as it failed too often.")
        loaded = _gauge("loaded", "Whether a named model is in memory.")
        resident = _gauge("resident_bytes", "What its weights take.")
        mean = _gauge("mean_seconds", "Mean time of its last 1,000 batches.")
        p95 = _gauge("p95_seconds", "Time that 95 % of its last 1,000 batches stayed under.")
        calls = _counter("calls", "Batches that it answered.", "task")
        tickets = _counter("tickets", "Tickets of these batches.", "task")
        failures = _counter("failures", "Tickets that it gave no prediction for.", "task", "reason")
        for runner in self._guards:
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


def as_json(runners: Sequence[ModelRunner[Any, Any]]) -> bytes:
    """What `/models` answers: a list with one object a model."""
    return json.dumps([asdict(runner.health()) for runner in runners]).encode()


def _gauge(name: str, help_text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"ticketmill_model_{name}", help_text, labels=["task"])


def _counter(name: str, help_text: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"ticketmill_model_{name}", help_text, labels=labels)
