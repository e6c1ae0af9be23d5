"""How the versions of a task do in this worker: failures and time, by decision and version."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import quantiles
from threading import Lock

from ticketmill.domain.rollout import TaskRollout
from ticketmill.domain.rollout_health import ArmHealth, HealthWindow
from ticketmill.pipeline.learned import Predicted

MAX_LATENCIES = 1000
MAX_DECISIONS = 3
"""Of a task: how many of the latest are remembered."""


@dataclass
class _Counts:
    tickets: int = 0
    failed: int = 0
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_LATENCIES))

    def add(self, predicted: Predicted) -> None:
        self.tickets += predicted.tickets
        self.failed += predicted.failed
        each_ms = predicted.seconds * 1000 / max(predicted.tickets, 1)
        self.latencies_ms.append(each_ms)

    @property
    def p95_ms(self) -> float | None:
        """Of the batches, the time that a ticket took of its batch's."""
        if len(self.latencies_ms) < 2:
            return None
        return quantiles(self.latencies_ms, n=20, method="inclusive")[-1]


class ArmHealths:
    """Counts what each version predicted. Threads may share it."""

    def __init__(self) -> None:
        self._counts: dict[str, dict[int, dict[int | None, _Counts]]] = {}
        self._lock = Lock()

    def predicted(self, predicted: Predicted) -> None:
        """Adds what a version predicted in a batch."""
        with self._lock:
            decisions = self._counts.setdefault(predicted.task, {})
            versions = decisions.setdefault(predicted.decision, {})
            versions.setdefault(predicted.version, _Counts()).add(predicted)
            for old in sorted(decisions)[:-MAX_DECISIONS]:
                del decisions[old]

    def window(self, decision: TaskRollout) -> HealthWindow | None:
        """The version that a decision brought beside what it came in the place of; None where nothing is
        known of either.

        A canary is compared with what serves beside it, a promoted version with what served before.
        """
        judged = decision.serving if decision.canary is None else decision.canary
        reference = decision.previous if decision.canary is None else decision.serving
        with self._lock:
            decisions = self._counts.get(decision.task, {})
            found = decisions.get(decision.serial, {}).get(judged)
            known = [
                decisions[serial][reference] for serial in sorted(decisions) if reference in decisions[serial]
            ]
            return HealthWindow(_health(found), _health(known[-1])) if found and known else None


def _health(counts: _Counts) -> ArmHealth:
    return ArmHealth(counts.tickets, partial=counts.failed, latency_ms=counts.p95_ms)
