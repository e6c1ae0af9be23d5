"""Whether a learned version does so badly in service that what it replaced must serve again."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ArmHealth:
    """What became of the tickets of one version, over some time."""

    tickets: int
    """Tickets that it predicted for."""
    partial: int = 0
    """Those for which it failed, so that something else predicted."""
    overridden: int = 0
    """Those to which a person gave another label."""
    latency_ms: float | None = None
    """The 95th percentile of its time a ticket; None where it was not measured."""


@dataclass(frozen=True, slots=True)
class HealthWindow:
    """A version in its canary, or since its promotion, beside what served at the same time or before."""

    judged: ArmHealth
    reference: ArmHealth


@dataclass(frozen=True, slots=True)
class HealthLimits:
    """What is bad enough for a rollback."""

    min_tickets: int = 50
    """Nothing is said of fewer tickets, on either side."""
    min_difference: float = 0.02
    """A rate that is higher by less than this share is never a reason."""
    z: float = 3.0
    """How many standard errors a rate must be higher: 3 is one false alarm in 740 looks."""
    latency_factor: float = 2.0
    """How many times as long a ticket may take."""
    latency_floor_ms: float = 5.0
    """A ticket that takes less than this is never a reason."""


DEFAULT_LIMITS = HealthLimits()


def should_roll_back(window: HealthWindow, limits: HealthLimits = DEFAULT_LIMITS) -> str | None:
    """Why the judged version must not go on, with the numbers; None where it may."""
    judged, reference = window.judged, window.reference
    if min(judged.tickets, reference.tickets) < limits.min_tickets:
        return None
    return (
        _higher_rate("override rate", judged.overridden, reference.overridden, window, limits)
        or _higher_rate("share of failed predictions", judged.partial, reference.partial, window, limits)
        or _slower(judged.latency_ms, reference.latency_ms, limits)
    )


def _higher_rate(
    what: str, judged: int, reference: int, window: HealthWindow, limits: HealthLimits
) -> str | None:
    """Two proportions, compared by their pooled standard error."""
    n, m = window.judged.tickets, window.reference.tickets
    rate, usual = judged / n, reference / m
    pooled = (judged + reference) / (n + m)
    standard_error = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    if rate - usual < max(limits.min_difference, limits.z * standard_error):
        return None
    return f"{what} {rate:.1%} of {n:,} tickets, beside {usual:.1%} of {m:,}"


def _slower(judged_ms: float | None, reference_ms: float | None, limits: HealthLimits) -> str | None:
    if judged_ms is None or reference_ms is None:
        return None
    if judged_ms < max(limits.latency_floor_ms, limits.latency_factor * reference_ms):
        return None
    return f"95 of 100 tickets take up to {judged_ms:.0f} ms, beside {reference_ms:.0f} ms"
