"""How many tickets several lists have, counted in one pass over the index."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from ticketmill.domain.keys import moment_of
from ticketmill.queries.filters import Filters, Groups, match_groups
from ticketmill.queries.label_counts import LabelCounts


@dataclass
class Overview:
    """`matching` has the count of each list, `total` the labels of all tickets."""

    lists: tuple[Groups, ...]
    matching: list[int]
    total: LabelCounts = field(default_factory=LabelCounts)
    _last: str = ""

    @classmethod
    def of(cls, lists: Sequence[Filters]) -> Overview:
        """Nothing counted yet."""
        return cls(tuple(each.groups() for each in lists), [0] * len(lists))

    def add(self, position: str, facets: AbstractSet[str]) -> None:
        """Counts the ticket at a position of the index."""
        self._last = position
        self.total.add_facets((facets,))
        for number, groups in enumerate(self.lists):
            self.matching[number] += match_groups(groups, facets)

    def close(self, is_complete: bool) -> None:
        """Says whether all tickets were counted. Else the counts hold from the oldest counted one on."""
        if not is_complete and self._last:
            self.total.counted_from = moment_of(self._last)
