"""The same metrics for CloudWatch: lines in its Embedded Metric Format, a worker's once a minute.

CloudWatch makes metrics of such lines where it collects a process's output, so that nothing has to call its
API. They go to stderr with the log lines: stdout is for answers.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from typing import TextIO

from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample

NAMESPACE = "ticketmill"
EVERY_S = 60.0


class EmfLines:
    """Tells what happened since the last line: counters as increments, histograms as means, gauges as is.

    Its one dimension is `service`: the stack, so that each stack has its own alarm.
    A metric is called as for Prometheus, with the value of its label appended:
    `ticketmill_tickets_total_enriched`.
    """

    def __init__(self, registry: CollectorRegistry, service: str, stream: TextIO | None = None) -> None:
        self._registry = registry
        self._service = service
        self._stream = stream or sys.stderr
        self._told: dict[str, float] = {}

    def line(self) -> str:
        """One line of JSON; the next one tells what came after it."""
        provider = AmazonCloudWatchEMFProvider(namespace=NAMESPACE, service=self._service)
        for family in self._registry.collect():
            unit = "Seconds" if family.name.endswith("_seconds") else "Count"
            for name, value in self._values(family):
                provider.add_metric(name, unit, value)
        return json.dumps(provider.serialize_metric_set())

    def write(self) -> None:
        """Writes a line, in one piece, so that no log line comes between it and its end."""
        self._stream.write(f"{self.line()}\n")
        self._stream.flush()

    def _values(self, family: Metric) -> Iterator[tuple[str, float]]:
        for sample in family.samples:
            if family.type == "gauge":
                yield _name(sample.name, sample), sample.value
            elif family.type == "counter":
                yield _name(sample.name, sample), self._increment(sample)
        if family.type == "histogram":
            yield from self._means(family)

    def _means(self, family: Metric) -> Iterator[tuple[str, float]]:
        """The mean of what was observed since the last line; nothing where nothing was."""
        sums = [sample for sample in family.samples if sample.name.endswith("_sum")]
        counts = [sample for sample in family.samples if sample.name.endswith("_count")]
        for total, count in zip(sums, counts, strict=True):
            summed, observed = self._increment(total), self._increment(count)
            if observed:
                yield _name(family.name, total), summed / observed

    def _increment(self, sample: Sample) -> float:
        key = _name(sample.name, sample)
        before = self._told.get(key, 0.0)
        self._told[key] = sample.value
        return sample.value - before


class EmfReporter:
    """Writes a line in every interval, in a thread of its own."""

    def __init__(
        self,
        registry: CollectorRegistry,
        service: str,
        stream: TextIO | None = None,
        every_s: float = EVERY_S,
    ) -> None:
        self._lines = EmfLines(registry, service, stream)
        self._every_s = every_s
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="emf", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Writes a last line, and no more."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._closing.wait(self._every_s):
                self._lines.write()
            self._lines.write()
        except (OSError, ValueError):
            # stderr is closed: nobody is left to tell
            return


def _name(name: str, sample: Sample) -> str:
    return "_".join((name, *sample.labels.values()))
