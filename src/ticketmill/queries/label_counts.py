"""How many tickets have which label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from ticketmill.domain.facets import facets_of
from ticketmill.domain.row import TicketRow
from ticketmill.queries.columns import COUNTED, TASK_FACETS, VOCABULARIES


@dataclass
class LabelCounts:
    """Counts of labels by facet. A ticket may have several topics, and no label of a task that failed."""

    rows: int = 0
    labels: dict[str, Counter[str]] = field(default_factory=dict)
    counted_from: datetime | None = None
    """When the oldest counted ticket was uploaded, where the count ended early; else None."""

    @property
    def needs_review(self) -> int:
        return self.labels.get("needs_review", Counter())["yes"]

    def add(self, rows: Iterable[TicketRow]) -> None:
        """Counts `rows` too."""
        self.add_facets(map(facets_of, rows))

    def add_facets(self, tickets: Iterable[Iterable[str]]) -> None:
        """Counts tickets by their facets."""
        for facets in tickets:
            self.rows += 1
            for each in facets:
                name, _, label = each.partition("=")
                self.labels.setdefault(name, Counter())[label] += 1

    def as_dict(self) -> dict[str, dict[str, int]]:
        """What is counted, with its labels: in the order of their vocabulary, or the most frequent first.

        Your own tasks come last.
        """
        names = (*COUNTED, *sorted(self.labels.keys() - TASK_FACETS))
        return {name: _ordered(name, self.labels.get(name, Counter())) for name in names}


def _ordered(name: str, counts: Counter[str]) -> dict[str, int]:
    vocabulary = VOCABULARIES.get(name, ())
    known = {label: counts[label] for label in vocabulary if label in counts}
    others = {label: count for label, count in counts.items() if label not in known}
    return known | dict(sorted(others.items(), key=lambda each: (-each[1], each[0])))
