"""Which tickets may tell of the same thing: a ranking for people to decide on, and no verdict.

Real duplicates are close by their meaning or by their words, and each measure misses some that the other
finds. The score is the sum of two z-scores: of the cosine of embeddings, and of that of TF-IDF. A z-score
says how far a candidate stands out from all others, so that no weight has to be learned. In both measures
subject and text count alike.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np

from ticketmill.arrays import Doubles, Floats
from ticketmill.queries.terms import Vocabulary, added, terms_of

ENCODED_CHARS = 1500
"""Of a body, what is encoded beside the subject."""
TEMPLATE_SHARE = 0.01
TEMPLATE_TICKETS = 5
"""A line of more than 1% of the tickets, and of more than five, is a template's."""
DIMENSIONS_A_DIRECTION = 100
"""One direction in a hundred is what all texts have in common: Mu and Viswanath, All-but-the-Top, 2018."""
TICKETS_A_DIRECTION = 100
"""Fewer tickets do not show it."""
LEAST = 1e-9

_DIGITS = re.compile(r"\d+")


def without_templates(bodies: Sequence[str]) -> list[str]:
    """Bodies without the lines that occur in many of them, whatever numbers stand there.

    So `Steps to reproduce:`, `2.`, `{code}` and a browser's identification go.
    """
    lines = template_lines(bodies)
    return [without_lines(body, lines) for body in bodies]


def template_lines(bodies: Sequence[str]) -> frozenset[str]:
    """The lines of templates, in the form that `without_lines` compares."""
    most = max(TEMPLATE_TICKETS, TEMPLATE_SHARE * len(bodies))
    occurrences = Counter(key for body in bodies for key in {_line_key(line) for line in body.splitlines()})
    return frozenset(key for key, count in occurrences.items() if count > most)


def without_lines(body: str, lines: Set[str]) -> str:
    """A body without some lines."""
    return "\n".join(line for line in body.splitlines() if _line_key(line) not in lines)


def _line_key(line: str) -> str:
    return _DIGITS.sub("0", line.strip().lower())


def encoded_text(subject: str, body: str) -> str:
    """What is encoded of a ticket."""
    return f"{subject}\n{body[:ENCODED_CHARS]}"


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Tickets to compare with each other."""

    subjects: Sequence[str]
    bodies: Sequence[str]
    """Without templates."""
    embeddings: Sequence[Floats]
    """(tickets, dimensions) each: of the text, and of the subject. Zeros for no text."""


class DuplicateRanking:
    """Scores tickets by how likely they tell of the same thing. Building one reads all texts once."""

    def __init__(
        self, subjects: Sequence[Sequence[str]], bodies: Sequence[Sequence[str]], meanings: Floats
    ) -> None:
        """`subjects`, `bodies`: the terms of each. `meanings`: (tickets, dimensions), of unit length."""
        self.vocabulary = Vocabulary([[*one, *other] for one, other in zip(subjects, bodies, strict=True)])
        self.terms = added(self.vocabulary.vectors(subjects), self.vocabulary.vectors(bodies))
        self.meanings = meanings

    @classmethod
    def of(cls, candidates: Candidates) -> DuplicateRanking:
        """What all candidates have in common is taken from their embeddings."""
        subjects = [terms_of(subject) for subject in candidates.subjects]
        bodies = [terms_of(body) for body in candidates.bodies]
        meanings = sum(map(distinctive, candidates.embeddings), np.zeros((), np.float32))
        return cls(subjects, bodies, unit(meanings))

    def scores(self, ticket: int) -> Doubles:
        """(tickets,): the higher the likelier; -inf for the ticket itself."""
        meaning = self.meanings @ self.meanings[ticket]
        words = self.vocabulary.closeness(self.terms, ticket)
        others = np.arange(len(words)) != ticket
        total = np.full(len(words), -np.inf)
        total[others] = _standard(meaning[others]) + _standard(words[others])
        return total


@dataclass(frozen=True, slots=True, eq=False)
class Common:
    """What many embeddings have in common: their mean, and the directions in which they differ most."""

    mean: Floats
    directions: Floats
    """(dimensions, directions)."""

    @classmethod
    def of(cls, vectors: Floats) -> Common:
        """`vectors`: (tickets, dimensions). Zeros, the embedding of no text, do not count."""
        texts = vectors[np.any(vectors, axis=1)]
        mean = texts.sum(axis=0) / max(1, len(texts))
        count = min(round(vectors.shape[1] / DIMENSIONS_A_DIRECTION), len(vectors) // TICKETS_A_DIRECTION)
        moved = texts - mean
        _, found = np.linalg.eigh(moved.T @ moved)  # the largest last
        return cls(mean, found[:, found.shape[1] - count :])

    def taken_from(self, vectors: Floats) -> Floats:
        """(tickets, dimensions): of unit length. Zeros stay zeros: they are close to nothing."""
        moved = np.where(np.any(vectors, axis=1)[:, None], vectors - self.mean, 0)
        return unit(moved - moved @ self.directions @ self.directions.T)


def distinctive(vectors: Floats) -> Floats:
    """(tickets, dimensions): without what all tickets have in common, and of unit length."""
    return Common.of(vectors).taken_from(vectors)


def unit(vectors: Floats) -> Floats:
    """(tickets, dimensions): of length 1, but for zeros."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, LEAST), np.float32)


def _standard(closeness: Floats) -> Doubles:
    """How many standard deviations each stands above the mean."""
    values = closeness.astype(np.float64)
    standard: Doubles = (values - values.mean()) / max(float(values.std()), LEAST)
    return standard


@dataclass(frozen=True, slots=True)
class RecallAt:
    """How often a ticket with a duplicate has one of them among the first."""

    tickets: int
    with_duplicate: int
    recall_at_1: float
    recall_at_5: float
    recall_at_10: float


def recall(ranking: DuplicateRanking, groups: Sequence[str | None]) -> RecallAt:
    """Measured over the tickets that share a group with others. Ties count against the ranking."""
    sizes = Counter(group for group in groups if group is not None)
    asked = [at for at, group in enumerate(groups) if group is not None and sizes[group] > 1]
    ranks = np.array([_rank(ranking.scores(at), at, groups) for at in asked])
    at_1, at_5, at_10 = (float((ranks <= most).mean()) if len(ranks) else 0.0 for most in (1, 5, 10))
    return RecallAt(len(groups), len(asked), at_1, at_5, at_10)


def _rank(scores: Doubles, ticket: int, groups: Sequence[str | None]) -> int:
    """The place of the first duplicate of a ticket, from 1."""
    is_duplicate = np.array([group == groups[ticket] for group in groups])
    is_duplicate[ticket] = False
    best = scores[is_duplicate].max()
    return 1 + int((scores[~is_duplicate] >= best).sum())
