"""The feature blocks: fitted on the texts of all tickets, then folded into plain weights for the runtime.

Nothing here sees a label: means, directions and rarities are of texts alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Doubles, Floats
from ticketmill.learning.ridge import CHUNK, Ridge, leading_directions
from ticketmill.models.features import SURFACE_LIMIT, products, read_lexical
from ticketmill.models.ngrams import NgramIndex
from ticketmill.models.tokens import BUCKET_BITS, Counts, char_counts, word_counts

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

# The weight of each block, after all have the same mean square. Chosen among about twenty settings by
# macro-F1 on held-out businesses; neighbouring settings differ by less than .005.
WEIGHTS = {"dense": 0.7, "quadratic": 0.5, "words": 0.9, "chars": 0.4, "surface": 0.15}
DIRECTIONS = 64
# an n-gram of fewer tickets describes these tickets rather than their label
MIN_TICKETS = 3

Arrays = dict[str, NDArray[np.generic]]


class Raw(NamedTuple):
    """The raw features of n tickets, before anything is fitted."""

    dense: Floats
    """(n, layers · hidden)"""
    words: csr_matrix
    """(n, buckets) counts"""
    chars: csr_matrix
    surface: Floats
    """(n, columns)"""


def read_raw(texts: Sequence[str], dense: Floats) -> Raw:
    """`texts` and their pooled layers (n, layers · hidden)."""
    lexical = read_lexical(texts)
    return Raw(
        dense,
        _matrix(word_counts(lexical.tokens), len(texts)),
        _matrix(char_counts(lexical.tokens), len(texts)),
        lexical.surface,
    )


@dataclass(frozen=True, slots=True, eq=False)
class FittedBlocks:
    """Means, directions and inverse document frequencies of the training tickets."""

    mean: Doubles
    spread: Doubles
    projection: Doubles
    """(layers · hidden, DIRECTIONS), of standardised layers"""
    word_buckets: NDArray[np.int64]
    word_idf: NDArray[np.float32]
    char_buckets: NDArray[np.int64]
    char_idf: NDArray[np.float32]
    surface_mean: Doubles
    surface_spread: Doubles

    def matrices(self, raw: Raw) -> Iterator[tuple[str, Floats | csr_matrix]]:
        """The blocks of tickets by name, one at a time, as the runtime computes them."""
        dense = ((raw.dense - self.mean) / self.spread).astype(np.float32)
        yield "dense", dense
        yield "quadratic", products(dense @ self.projection.astype(np.float32))
        yield "words", _values(raw.words, self.word_buckets, self.word_idf)
        yield "chars", _values(raw.chars, self.char_buckets, self.char_idf)
        standard = (raw.surface - self.surface_mean) / self.surface_spread
        yield "surface", np.clip(standard, -SURFACE_LIMIT, SURFACE_LIMIT).astype(np.float32)

    def gram(self, raw: Raw, without: str | None = None) -> Floats:
        """(n, n): the tickets' dot products over all blocks, each centred and weighted."""
        total = np.zeros((len(raw.dense),) * 2, np.float32)
        for name, matrix in self.matrices(raw):
            if name != without:
                scale, mean = _scale(name, matrix), column_means(matrix)
                add_products(total, matrix, mean, scale)
        return total

    def folded(self, raw: Raw, ridge: Ridge, duals: Doubles) -> Arrays:
        """The arrays of the runtime's feature map.

        float16 keeps three digits, which is enough; n-grams have a byte a weight, with a scale for each.
        """
        weights, bias = {}, ridge.bias(duals)
        sums = duals.sum(axis=0)
        for name, matrix in self.matrices(raw):
            mean = column_means(matrix)
            own = np.asarray(matrix.T @ duals) - np.outer(mean, sums)
            weights[name] = own * _scale(name, matrix)
            bias -= mean @ weights[name]
        dense = weights["dense"] / self.spread[:, None]
        projection = self.projection / self.spread[:, None]
        return {
            "dense.weights": dense.astype(np.float16),
            "quadratic.projection": projection.astype(np.float32),
            "quadratic.offset": (-self.mean @ projection).astype(np.float32),
            "quadratic.weights": weights["quadratic"].astype(np.float16),
            "words.buckets": self.word_buckets.astype(np.uint16),
            "words.idf": self.word_idf,
            **_bytes_of("words", weights["words"]),
            "chars.buckets": self.char_buckets.astype(np.uint16),
            "chars.idf": self.char_idf,
            **_bytes_of("chars", weights["chars"]),
            "surface.mean": self.surface_mean.astype(np.float32),
            "surface.spread": self.surface_spread.astype(np.float32),
            "surface.weights": weights["surface"].astype(np.float32),
            "bias": (bias - self.mean @ dense).astype(np.float32),
        }


