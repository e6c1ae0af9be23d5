"""How many tickets several lists have, counted in one pass over the index."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from ticketmill.domain.keys import moment_of
from ticketmill.queries.filters import Filters
from ticketmill.queries.label_counts import LabelCounts


@dataclass
class Overview:
    """`matching` has the count of each of `lists`, `total` the labels of all tickets."""

    lists: tuple[Filters, ...]
    matching: list[int]
    total: LabelCounts = field(default_factory=LabelCounts)
    _last: str = ""

    @classmethod
    def of(cls, lists: Sequence[Filters]) -> Overview:
        """Nothing counted yet."""
        return cls(tuple(lists), [0] * len(lists))

    def add(self, position: str, facets: Collection[str]) -> None:
        """Counts the ticket at a position of the index."""
        self._last = position
        self.total.add_facets((facets,))
        for number, filters in enumerate(self.lists):
            self.matching[number] += filters.match_facets(facets)

    def close(self, is_complete: bool) -> None:
        """Says whether all tickets were counted. Else the counts hold from the oldest counted one on."""
        if not is_complete and self._last:
            self.total.counted_from = moment_of(self._last)
