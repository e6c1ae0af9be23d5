"""How many tickets had which label, by day or hour of their upload."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ticketmill.domain.keys import moment_of
from ticketmill.queries.label_counts import LabelCounts


class Step(StrEnum):
    """How long each bucket of a trend is."""

    HOUR = "hour"
    DAY = "day"

    def start(self, moment: datetime) -> datetime:
        """When the bucket of `moment` begins, in UTC."""
        hour = moment.replace(minute=0, second=0, microsecond=0)
        return hour if self is Step.HOUR else hour.replace(hour=0)


@dataclass
class Trends:
    """Counts by bucket, the newest first, and in all. Without a step there are no buckets."""

    step: Step | None
    total: LabelCounts = field(default_factory=LabelCounts)
    buckets: dict[datetime, LabelCounts] = field(default_factory=dict)
    _last: str = ""

    def add(self, position: str, facets: Iterable[str]) -> None:
        """Counts the ticket at a position of the index."""
        self._last = position
        self.total.add_facets((facets,))
        if self.step is not None:
            start = self.step.start(moment_of(position))
            self.buckets.setdefault(start, LabelCounts()).add_facets((facets,))

    def close(self, is_complete: bool) -> None:
        """Says whether all tickets were counted. Else the counts hold from the oldest counted one on."""
        if not is_complete and self._last:
            self.total.counted_from = moment_of(self._last)
