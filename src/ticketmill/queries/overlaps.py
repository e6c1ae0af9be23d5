"""Labels that overlap: pairs that get each other's tickets, by what the model and people say."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from ticketmill.arrays import Floats
from ticketmill.domain.effective_row import EffectiveRow, shown_of
from ticketmill.domain.gap_report import Overlap

UNDECIDED_FROM = 0.5
"""A ticket is undecided where the second label has at least this share of the first one's probability."""
CLOSE_FROM = 0.6
"""Two labels whose tickets' middles have this cosine are told, though no ticket is undecided yet."""
MIN_OF_MIDDLE = 5
"""Of fewer tickets there is no middle."""
MAX_EXAMPLES = 3
Z_95 = 1.96

Pair = tuple[str, str]


@dataclass(slots=True)
class _Confused:
    """The tickets of one pair."""

    undecided: list[str] = field(default_factory=list)
    corrected: list[str] = field(default_factory=list)

    @property
    def tickets(self) -> list[str]:
        """Each once, those first of which a person has spoken."""
        return list(dict.fromkeys([*self.corrected, *self.undecided]))


def find_overlaps(
    rows: Sequence[EffectiveRow],
    scores: Mapping[str, Mapping[str, float]],
    closeness: Mapping[Pair, float],
    task: str,
) -> list[Overlap]:
    """Pairs of labels that are confused, the highest share first.

    `scores` has the probability of each label, by the id of an unsure ticket; `closeness` is that of pairs.
    """
    confused: dict[Pair, _Confused] = {}
    for ticket_id, probabilities in scores.items():
        if pair := _torn(probabilities):
            confused.setdefault(pair, _Confused()).undecided.append(ticket_id)
    for row in rows:
        if pair := _corrected(row, task):
            confused.setdefault(pair, _Confused()).corrected.append(row.ticket_id)
    for pair, cosine in closeness.items():
        if cosine >= CLOSE_FROM:
            confused.setdefault(pair, _Confused())
    having = Counter(label for row in rows for label in shown_of(row, task).labels)
    found = [_overlap(pair, each, having, closeness.get(pair)) for pair, each in confused.items()]
    return sorted(found, key=lambda each: (-each.share, -(each.closeness or 0.0), each.labels))


def closeness_of(vectors: Floats, labels: Sequence[str]) -> dict[Pair, float]:
    """The cosine of the middles of each two labels, without the mean of all: `vectors` (tickets, dimensions)
    are of tickets with these labels."""
    names = sorted(name for name, count in Counter(labels).items() if count >= MIN_OF_MIDDLE)
    if len(names) < 2:
        return {}
    given = np.array(labels)
    middles = np.stack([vectors[given == name].mean(axis=0) for name in names])
    middles -= vectors.mean(axis=0)
    middles /= np.maximum(np.linalg.norm(middles, axis=1, keepdims=True), 1e-9)
    cosines = middles @ middles.T
    return {
        (names[one], names[other]): float(cosines[one, other])
        for one, other in combinations(range(len(names)), 2)
    }


def lower_bound(count: int, total: int) -> float:
    """The lower end of the 95% interval of a share (Wilson, 1927); 0 of nothing."""
    if not total:
        return 0.0
    share, squared = count / total, Z_95 * Z_95
    middle = share + squared / (2 * total)
    spread = Z_95 * math.sqrt(share * (1 - share) / total + squared / (4 * total * total))
    return max(0.0, (middle - spread) / (1 + squared / total))


def _torn(probabilities: Mapping[str, float]) -> Pair | None:
    """The two most probable labels, where both are likely."""
    if len(probabilities) < 2:
        return None
    first, second = sorted(probabilities, key=lambda label: -probabilities[label])[:2]
    return _pair(first, second) if probabilities[second] >= UNDECIDED_FROM * probabilities[first] else None


def _corrected(row: EffectiveRow, task: str) -> Pair | None:
    """What a model said and what a person says instead."""
    if task not in row.corrected:
        return None
    said, shown = shown_of(row, task).labels, row.predicted[task].labels
    return _pair(said[0], shown[0]) if said and shown else None


def _pair(one: str, other: str) -> Pair:
    return (one, other) if one < other else (other, one)


def _overlap(pair: Pair, confused: _Confused, having: Counter[str], closeness: float | None) -> Overlap:
    tickets = confused.tickets
    total = max(sum(having[label] for label in pair), len(tickets))
    return Overlap(
        labels=pair,
        undecided=len(confused.undecided),
        corrected=len(confused.corrected),
        tickets=total,
        share=round(lower_bound(len(tickets), total), 3),
        closeness=None if closeness is None else round(closeness, 3),
        examples=tuple(tickets[:MAX_EXAMPLES]),
    )
