"""What the taxonomy lacks: tickets that the model is unsure of, grouped by closeness.

The mean of all tickets is taken from each vector, and groups are joined by average linkage of their cosines,
as long as it is high enough (Sokal and Michener, 1958). A ticket that is close to few others is in no gap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Floats
from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.domain.errors import SetupError
from ticketmill.domain.gap_report import Gap, StandoutWord, gap_id
from ticketmill.queries.standout import WordCounts, name_of, standout

BELOW = 0.7
"""A model is unsure of a ticket whose label has a lower confidence."""
MIN_SIZE = 5
"""Fewer tickets are no gap."""
JOIN_FROM = 0.4
"""Groups are joined while the mean cosine of their tickets is so high. Chosen on BANKING77, see
`tests/benchmarks/gaps.py`: at .5 fewer topics are found, at .3 groups mix two."""
MAX_WORDS = 6

Positions = NDArray[np.intp]


def is_unsure(row: EffectiveRow, below: float = BELOW) -> bool:
    """Whether the model is unsure of the intent, and no person has said it."""
    confidence = row.intent_confidence
    return confidence is not None and (confidence < below or "intent_confidence" in row.review_reasons)


def find_gaps(
    rows: Sequence[EffectiveRow], vectors: Floats, unsure: Sequence[int], texts: Mapping[str, str]
) -> list[Gap]:
    """Gaps among the `unsure` of some tickets, the largest first.

    `vectors` (rows, dimensions) are theirs, of length 1; `unsure` are positions; `texts` are those of the
    unsure and of a sample of all, by ticket id. SetupError where scipy is missing.
    """
    if len(unsure) < MIN_SIZE:
        return []
    centred = unit(vectors[list(unsure)] - vectors.mean(axis=0))
    everything = WordCounts.of(texts.values())
    gaps = []
    for members in groups_of(centred):
        middle = unit(centred[members].mean(axis=0, keepdims=True))[0]
        cosines = centred[members] @ middle
        nearest = members[np.argsort(-cosines, kind="stable")]
        chosen = [rows[unsure[at]] for at in nearest]
        gaps.append(_gap(chosen, float(cosines.mean()), texts, everything))
    return sorted(gaps, key=lambda each: (-each.size, -each.cohesion))


def groups_of(vectors: Floats, join_from: float = JOIN_FROM, min_size: int = MIN_SIZE) -> list[Positions]:
    """The positions of each group of `vectors` (n, dimensions), of length 1. SetupError without scipy."""
    try:
        from scipy.cluster.hierarchy import fcluster, linkage
    except ImportError:
        raise SetupError("grouping tickets needs scipy: pip install 'ticketmill[train]'") from None
    if len(vectors) < 2:
        return []
    distances = np.clip(1 - vectors @ vectors.T, 0, 2)
    tree = linkage(distances[np.triu_indices(len(vectors), 1)], method="average")
    numbers = fcluster(tree, 1 - join_from, criterion="distance")
    groups = [np.flatnonzero(numbers == number) for number in np.unique(numbers)]
    return [each for each in groups if len(each) >= min_size]


def unit(vectors: Floats) -> Floats:
    """Vectors scaled to length 1; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)


def _gap(
    rows: Sequence[EffectiveRow], cohesion: float, texts: Mapping[str, str], everything: WordCounts
) -> Gap:
    """`rows` begin with the ticket nearest the middle."""
    tickets = tuple(row.ticket_id for row in rows)
    own = [texts[each] for each in tickets if each in texts]
    words = standout(WordCounts.of(own), everything, MAX_WORDS)
    confidences = [row.intent_confidence for row in rows if row.intent_confidence is not None]
    name = gap_id(tickets)
    return Gap(
        id=name,
        name=name_of(words, own) or name,
        words=tuple(StandoutWord(word=each.word, z=round(each.z, 1), tickets=each.texts) for each in words),
        cohesion=round(cohesion, 3),
        labels=dict(Counter(str(row.intent) for row in rows).most_common()),
        confidence=round(sum(confidences) / len(confidences), 3),
        tickets=tickets,
    )
