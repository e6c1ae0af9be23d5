"""Evidence: the words that added most to a label's score, joined into phrases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ticketmill.arrays import Floats
from ticketmill.models.tokens import WORD, Tokens

MAX_PHRASES = 3
# shorter words mean something only in a phrase
MIN_LETTERS = 3


class Phrase(NamedTuple):
    """Words of the text, and what they added to the score."""

    text: str
    weight: float


class _Candidate(NamedTuple):
    weight: float
    first: int
    last: int


def strongest(
    tokens: Tokens,
    begin: int,
    single: Floats,
    pair: Floats,
    cues: Sequence[tuple[int, int, float]],
) -> list[Phrase]:
    """Up to three phrases that do not overlap, strongest first, with positive weights only.

    The text's tokens start at index `begin`. `single` (t,) is what each token added, `pair` (t - 1,) what two
    neighbours added beyond that, and `cues` what the word lists added, by first and last token.
    """
    kind = tokens.kind[begin : begin + len(single)]
    size = (tokens.end - tokens.start)[begin : begin + len(single)]
    is_word = (kind == WORD) & (size >= MIN_LETTERS)
    whole = pair + single[:-1] + single[1:]
    # a pair must add more than either of its words
    useful = (whole > np.maximum(single[:-1], single[1:])) & (kind[:-1] <= WORD) & (kind[1:] <= WORD)
    useful &= is_word[:-1] | is_word[1:]
    candidates = [
        _Candidate(float(whole[position]), position, position + 1)
        for position in _best(np.where(useful, whole, 0), 3 * MAX_PHRASES)
    ]
    candidates += [
        _Candidate(float(single[position]), position, position)
        for position in _best(np.where(is_word, single, 0), 3 * MAX_PHRASES)
    ]
    candidates += [
        _Candidate(
            weight + float(single[first - begin : last - begin + 1].sum()), first - begin, last - begin
        )
        for first, last, weight in cues
    ]
    return _chosen(candidates, tokens, begin)


def _chosen(candidates: list[_Candidate], tokens: Tokens, begin: int) -> list[Phrase]:
    phrases: list[Phrase] = []
    taken: set[int] = set()
    said: set[str] = set()
    for weight, first, last in sorted(candidates, key=lambda each: (-each.weight, each.first, each.last)):
        positions = range(first, last + 1)
        if weight <= 0 or len(phrases) == MAX_PHRASES:
            break
        text = tokens.span(begin + first, begin + last)
        if taken.isdisjoint(positions) and text.lower() not in said:
            phrases.append(Phrase(text, weight))
            taken.update(positions)
            said.add(text.lower())
    return phrases


def _best(weights: Floats, count: int) -> list[int]:
    """Indexes of the largest positive weights."""
    positions = np.argsort(-weights, kind="stable")[:count]
    return [int(position) for position in positions if weights[position] > 0]
