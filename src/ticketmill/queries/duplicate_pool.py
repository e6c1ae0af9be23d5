"""Of all tickets of the index, those that may tell of the same thing as one of them, the likeliest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

import numpy as np

from ticketmill.arrays import Floats
from ticketmill.indexed_ticket import Hit
from ticketmill.queries.duplicates import DuplicateRanking
from ticketmill.queries.terms import rarest_words
from ticketmill.queries.text_sample import Sample, TextSample
from ticketmill.queries.ticket_vectors import TicketVectors
from ticketmill.queries.vectors import Vectors

NEAREST = 400
"""Entries by their vectors."""
BY_WORDS = 400
"""Entries by full text, with the rarest words of the ticket."""
BY_NAMES = 50
"""Entries by full text, with the numbers and codes that the ticket names."""
RAREST_WORDS = 32


@dataclass(frozen=True, slots=True)
class Ranked:
    """An entry of the index beside the ticket that was asked for."""

    enriched_key: str
    score: float
    """The higher the likelier; comparable within one ranking alone."""
    cosine: float
    """Of the two embeddings as they are."""
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ranking:
    """Entries, the likeliest first, and the text of the ticket that was asked for."""

    text: str = field(repr=False)
    entries: list[Ranked]


@dataclass(frozen=True, slots=True)
class DuplicatePool:
    """Ranks by meaning and words as `DuplicateRanking` does, over a pool.

    A random sample of the index stands beside the pool, so that what is common in all tickets counts little
    in the few that are compared, too.
    """

    vectors: TicketVectors
    sample: TextSample

    def rank(
        self, enriched_key: str, most: int, names: Sequence[str] = (), others: Iterable[str] = ()
    ) -> Ranking | None:
        """The first `most` of the pool and all of `others`, the likeliest first.

        None where the index does not have the entry (yet). `names` are numbers and codes that the ticket
        names; `others` are keys of more entries to compare.
        TransientFailure where the store fails.
        """
        also = frozenset(others)
        vector = self.vectors.vector_of(enriched_key)
        text = self.vectors.store.texts([enriched_key]).get(enriched_key)
        if vector is None or text is None:
            return None
        sample = self.sample.current()
        vectors = self.vectors.current()
        pool = {hit.enriched_key for hit in self._hits(vector, text, names, sample)}
        texts = self._texts((pool | also) - {enriched_key}, vectors, sample)
        return Ranking(text, _ranked({enriched_key: text} | texts, vectors, sample, most, also))

    def _hits(self, vector: Floats, text: str, names: Sequence[str], sample: Sample) -> list[Hit]:
        store = self.vectors.store
        hits = self.vectors.nearest(vector, NEAREST)
        words = rarest_words(text, sample.vocabulary, RAREST_WORDS)
        hits += store.search_text(" ".join(words), BY_WORDS) or []
        if names:
            hits += store.search_text(" ".join(names), BY_NAMES) or []
        return hits

    def _texts(self, keys: Iterable[str], vectors: Vectors, sample: Sample) -> dict[str, str]:
        """The texts of entries that this reader knows."""
        known = [key for key in sorted(keys) if key in vectors]
        read = self.vectors.store.texts([key for key in known if key not in sample.texts])
        found = {key: sample.texts.get(key) or read.get(key) for key in known}
        return {key: text for key, text in found.items() if text is not None}


def _ranked(
    pool: Mapping[str, str], vectors: Vectors, sample: Sample, most: int, also: Set[str]
) -> list[Ranked]:
    """The first of `pool` is the ticket that was asked for."""
    texts = {**pool, **{key: text for key, text in sample.texts.items() if key not in pool}}
    at_of = {key: at for key in texts if (at := vectors.position(key)) is not None}
    keys, matrix = list(at_of), vectors.matrix[list(at_of.values())]
    terms = [sample.terms(key, texts[key]) for key in keys]
    meanings = sample.common.taken_from(matrix)
    ranking = DuplicateRanking([each.subject for each in terms], [each.body for each in terms], meanings)
    scores, cosines = ranking.scores(0), matrix @ matrix[0]
    order = np.argsort(-scores[1 : len(pool)], kind="stable") + 1
    return [
        Ranked(keys[at], float(scores[at]), float(cosines[at]), texts[keys[at]])
        for place, at in enumerate(order)
        if place < most or keys[at] in also
    ]