def fit_blocks(raw: Raw) -> FittedBlocks:
    """The statistics of training tickets."""
    mean, spread = raw.dense.mean(axis=0, dtype=np.float64), raw.dense.std(axis=0, dtype=np.float64) + 1e-6
    directions, variances = leading_directions(((raw.dense - mean) / spread).astype(np.float32), DIRECTIONS)
    word_buckets, word_idf = _rarities(raw.words)
    char_buckets, char_idf = _rarities(raw.chars)
    return FittedBlocks(
        mean=mean,
        spread=spread,
        # half whitened: strong directions keep half of their strength
        projection=directions * variances**-0.25,
        word_buckets=word_buckets,
        word_idf=word_idf,
        char_buckets=char_buckets,
        char_idf=char_idf,
        surface_mean=raw.surface.mean(axis=0, dtype=np.float64),
        surface_spread=raw.surface.std(axis=0, dtype=np.float64) + 1e-3,
    )


def _bytes_of(name: str, weights: Doubles) -> Arrays:
    """(rows, outputs) weights as 8 bits, and (rows,) scales."""
    scales = np.maximum(np.abs(weights).max(axis=1), 1e-12) / 127
    return {
        f"{name}.weights": np.round(weights / scales[:, None]).astype(np.int8),
        f"{name}.scales": scales.astype(np.float32),
    }


def column_means(matrix: Floats | csr_matrix) -> Doubles:
    """(columns,)"""
    return np.asarray(matrix.mean(axis=0, dtype=np.float64)).ravel()


def _scale(name: str, matrix: Floats | csr_matrix) -> float:
    """What the block's dot products are multiplied by, for a mean square of its weight's square."""
    return WEIGHTS[name] ** 2 / mean_square(matrix, column_means(matrix))


def mean_square(matrix: Floats | csr_matrix, mean: Doubles) -> float:
    """Of the rows of `matrix` less its `mean`."""
    values = matrix if isinstance(matrix, np.ndarray) else matrix.data
    squares = np.einsum("i,i->", values.ravel(), values.ravel(), dtype=np.float64)
    return float(max(squares / matrix.shape[0] - mean @ mean, 1e-12))


def add_products(total: Floats, matrix: Floats | csr_matrix, mean: Doubles, scale: float) -> None:
    """Adds the dot products (n, n) of the rows of `matrix` less its `mean`, times `scale`, to `total`."""
    # sparse matrices must stay sparse: the means are subtracted from the products instead
    off = np.asarray(matrix @ mean.astype(np.float32)) - np.float32(mean @ mean) / 2
    for start in range(0, len(total), CHUNK):
        rows, later = slice(start, start + CHUNK), slice(start, None)
        inner = matrix[rows] @ matrix[later].T
        part = inner if isinstance(inner, np.ndarray) else inner.toarray()
        part = np.float32(scale) * (part - off[rows, None] - off[None, later])
        total[rows, later] += part
        total[start + CHUNK :, rows] += part[:, CHUNK:].T


def _matrix(counts: Counts, texts: int) -> csr_matrix:
    from scipy.sparse import csr_matrix

    return csr_matrix(
        (counts.count.astype(np.float32), (counts.text, counts.bucket)), shape=(texts, 1 << BUCKET_BITS)
    )


def _rarities(counts: csr_matrix) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The buckets that enough tickets have, and log((1 + tickets) / (1 + tickets that have it)) + 1."""
    tickets = np.bincount(counts.indices, minlength=counts.shape[1])
    buckets = np.flatnonzero(tickets >= MIN_TICKETS)
    idf = np.log((1 + counts.shape[0]) / (1 + tickets[buckets])) + 1
    return buckets, idf.astype(np.float32)


def _values(counts: csr_matrix, buckets: NDArray[np.int64], idf: NDArray[np.float32]) -> csr_matrix:
    from scipy.sparse import csr_matrix

    index = NgramIndex(buckets.astype(np.uint16), idf)
    text = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    found = index.values(Counts(text, counts.indices.astype(np.int64), counts.data), counts.shape[0])
    return csr_matrix((found.value, (found.text, found.row)), shape=(counts.shape[0], len(buckets)))
