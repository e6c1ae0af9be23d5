"""Checks a taxonomy before it is used: overlaps, short descriptions, labels without tickets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import combinations

import numpy as np

from ticketmill.arrays import Floats
from ticketmill.domain.taxonomy import Taxonomy

OVERLAP_FROM = 0.65
"""Cosine of two prototypes. The nearest of the shipped ones, orders and delivery, are at 0.57."""
SAME_NAME_FROM = 0.85
"""Likeness of two names, by difflib: `refund` and `refunds` are at 0.92."""
MIN_DESCRIPTION_WORDS = 3
NEAREST = 10
NEAR_FROM = 0.28
"""The mean cosine to the `NEAREST` tickets from which a label counts as covered.

Chosen on made-up labels: all 34 shipped labels and 18 of other support desks are above it; of 22 about other
subjects (quantum physics, cooking, chess) 17 are below. The nearest ticket alone, or vectors without what all
tickets have in common, separate them less well.
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `kind` is stable for programs."""

    kind: str
    labels: tuple[str, ...]
    message: str
    value: float | None = None


def check_taxonomy(taxonomy: Taxonomy, vectors: Floats, tickets: Floats) -> list[Finding]:
    """The findings about `taxonomy`, whose prototypes are `vectors` (labels, dimensions).

    `tickets` (n, dimensions) are embeddings of real tickets; without them, coverage is not checked.
    """
    return [
        *_near_duplicates(taxonomy.names),
        *_overlaps(taxonomy.names, vectors),
        *_short_descriptions(taxonomy),
        *_far_from_tickets(taxonomy.names, vectors, tickets),
    ]


def _near_duplicates(names: Sequence[str]) -> list[Finding]:
    return [
        Finding("near_duplicate", (one, other), "the names are nearly the same", round(likeness, 3))
        for one, other in combinations(names, 2)
        if (likeness := _likeness(one, other)) >= SAME_NAME_FROM
    ]


def _likeness(one: str, other: str) -> float:
    """Similarity of two names, ignoring the order of their words; 1 if they are the same."""
    one, other = (" ".join(sorted(name.replace("-", "_").split("_"))) for name in (one, other))
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _overlaps(names: Sequence[str], vectors: Floats) -> list[Finding]:
    cosines = vectors @ vectors.T
    pairs = sorted(combinations(range(len(names)), 2), key=lambda pair: -cosines[pair])
    return [
        Finding(
            "overlap", (names[one], names[other]), "tickets of one will often get the other", _digits(cosine)
        )
        for one, other in pairs
        if (cosine := float(cosines[one, other])) >= OVERLAP_FROM
    ]


def _short_descriptions(taxonomy: Taxonomy) -> list[Finding]:
    return [
        Finding(
            "short_description",
            (label.label,),
            f"say in {MIN_DESCRIPTION_WORDS} words or more what its tickets are about",
        )
        for label in taxonomy.labels
        if len(label.description.split()) < MIN_DESCRIPTION_WORDS
    ]


def _far_from_tickets(names: Sequence[str], vectors: Floats, tickets: Floats) -> list[Finding]:
    if not len(tickets):
        return []
    nearest = np.sort(tickets @ vectors.T, axis=0)[-NEAREST:].mean(axis=0)
    return [
        Finding("no_ticket_near", (name,), "few tickets of the shipped corpus come near it", _digits(cosine))
        for name, cosine in zip(names, nearest.tolist(), strict=True)
        if cosine < NEAR_FROM
    ]


def _digits(number: float) -> float:
    return round(float(number), 3)
