"""What the encoder said of labelled texts and is kept for training, as numbers for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ticketmill.domain.feature_cache import CacheStatus


class FeatureCacheMetrics(Collector):
    """Read whenever the metrics are read; left out where nothing is known."""

    def __init__(self, read: Callable[[], CacheStatus | None]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        status = self._read()
        if status is None:
            return []
        numbers: list[tuple[str, str, float | None]] = [
            ("entries", "Labelled texts that are cached for training.", status.entries),
            ("megabytes", "Size of what is cached for training.", status.megabytes),
            ("hit_ratio", "Share of the texts that trainings found in the cache.", status.hit_rate),
        ]
        return [
            GaugeMetricFamily(f"ticketmill_feature_cache_{name}", told, value=value)
            for name, told, value in numbers
            if value is not None
        ]
