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
    threshold: float
    """What it passes where there is drift."""

    @property
    def is_over(self) -> bool:
        return self.statistic > self.threshold


def draw_drift(name: str, points: Sequence[DriftPoint]) -> Drawing | None:
    """The statistic `name`, the oldest point first. Points over the threshold stand out. None without any."""
    if not points:
        return None
    first = points[0].at
    hours = [(point.at - first) / timedelta(hours=1) for point in points]
    highest = 1.15 * max(max(point.statistic, point.threshold) for point in points) or 1.0
    lowest = min(0.0, *(point.statistic for point in points))
    area = Area(64, 30, 480, 220, x=(0, hours[-1] or 1.0), y=(lowest, highest))
    every = -(-len(points) // MAX_DATES)
    marks = area.axes(
        ("measured on", name),
        [(hour, f"{point.at:%b %d}") for hour, point in list(zip(hours, points, strict=True))[::every]],
        [(value, f"{value:.3g}") for value in (lowest + (highest - lowest) * part / 4 for part in range(5))],
    )
    marks.append(
        area.line([(hour, point.threshold) for hour, point in zip(hours, points, strict=True)], "limit")
    )
    marks.append(area.line([(hour, point.statistic) for hour, point in zip(hours, points, strict=True)]))
    for hour, point in zip(hours, points, strict=True):
        told = f"{point.at:%Y-%m-%d %H:%M}: {point.statistic:.4g}, threshold {point.threshold:.4g}"
        marks.append(area.dot(hour, point.statistic, 4, told, "dot over" if point.is_over else "dot"))
    over = sum(point.is_over for point in points)
    return Drawing(
        f"drift-{'-'.join(name.lower().split())}",
        f"Drift: {name}",
        f"{name} over time; the dashed line is its threshold. Over it: {over} of {len(points)}.",
        width=572,
        height=300,
        marks=tuple(marks),
        table=(
            ("measured at", name, "threshold"),
            tuple(
                (f"{point.at:%Y-%m-%d %H:%M}", f"{point.statistic:.4g}", f"{point.threshold:.4g}")
                for point in points
            ),
        ),
    )
