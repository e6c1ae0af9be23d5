"""Weighted n-grams: which hashed n-grams count, how much, and what they add to the scores."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Floats
from ticketmill.models.tokens import BUCKET_BITS, Counts, Ints


class Values(NamedTuple):
    """The n-grams of a batch of texts, ordered by text and by row: `value[i]` in text `text[i]`."""

    text: Ints
    row: Ints
    """A row of the table of weights."""
    value: Floats


class NgramIndex:
    """The buckets that count. The values of a text are normalized to length 1."""

    def __init__(self, buckets: NDArray[np.uint16], idf: Floats) -> None:
        """`buckets` (rows,) in ascending order, `idf` (rows,): how rare each was in training."""
        self.rows = np.full(1 << BUCKET_BITS, -1, np.int64)
        self.rows[buckets] = np.arange(len(buckets))
        self._idf = idf

    def values(self, counts: Counts, texts: int) -> Values:
        """(1 + log count) · idf, of unit length for each of the `texts` texts."""
        row = self.rows[counts.bucket]
        known = np.flatnonzero(row >= 0)
        text, row = counts.text[known], row[known]
        value = (1 + np.log(counts.count[known].astype(np.float32))) * self._idf[row]
        norms = np.sqrt(np.bincount(text, value * value, minlength=texts))
        return Values(text, row, (value / np.maximum(norms, 1e-9)[text]).astype(np.float32))


def unit_values(counts: Counts, texts: int) -> Values:
    """1 + log count of every n-gram, of unit length for each text; the rows are buckets."""
    value = 1 + np.log(counts.count.astype(np.float32))
    norms = np.sqrt(np.bincount(counts.text, value * value, minlength=texts))
    return Values(
        counts.text, counts.bucket, (value / np.maximum(norms, 1e-9)[counts.text]).astype(np.float32)
    )


def weighed(values: Values, weights: Floats, texts: int) -> Floats:
    """(texts, outputs): the sum of the rows of `weights` (rows, outputs) in each text, times their values."""
    sums = np.zeros((texts, weights.shape[1]), np.float32)
    if len(values.text):
        bounds = np.flatnonzero(np.diff(values.text, prepend=-1))
        # text by text, so that the gathered rows stay in the processor's caches
        for start, end in zip(bounds, np.append(bounds[1:], len(values.text)), strict=True):
            sums[values.text[start]] = values.value[start:end] @ weights[values.row[start:end]]
    return sums
