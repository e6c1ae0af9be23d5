"""A statistic over time, with the threshold that it should not pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ticketmill.learning.svg import Area, Drawing

MAX_DATES = 6


@dataclass(frozen=True, slots=True)
class DriftPoint:
    """A statistic as it was measured at one moment."""

    at: datetime
    statistic: float
    threshold: float | None = None
    """What it passes where there is drift; None where `drifted` alone tells."""
    drifted: bool = False

    @property
    def is_over(self) -> bool:
        return self.drifted or (self.threshold is not None and self.statistic > self.threshold)


def draw_drift(name: str, points: Sequence[DriftPoint]) -> Drawing | None:
    """The statistic `name`, the oldest point first. Points over the threshold stand out. None without any."""
    if not points:
        return None
    first = points[0].at
    hours = [(point.at - first) / timedelta(hours=1) for point in points]
    limits = [
        (hour, point.threshold)
        for hour, point in zip(hours, points, strict=True)
        if point.threshold is not None
    ]
    highest = 1.15 * max(*(point.statistic for point in points), *(limit for _, limit in limits), 0.0) or 1.0
    lowest = min(0.0, *(point.statistic for point in points))
    area = Area(64, 30, 480, 220, x=(0, hours[-1] or 1.0), y=(lowest, highest))
    every = -(-len(points) // MAX_DATES)
    marks = area.axes(
        ("measured on", name),
        [(hour, f"{point.at:%b %d}") for hour, point in list(zip(hours, points, strict=True))[::every]],
        [(value, f"{value:.3g}") for value in (lowest + (highest - lowest) * part / 4 for part in range(5))],
    )
    if limits:
        marks.append(area.line(limits, "limit"))
    marks.append(area.line([(hour, point.statistic) for hour, point in zip(hours, points, strict=True)]))
    for hour, point in zip(hours, points, strict=True):
        limit = _limit(point) if point.threshold is None else f"threshold {_limit(point)}"
        told = f"{point.at:%Y-%m-%d %H:%M}: {point.statistic:.4g}, {limit}"
        marks.append(area.dot(hour, point.statistic, 4, told, "dot over" if point.is_over else "dot"))
    over = sum(point.is_over for point in points)
    told = "; the dashed line is its threshold. Over it" if limits else ". Drifted"
    return Drawing(
        f"drift-{'-'.join(name.lower().split())}",
        f"Drift: {name}",
        f"{name} over time{told}: {over} of {len(points)}.",
        width=572,
        height=300,
        marks=tuple(marks),
        table=(
            ("measured at", name, "threshold" if limits else "verdict"),
            tuple(
                (f"{point.at:%Y-%m-%d %H:%M}", f"{point.statistic:.4g}", _limit(point)) for point in points
            ),
        ),
    )


def _limit(point: DriftPoint) -> str:
    if point.threshold is not None:
        return f"{point.threshold:.4g}"
    return "drifted" if point.drifted else "as before"
