"""What a ticket must be like to be listed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from ticketmill.domain.facets import facet, facets_of
from ticketmill.domain.row import TicketRow
from ticketmill.queries.columns import CONFIDENCES

Groups = tuple[frozenset[str], ...]


def match_groups(groups: Groups, facets: AbstractSet[str]) -> bool:
    """Whether `facets` has one of each group."""
    return not any(group.isdisjoint(facets) for group in groups)


@dataclass(frozen=True, slots=True)
class Filters:
    """`labels` has by name the labels of which a ticket must have one, as in `{"urgency": ("high",)}`.

    `min_confidence` is asked of each of its labels that a model is more or less sure of.
    """

    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    min_confidence: float | None = None

    def match(self, row: TicketRow) -> bool:
        """Whether a row is to be listed."""
        return self.match_facets(facets_of(row)) and self._is_sure(row)

    def match_facets(self, facets: AbstractSet[str]) -> bool:
        """Whether a ticket of these facets is to be listed, whatever its confidence."""
        return match_groups(self.groups(), facets)

    def groups(self) -> Groups:
        """Sets of facets. A ticket must have one of each."""
        return tuple(
            frozenset(facet(name, label) for label in wanted)
            for name, wanted in self.labels.items()
            if wanted
        )

    def digest(self) -> str:
        """A short hash: the same for the same filters, in whatever order they are given."""
        labels = {name: sorted(wanted) for name, wanted in self.labels.items() if wanted}
        text = json.dumps([labels, self.min_confidence], sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()

    def _is_sure(self, row: TicketRow) -> bool:
        if self.min_confidence is None:
            return True
        confidences = [
            _confidence(row, name, wanted)
            for name, wanted in self.labels.items()
            if wanted and (name in CONFIDENCES or name in row.custom)
        ]
        return all(each is not None and each >= self.min_confidence for each in confidences)


def _confidence(row: TicketRow, name: str, wanted: Sequence[str]) -> float | None:
    """How sure a model is of the label of a task, or of the likeliest of those that are wanted."""
    if name in CONFIDENCES:
        confidence: float | None = getattr(row, CONFIDENCES[name])
        return confidence
    made = [each.confidence for each in row.custom[name].labels if each.label in wanted]
    return max((each for each in made if each is not None), default=None)
