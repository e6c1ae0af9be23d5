"""From texts and pooled layers to one score a label: five linear blocks, each folded into plain weights.

| block | what it reads |
| --- | --- |
| dense | the means of the hidden layers |
| quadratic | products of pairs of their main directions: interactions |
| words | hashed words and pairs of words, tf-idf |
| chars | hashed runs of 3 to 5 characters, tf-idf: typing errors, endings, word stems |
| surface | cues from word lists, marks and capitals |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Floats
from ticketmill.models.evidence import Phrase, strongest
from ticketmill.models.ngrams import NgramIndex, Values, unit_values, weighed
from ticketmill.models.surface import LISTS, CueHits, find_cues, lengths_of, surface
from ticketmill.models.tokens import (
    Counts,
    Tokens,
    buckets_of,
    char_counts,
    joined_hashes,
    line_counts,
    read_tokens,
    word_counts,
)

SURFACE_LIMIT = 4.0
"""Standardised counts are cut at so many standard deviations."""


class Lexical(NamedTuple):
    """A batch of texts as the word-based blocks see it."""

    tokens: Tokens
    cues: CueHits
    surface: Floats
    """(texts, columns)"""
    lengths: Floats
    """(texts,) characters without runs of space, 1 at least"""


def read_lexical(texts: Sequence[str]) -> Lexical:
    """Tokens, cues and counts of `texts`."""
    tokens = read_tokens(texts)
    cues = find_cues(tokens)
    return Lexical(tokens, cues, surface(tokens, cues), lengths_of(tokens))


def products(directions: NDArray[np.floating]) -> NDArray[np.floating]:
    """(n, d) to (n, d · (d + 1) / 2): products of column pairs. Their dot products are squares."""
    left, right = np.triu_indices(directions.shape[1])
    scale = np.where(left == right, 1.0, np.sqrt(2.0)).astype(directions.dtype)
    return directions[:, left] * directions[:, right] * scale


@dataclass(frozen=True, eq=False)
class Reading:
    """A batch of tickets as the heads see it: (tickets, outputs) scores, and where they come from."""

    scores: Floats
    lexical: Lexical
    words: Values
    word_counts: Counts
    char_counts: Counts
    branch: Floats | None = None
    """(tickets, labels): the scores of the encoder's branch"""
    with_forms: Sequence[str] | None = None
    """The tickets' texts with what their forms say; None where they are those that `lexical` read."""

    @cached_property
    def all_words(self) -> Values:
        """Every word n-gram of the batch; the rows are buckets. All overlays share it."""
        return unit_values(self.word_counts, len(self.scores))

    @cached_property
    def all_chars(self) -> Values:
        """Every character n-gram of the batch, likewise."""
        return unit_values(self.char_counts, len(self.scores))

    @cached_property
    def opening_words(self) -> Values:
        """The word n-grams of every text's first line, its subject where it has one, likewise."""
        return unit_values(word_counts(self._openings), len(self.scores))

    @cached_property
    def opening_chars(self) -> Values:
        """The character n-grams of every text's first line, likewise."""
        return unit_values(char_counts(self._openings), len(self.scores))

    @cached_property
    def lines(self) -> Values:
        """Every text's whole lines, likewise, those of forms among them."""
        tokens = self.lexical.tokens if self.with_forms is None else read_tokens(self.with_forms)
        return unit_values(line_counts(tokens), len(self.scores))

    @cached_property
    def _openings(self) -> Tokens:
        return read_tokens([text.lstrip().split("\n", 1)[0] for text in self.lexical.tokens.texts])


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """One ticket of a reading."""

    reading: Reading
    position: int

    @property
    def scores(self) -> Floats:
        """(outputs,)"""
        return np.asarray(self.reading.scores[self.position])

    @property
    def branch(self) -> Floats | None:
        """(labels,): None where the encoder has no branch."""
        branch = self.reading.branch
        return None if branch is None else np.asarray(branch[self.position])

    @property
    def length(self) -> float:
        """Characters of the text."""
        return float(self.reading.lexical.lengths[self.position])


