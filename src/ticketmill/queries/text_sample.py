"""A sample of the index's texts: what is common in tickets, for those who compare a few of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

import numpy as np

from ticketmill.arrays import Floats
from ticketmill.queries.duplicates import Common, template_lines, without_lines
from ticketmill.queries.terms import Vocabulary, terms_of
from ticketmill.queries.ticket_vectors import TicketVectors
from ticketmill.queries.vectors import Vectors

SAMPLE = 1000
KEPT_S = 3600.0
GROWTH = 1.2
"""The sample is drawn anew after an hour, or when the index has grown by a fifth."""
MAX_KEPT_TERMS = 10_000
"""Entries whose terms are kept: some 2 KB each."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a ticket, without a template's lines."""

    subject: Sequence[str]
    body: Sequence[str]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Some tickets, and what is common in them."""

    texts: Mapping[str, str]
    """By the keys of entries."""
    lines: frozenset[str]
    """Lines of templates, and subjects that many tickets have."""
    common: Common
    vocabulary: Vocabulary
    _terms: dict[str, Terms] = field(default_factory=dict)
    """Of entries that were asked for. An entry never changes."""

    @classmethod
    def of(cls, texts: Mapping[str, str], vectors: Floats) -> Sample:
        """`vectors`: (texts, dimensions)."""
        lines = template_lines(list(texts.values()))
        terms = {key: _terms_of(text, lines) for key, text in texts.items()}
        vocabulary = Vocabulary([[*each.subject, *each.body] for each in terms.values()])
        return cls(texts, lines, Common.of(vectors), vocabulary, terms)

    def terms(self, key: str, text: str) -> Terms:
        """The terms of an entry."""
        if (known := self._terms.get(key)) is None:
            if len(self._terms) >= MAX_KEPT_TERMS:
                self._terms.clear()
            known = self._terms[key] = _terms_of(text, self.lines)
        return known


def _terms_of(text: str, lines: frozenset[str]) -> Terms:
    subject, _, body = text.partition("\n")
    return Terms(*(terms_of(without_lines(part, lines)) for part in (subject, body)))


@dataclass(eq=False)
class TextSample:
    """Up to `size` texts of the index, drawn at random. May be used by many threads."""

    vectors: TicketVectors
    size: int = SAMPLE
    clock: Callable[[], float] = time.monotonic
    seed: int = 0
    _drawn: Sample | None = None
    _drawn_of: int = 0
    _drawn_at_s: float = float("-inf")
    _lock: Lock = field(default_factory=Lock)

    def current(self) -> Sample:
        """The sample, an hour old at most. TransientFailure where the store fails."""
        vectors = self.vectors.current()
        with self._lock:
            has_grown = len(vectors) > GROWTH * self._drawn_of
            if self._drawn is None or has_grown or self.clock() - self._drawn_at_s >= KEPT_S:
                self._drawn = self._draw(vectors)
                self._drawn_of, self._drawn_at_s = len(vectors), self.clock()
            return self._drawn

    def _draw(self, vectors: Vectors) -> Sample:
        count = min(self.size, len(vectors))
        chosen = np.random.default_rng(self.seed).choice(len(vectors), count, replace=False)
        found = self.vectors.store.texts([vectors.keys[at] for at in chosen])
        known = {vectors.keys[at]: at for at in chosen if vectors.keys[at] in found}
        texts = {key: found[key] for key in known}
        return Sample.of(texts, vectors.matrix[list(known.values())])
