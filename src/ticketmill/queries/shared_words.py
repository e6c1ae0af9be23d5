"""Which words two tickets share: those that say most, because few other tickets have them."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

import numpy as np

from ticketmill.queries.terms import Vocabulary, terms_of
from ticketmill.queries.ticket_vectors import TicketVectors

SAMPLE = 500
"""Tickets by which it is judged how rare a word is."""
KEPT_S = 3600.0
COMMON_SHARE = 0.05
COMMON_TICKETS = 5
"""A word of more than 5% of the sample, and of more than five tickets, says nothing."""

_WORD = re.compile(r"\w+(?:[.\-]\w+)*")
_COMMON_WORDS = (
    "a about after all also am an and any are as at be been before but by can could did do does for from get"
    " had has have he hello her hi him his how i if in into is it its just me my no not now of on only or our"
    " out please she so some thank thanks than that the their them then there they this to up us was we were"
    " what when which who will with would you your"
)
_COMMON = frozenset(_COMMON_WORDS.split())
"""English words that stay out also where the index has a few tickets only."""


@dataclass(eq=False)
class SharedWords:
    """Compares texts. Reads a sample of the index once an hour. May be used by many threads."""

    vectors: TicketVectors
    clock: Callable[[], float] = time.monotonic
    _vocabulary: Vocabulary | None = None
    _texts: int = 0
    _read_at_s: float = float("-inf")
    _lock: Lock = field(default_factory=Lock)

    def of(self, one: str, other: str, most: int) -> list[str]:
        """Up to `most` words as `one` has them, what brings the two texts together most first."""
        known = self._rarity()
        left, right = Counter(terms_of(one)), Counter(terms_of(other))
        weights = {
            term: (1 + np.log(left[term])) * (1 + np.log(right[term])) * rarity**2
            for term in left.keys() & right.keys()
            if term not in _COMMON and (rarity := self._rarity_of(term, known)) is not None
        }
        spelled = _spellings(one)
        words: list[str] = []
        for term in sorted(weights, key=lambda each: (-weights[each], -len(each), each)):
            word = spelled.get(term, term)
            if not any(word.lower() in each.lower() for each in words):
                words.append(word)
        return words[:most]

    def _rarity_of(self, term: str, known: Vocabulary) -> float | None:
        """1 and more, see `Vocabulary.rarity`; None for a word of many tickets."""
        most = max(COMMON_TICKETS, COMMON_SHARE * self._texts)
        rarity = float(known.rarity[known.ids[term]]) if term in known.ids else 1 + np.log(1 + self._texts)
        return rarity if rarity >= 1 + np.log((1 + self._texts) / (1 + most)) else None

    def _rarity(self) -> Vocabulary:
        with self._lock:
            if self._vocabulary is None or self.clock() - self._read_at_s >= KEPT_S:
                keys = self.vectors.current().keys
                step = max(1, len(keys) // SAMPLE)
                texts = self.vectors.store.texts(keys[::step][:SAMPLE])
                self._texts = len(texts)
                self._vocabulary = Vocabulary([terms_of(text) for text in texts.values()])
                self._read_at_s = self.clock()
            return self._vocabulary


def _spellings(text: str) -> dict[str, str]:
    """The words of a text by their terms, as they are written there first."""
    spelled: dict[str, str] = {}
    for word in _WORD.findall(text):
        for term in terms_of(word)[:1]:
            spelled.setdefault(term, word)
    return spelled