class FeatureMap:
    """The weights of all blocks, for all outputs at once."""

    def __init__(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Raises KeyError or ValueError when training did not write these `arrays`."""
        self._dense = _f32(arrays["dense.weights"])
        self._projection = _f32(arrays["quadratic.projection"])
        self._offset = _f32(arrays["quadratic.offset"])
        self._quadratic = _f32(arrays["quadratic.weights"])
        self._word_index = NgramIndex(_buckets(arrays, "words"), _f32(arrays["words.idf"]))
        self._words = _f32(arrays["words.weights"]) * _f32(arrays["words.scales"])[:, None]
        self._char_index = NgramIndex(_buckets(arrays, "chars"), _f32(arrays["chars.idf"]))
        self._chars = _f32(arrays["chars.weights"]) * _f32(arrays["chars.scales"])[:, None]
        self._surface_mean = _f32(arrays["surface.mean"])
        self._surface_spread = _f32(arrays["surface.spread"])
        self._surface = _f32(arrays["surface.weights"])
        self._bias = _f32(arrays["bias"])
        self._check()

    @property
    def outputs(self) -> int:
        """Number of scores a ticket."""
        return len(self._bias)

    @property
    def inputs(self) -> int:
        """Number of values of the hidden layers' means that it takes a ticket."""
        return len(self._dense)

    def read(
        self,
        texts: Sequence[str],
        dense: Floats,
        branch: Floats | None = None,
        with_forms: Sequence[str] | None = None,
    ) -> list[Features]:
        """`texts`, their pooled layers (texts, inputs), the branch's scores of them, and the texts with what
        their forms say, in order."""
        lexical = read_lexical(texts)
        of_words, of_chars = word_counts(lexical.tokens), char_counts(lexical.tokens)
        words = self._word_index.values(of_words, len(texts))
        chars = self._char_index.values(of_chars, len(texts))
        standard = (lexical.surface - self._surface_mean) / self._surface_spread
        scores = (
            dense @ self._dense
            + products(dense @ self._projection + self._offset) @ self._quadratic
            + weighed(words, self._words, len(texts))
            + weighed(chars, self._chars, len(texts))
            + np.clip(standard, -SURFACE_LIMIT, SURFACE_LIMIT) @ self._surface
            + self._bias
        )
        reading = Reading(scores.astype(np.float32), lexical, words, of_words, of_chars, branch, with_forms)
        return [Features(reading, position) for position in range(len(texts))]

    def evidence(self, features: Features, output: int) -> list[Phrase]:
        """The words of a ticket that added most to one score, strongest first."""
        tokens, cues = features.reading.lexical[:2]
        begin, end = np.searchsorted(tokens.text, [features.position, features.position + 1])
        single = tokens.hashes[begin:end]
        words = features.reading.words
        own = slice(*np.searchsorted(words.text, [features.position, features.position + 1]))
        values = np.zeros(len(self._words), np.float32)
        values[words.row[own]] = words.value[own] * self._words[words.row[own], output]

        def added(hashes: NDArray[np.uint64]) -> Floats:
            rows = self._word_index.rows[buckets_of(hashes)]
            return np.where(rows >= 0, values[rows], np.float32(0))

        return strongest(
            tokens,
            int(begin),
            added(single),
            added(joined_hashes(single[:-1], single[1:])),
            self._cues(features, cues, int(begin), int(end), output),
        )

    def _cues(
        self, features: Features, cues: CueHits, begin: int, end: int, output: int
    ) -> list[tuple[int, int, float]]:
        """For each cue in the text: first token, last token, and what its lists add to the score."""
        lists = len(LISTS)
        steps = (self._surface[:, output] / self._surface_spread)[: 2 * lists]
        counts = np.expm1(features.reading.lexical.surface[features.position, lists : 2 * lists])
        # a list adds by its presence and by the logarithm of its count; its cues share both
        each = (steps[:lists] + steps[lists:] * np.log1p(counts)) / np.maximum(counts, 1)
        here = np.flatnonzero((cues.first >= begin) & (cues.first < end))
        added = cues.lists[here] @ each
        return [
            (int(cues.first[hit]), int(cues.last[hit]), float(weight))
            for hit, weight in zip(here, added, strict=True)
        ]

    def _check(self) -> None:
        shapes = [
            (self._dense, (self.inputs, self.outputs)),
            (self._projection, (self.inputs, len(self._offset))),
            (self._quadratic, (len(self._offset) * (len(self._offset) + 1) // 2, self.outputs)),
            (self._words, (int(self._word_index.rows.max()) + 1, self.outputs)),
            (self._chars, (int(self._char_index.rows.max()) + 1, self.outputs)),
            (self._surface, (len(self._surface_mean), self.outputs)),
            (self._surface_spread, self._surface_mean.shape),
            (read_lexical([""]).surface[0], self._surface_mean.shape),
        ]
        for array, shape in shapes:
            if array.shape != shape:
                raise ValueError(f"an array has shape {array.shape} instead of {shape}")


def _f32(array: NDArray[np.generic]) -> Floats:
    return array.astype(np.float32)


def _buckets(arrays: Mapping[str, NDArray[np.generic]], block: str) -> NDArray[np.uint16]:
    buckets = arrays[f"{block}.buckets"]
    if buckets.dtype != np.uint16 or len(buckets) != len(arrays[f"{block}.idf"]):
        raise ValueError(f"the buckets of {block} are not what this version reads")
    return buckets.astype(np.uint16)
