"""Trends as bars: where each stands, drawn by the template as SVG."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from ticketmill.entrypoints.web.page.labels import words
from ticketmill.entrypoints.web.page.query import ListQuery, pair_of
from ticketmill.queries.columns import COUNTED, FILTERS, VOCABULARIES
from ticketmill.queries.label_counts import LabelCounts
from ticketmill.queries.trends import Trends

WIDTH, HEIGHT = 960, 280
LEFT, TOP, BASE = 44, 8, 252
"""Where the bars begin, the highest ends, and all stand."""
MAX_DATES = 8
SERIES = 8
"""So many labels have a colour; the others are one."""
OTHERS = "others"
FACETS = {name: facet for name, facet in FILTERS.items() if facet in COUNTED}
"""What trends can be drawn of, by the name of its filter."""


@dataclass(frozen=True, slots=True)
class Bar:
    """The tickets of one day and label. `query` is None for the other labels, which no list has alone."""

    day: datetime
    label: str
    count: int
    series: int
    x: float
    y: float
    width: float
    height: float
    query: ListQuery | None

    @property
    def title(self) -> str:
        return f"{self.day:%Y-%m-%d}: {self.count} {words(self.label)}"


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars of the days, stacked by label."""

    name: str
    labels: tuple[str, ...]
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, int], ...]
    """Height and number of the horizontal lines."""
    dates: tuple[tuple[float, str], ...]
    """Place and name of some days."""
    table: tuple[tuple[datetime, tuple[int, ...]], ...]
    """The counts of each day, in the order of the labels."""
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT


def day_chart(name: str, trends: Trends, first: datetime, last: datetime) -> Chart:
    """The bars of the days from `first` to `last` by the labels of a filter, or of one of your own tasks."""
    facet = FACETS.get(name, name)
    labels = _series(facet, trends.total.labels.get(facet, Counter()))
    table = tuple((day, _counts(trends, day, facet, labels)) for day in _days(first, last))
    highest = _round_up(max((sum(counts) for _, counts in table), default=0))
    scale = (BASE - TOP) / highest
    step = (WIDTH - LEFT) / max(len(table), 1)
    every = ceil(len(table) / MAX_DATES)
    places = [(LEFT + number * step, *each) for number, each in enumerate(table)]
    return Chart(
        name=name,
        labels=labels,
        bars=tuple(
            bar
            for x, day, counts in places
            for bar in _stack(name, day, dict(zip(labels, counts, strict=True)), (x + 1, step - 2, scale))
        ),
        ticks=tuple((BASE - part * scale, part) for part in sorted({0, highest // 2, highest})),
        dates=tuple((round(x + step / 2, 1), f"{day:%b %d}") for x, day, _ in places[::every]),
        table=table,
    )


def _days(first: datetime, last: datetime) -> Iterator[datetime]:
    day = first
    while day <= last:
        yield day
        day += timedelta(days=1)


def _series(facet: str, total: Counter[str]) -> tuple[str, ...]:
    """The labels that have a colour: in the order of their vocabulary, or the most frequent first."""
    ordered = [label for label in VOCABULARIES.get(facet, ()) if label in total]
    ordered = ordered or sorted(total, key=lambda label: (-total[label], label))
    return (*ordered[:SERIES], OTHERS) if len(ordered) > SERIES else tuple(ordered)


def _counts(trends: Trends, day: datetime, facet: str, labels: Sequence[str]) -> tuple[int, ...]:
    bucket = trends.buckets.get(day, LabelCounts())
    counter = bucket.labels.get(facet, Counter())
    named = [counter[label] for label in labels if label != OTHERS]
    return (*named, counter.total() - sum(named)) if OTHERS in labels else tuple(named)


def _stack(
    name: str, day: datetime, counts: Mapping[str, int], place: tuple[float, float, float]
) -> Iterator[Bar]:
    """The bars of one day, from the base up. `place` is their x, their width and the height of one ticket."""
    x, width, scale = place
    top = float(BASE)
    times = (("since", f"{day:%Y-%m-%d}"), ("until", f"{day + timedelta(days=1):%Y-%m-%d}"))
    for series, (label, count) in enumerate(counts.items()):
        height = count * scale
        top -= height
        query = None if label == OTHERS else ListQuery((pair_of(name, label), *times))
        if count:
            yield Bar(day, label, count, series, x, top, width, height, query)


def _round_up(number: int) -> int:
    """The next number of one digit and zeros, as in 300 for 214: where the scale ends."""
    unit = int("1".ljust(len(str(number)), "0"))
    return max(-(-number // unit) * unit, 1)
