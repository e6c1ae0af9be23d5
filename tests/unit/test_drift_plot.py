"""Drift over time as SVG."""

from __future__ import annotations

from datetime import timedelta

import pytest
from learned_versions import NOON

from ticketmill.learning.drift_plot import DriftPoint, draw_drift


def points(*statistics: float) -> list[DriftPoint]:
    return [
        DriftPoint(NOON + timedelta(days=day), statistic, threshold=0.5)
        for day, statistic in enumerate(statistics)
    ]


def test_points_over_the_threshold_stand_out_and_are_counted() -> None:
    drawing = draw_drift("energy distance", points(0.1, 0.7, 0.2, 0.9))
    assert drawing is not None
    assert drawing.inline().count('class="dot over"') == 2
    assert "Over it: 2 of 4" in drawing.description


@pytest.mark.parametrize("statistics", [(0.1,), (0.0, 0.0), tuple(range(40))], ids=["one", "none", "many"])
def test_any_number_of_points_fits_the_picture(statistics: tuple[float, ...]) -> None:
    drawing = draw_drift("energy distance", points(*statistics))
    assert drawing is not None
    assert "nan" not in drawing.file() and len(drawing.table[1]) == len(statistics)


def test_without_points_nothing_is_drawn() -> None:
    assert draw_drift("energy distance", []) is None
