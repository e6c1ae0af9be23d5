"""The words of texts and how rare each is: closeness of texts by TF-IDF, with numpy alone.

Salton and Buckley, Term-weighting approaches in automatic text retrieval, 1988: a text is the vector of
(1 + log count) · rarity of its terms, of unit length; two texts are as close as the cosine of their vectors.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Floats

MAX_CHARS = 10_000
"""Of a text, from its beginning."""
MAX_TERM_CHARS = 80
MIN_STEM_CHARS = 4

Ints = NDArray[np.int64]

_WORD = re.compile(r"\w+(?:[.\-]\w+)*")
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]+|\d+")
_ENDINGS = ("ing", "ed", "es", "s")


def terms_of(text: str) -> list[str]:
    """The words of a text, in lower case and without English endings.

    A compound, as in `fs.s3a.S3AFileSystem`, `3.2.1` or `NS_ERROR-403`, is a term, and so is each of its
    parts: names that two tickets share count beside the words that they are made of.
    """
    terms: list[str] = []
    for word in _WORD.findall(text[:MAX_CHARS]):
        parts = _PART.findall(word if word.isascii() else word.lower())
        terms.append(word)
        if len(parts) > 1:
            terms += parts
    return [stem_of(term.lower()[:MAX_TERM_CHARS]) for term in terms if len(term) > 1]


def rarest_words(text: str, vocabulary: Vocabulary, most: int) -> list[str]:
    """The rarest words of a text, as they are written. Those that the vocabulary lacks come first."""
    rarity: dict[str, float] = {}
    for word in _WORD.findall(text[:MAX_CHARS]):
        if word not in rarity and (terms := terms_of(word)):
            at = vocabulary.ids.get(terms[0])
            rarity[word] = float("inf") if at is None else float(vocabulary.rarity[at])
    return sorted(rarity, key=lambda word: -rarity[word])[:most]


def stem_of(term: str) -> str:
    """A term in lower case without its English ending."""
    for ending in _ENDINGS:
        if term.endswith(ending) and len(term) >= MIN_STEM_CHARS + len(ending):
            return term[: -len(ending)]
    return term


@dataclass(frozen=True, slots=True, eq=False)
class TermVectors:
    """Sparse vectors of unit length: in text `text[i]` the term `term[i]` has `value[i]`, ordered by text."""

    text: Ints
    term: Ints
    value: Floats
    starts: Ints
    """(texts + 1,): where each text begins."""

    def of(self, text: int) -> tuple[Ints, Floats]:
        """The terms of one text and their values."""
        one = slice(self.starts[text], self.starts[text + 1])
        return self.term[one], self.value[one]


class Vocabulary:
    """The terms of a set of texts."""

    def __init__(self, texts: Sequence[Sequence[str]]) -> None:
        """`texts` has the terms of each text."""
        counts = Counter(term for terms in texts for term in set(terms))
        self.terms = tuple(counts)
        self.ids = {term: at for at, term in enumerate(self.terms)}
        in_texts = np.fromiter(counts.values(), np.float64, len(counts))
        self.rarity = (1 + np.log((1 + len(texts)) / (1 + in_texts))).astype(np.float32)
        """(terms,): 1 for a term of all texts, and 1 more for each factor of e that it is rarer."""

    def vectors(self, texts: Sequence[Sequence[str]]) -> TermVectors:
        """(1 + log count) · rarity, of unit length. Terms that the vocabulary lacks are left out."""
        counts = [Counter(self.ids[term] for term in terms if term in self.ids) for terms in texts]
        text = np.repeat(np.arange(len(texts)), [len(each) for each in counts])
        term = np.array([term for each in counts for term in each], np.int64)
        count = np.array([count for each in counts for count in each.values()], np.float32)
        return _unit(text, term, (1 + np.log(count)) * self.rarity[term], len(texts))

    def closeness(self, vectors: TermVectors, text: int) -> Floats:
        """(texts,): the cosine of each text's vector with that of one of them."""
        asked = np.zeros(len(self.terms), np.float32)
        term, value = vectors.of(text)
        asked[term] = value
        sums = np.bincount(
            vectors.text, asked[vectors.term] * vectors.value, minlength=len(vectors.starts) - 1
        )
        return sums.astype(np.float32)


def added(one: TermVectors, other: TermVectors) -> TermVectors:
    """The sum of the two vectors of each text, of unit length again."""
    text, term = np.concatenate([one.text, other.text]), np.concatenate([one.term, other.term])
    terms = int(term.max(initial=0)) + 1
    pairs, at = np.unique(text * terms + term, return_inverse=True)
    value = np.bincount(at, np.concatenate([one.value, other.value])).astype(np.float32)
    return _unit(pairs // terms, pairs % terms, value, len(one.starts) - 1)


def _unit(text: Ints, term: Ints, value: Floats, texts: int) -> TermVectors:
    lengths = np.sqrt(np.bincount(text, value * value, minlength=texts))
    starts = np.searchsorted(text, np.arange(texts + 1))
    return TermVectors(text, term, (value / lengths[text]).astype(np.float32), starts)
