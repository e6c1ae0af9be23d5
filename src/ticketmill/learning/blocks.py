"""The feature blocks: fitted on labelled tickets, then folded into plain weights for the runtime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Doubles
from ticketmill.learning.ridge import Block, Solution, leading_directions, weights_of
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

    dense: Doubles
    """(n, layers · hidden)"""
    words: csr_matrix
    """(n, buckets) counts"""
    chars: csr_matrix
    surface: Doubles
    """(n, columns)"""

    def at(self, positions: NDArray[np.int64]) -> Raw:
        """Some of the tickets."""
        return Raw(*(each[positions] for each in self))


def read_raw(texts: Sequence[str], dense: Doubles) -> Raw:
    """`texts` and their pooled layers (n, layers · hidden)."""
    lexical = read_lexical(texts)
    return Raw(
        dense,
        _matrix(word_counts(lexical.tokens), len(texts)),
        _matrix(char_counts(lexical.tokens), len(texts)),
        lexical.surface.astype(np.float64),
    )


@dataclass(frozen=True, slots=True, eq=False)
class FittedBlocks:
    """Means, directions and inverse document frequencies of training tickets."""

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

    def matrices(self, raw: Raw) -> dict[str, Doubles | csr_matrix]:
        """The blocks of tickets, computed as in the runtime."""
        dense = (raw.dense - self.mean) / self.spread
        standard = (raw.surface - self.surface_mean) / self.surface_spread
        return {
            "dense": dense,
            "quadratic": products(dense @ self.projection),
            "words": _values(raw.words, self.word_buckets, self.word_idf),
            "chars": _values(raw.chars, self.char_buckets, self.char_idf),
            "surface": np.clip(standard, -SURFACE_LIMIT, SURFACE_LIMIT),
        }

    def folded(self, blocks: dict[str, Block], solution: Solution) -> Arrays:
        """The arrays of the runtime's feature map. float16 keeps three digits, which is enough."""
        weights, offsets = {}, []
        for name, block in blocks.items():
            weights[name], offset = weights_of(block, solution)
            offsets.append(offset)
        dense = weights["dense"] / self.spread[:, None]
        bias = solution.bias + sum(offsets) - self.mean @ dense
        projection = self.projection / self.spread[:, None]
        return {
            "dense.weights": dense.astype(np.float16),
            "quadratic.projection": projection.astype(np.float32),
            "quadratic.offset": (-self.mean @ projection).astype(np.float32),
            "quadratic.weights": weights["quadratic"].astype(np.float16),
            "words.buckets": self.word_buckets.astype(np.uint16),
            "words.idf": self.word_idf,
            "words.weights": weights["words"].astype(np.float16),
            "chars.buckets": self.char_buckets.astype(np.uint16),
            "chars.idf": self.char_idf,
            "chars.weights": weights["chars"].astype(np.float16),
            "surface.mean": self.surface_mean.astype(np.float32),
            "surface.spread": self.surface_spread.astype(np.float32),
            "surface.weights": weights["surface"].astype(np.float32),
            "bias": bias.astype(np.float32),
        }


def fit_blocks(raw: Raw) -> tuple[FittedBlocks, dict[str, Block]]:
    """The statistics of training tickets, and their blocks weighted by `WEIGHTS`."""
    mean, spread = raw.dense.mean(axis=0), raw.dense.std(axis=0) + 1e-6
    directions, variances = leading_directions((raw.dense - mean) / spread, DIRECTIONS)
    word_buckets, word_idf = _rarities(raw.words)
    char_buckets, char_idf = _rarities(raw.chars)
    fitted = FittedBlocks(
        mean=mean,
        spread=spread,
        # half whitened: strong directions keep half of their strength
        projection=directions * variances**-0.25,
        word_buckets=word_buckets,
        word_idf=word_idf,
        char_buckets=char_buckets,
        char_idf=char_idf,
        surface_mean=raw.surface.mean(axis=0),
        surface_spread=raw.surface.std(axis=0) + 1e-3,
    )
    return fitted, {name: _block(name, matrix) for name, matrix in fitted.matrices(raw).items()}


def like(blocks: dict[str, Block], matrices: dict[str, Doubles | csr_matrix]) -> list[Block]:
    """Other tickets' matrices, centred and scaled like the training blocks."""
    return [block._replace(matrix=matrices[name]) for name, block in blocks.items()]


def _block(name: str, matrix: Doubles | csr_matrix) -> Block:
    mean = np.asarray(matrix.mean(axis=0)).ravel()
    squares = matrix.multiply(matrix).sum() if hasattr(matrix, "multiply") else (matrix * matrix).sum()
    mean_square = float(squares) / matrix.shape[0] - float(mean @ mean)
    return Block(matrix, mean, float(np.sqrt(WEIGHTS[name] / max(mean_square, 1e-12))))


def _matrix(counts: Counts, texts: int) -> csr_matrix:
    from scipy.sparse import csr_matrix

    return csr_matrix(
        (counts.count.astype(np.float64), (counts.text, counts.bucket)), shape=(texts, 1 << BUCKET_BITS)
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
    return csr_matrix(
        (found.value.astype(np.float64), (found.text, found.row)), shape=(counts.shape[0], len(buckets))
    )
