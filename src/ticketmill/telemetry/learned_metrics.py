"""How a worker follows the rollout, and what its shadows say, as numbers for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ticketmill.pipeline.learned_serving import LearnedServing


class LearnedMetrics(Collector):
    """Read whenever the metrics are read. No label has a value that a ticket chooses."""

    def __init__(self, learned: LearnedServing) -> None:
        self._learned = learned

    def collect(self) -> Iterable[Metric]:
        follower, shadows = self._learned.follower, self._learned.shadows
        scored = CounterMetricFamily(
            "ticketmill_shadow_tickets", "Tickets that a shadow scored.", labels=["task"]
        )
        disagreed = CounterMetricFamily(
            "ticketmill_shadow_disagreements",
            "Tickets on which a shadow and the serving model disagree.",
            labels=["task"],
        )
        for task, count in sorted(shadows.scored.items()):
            scored.add_metric([task], count)
            disagreed.add_metric([task], shadows.disagreed[task])
        return [
            GaugeMetricFamily(
                "ticketmill_rollout_serial",
                "The serial of the rollout decision that the worker follows.",
                value=follower.serial,
            ),
            GaugeMetricFamily(
                "ticketmill_refused_versions",
                "Learned versions that a decision names and the worker cannot load.",
                value=len(follower.refused),
            ),
            scored,
            disagreed,
        ]
