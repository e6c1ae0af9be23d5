"""What a drift report says, for CloudWatch: alarms watch these metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

from prometheus_client import CollectorRegistry, Gauge

from ticketmill.telemetry.emf import EmfLines

FOUND = "ticketmill_drift_found"


def drift_registry(drifted: Mapping[str, bool]) -> CollectorRegistry:
    """The number of checks that drifted, and of each check whether it did."""
    registry = CollectorRegistry()
    Gauge(FOUND, "Checks that drifted.", registry=registry).set(sum(drifted.values()))
    each = Gauge("ticketmill_drift", "Whether a check drifted.", ("check",), registry=registry)
    for check, has_drifted in drifted.items():
        each.labels("_".join(check.split())).set(has_drifted)
    return registry


def write_emf(drifted: Mapping[str, bool], stack: str, stream: TextIO | None = None) -> None:
    """Writes one line in CloudWatch's embedded metric format."""
    EmfLines(drift_registry(drifted), stack, stream).write()
