"""Ridge regression over all families at once, with weights that the sources share and weights of their own.

For tasks of few labels, whose conventions lie in words and in who writes rather than in what a text is about.
Solved over texts, so one inverse gives the model and what it would say of any fold that it did not see. What
is fitted to texts alone (means, spreads, rarities) is that of all texts; no label is seen that is left out.

Weights by source are a feature map in which every feature occurs twice, shared and by source (Daumé III,
Frustratingly Easy Domain Adaptation, 2007): two texts of one source are `1 + OWN` times as similar.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ticketmill.arrays import Doubles, Floats
from ticketmill.learning.blocks import add_products, column_means, mean_square
from ticketmill.learning.families import (
    MIN_TEXTS,
    STANDARDISED,
    Arrays,
    DensePart,
    Inputs,
    NgramPart,
    rarities,
    spread_of,
)
from ticketmill.learning.ridge import Ridge, scipy_part
from ticketmill.models.overlay import standardised
from ticketmill.models.tokens import Ints

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

WEIGHTS = {
    "embedding": 0.5,
    "layers": 0.5,
    "statistics": 0.1,
    "rules": 0.15,
    "entities": 0.1,
    "head_scores": 0.5,
    "source": 0.3,
    "words": 0.9,
    "chars": 0.4,
    "opening_words": 0.7,
    "opening_chars": 0.5,
    "lines": 0.8,
}
"""The weight of each family, after all have the same mean square. Neighbouring settings differ by less than
.005 on held-out issues of five repositories."""
REGULARISATION = 0.4
"""In units of the mean similarity of a text with itself; flat from .2 to .8."""
OWN = 2.0
"""How much the weights of a source count beside the shared ones; flat from 1 to 3."""
MOST_TEXTS = 8000
"""The inverse of more would take minutes and more than a gigabyte."""


class _Block(NamedTuple):
    """A family, centred and scaled in `add_products`."""

    family: str
    matrix: Floats | csr_matrix
    mean: Doubles
    scale: float
    """What its dot products are multiplied by."""
    spread: tuple[Floats, Floats] | None = None
    """Mean and spread of a standardised family."""
    buckets: Ints | None = None
    """Of n-grams: the buckets of the columns."""
    rarity: Floats | None = None
    """Of n-grams: what the columns were multiplied by."""


class JointRidge:
    """The solved regression of n texts over some families."""

    def __init__(
        self,
        inputs: Inputs,
        families: Sequence[str],
        by_source: bool,
        regularisation: float = REGULARISATION,
    ) -> None:
        """`by_source` adds weights for every source of `inputs`."""
        self._inputs = inputs
        self._families = families
        self._by_source = by_source
        gram = np.zeros((len(inputs),) * 2, np.float32)
        for block in self._blocks():
            add_products(gram, block.matrix, block.mean, block.scale)
        if by_source:
            own = inputs.dense["source"]
            gram *= 1 + np.float32(OWN) * (own @ own.T)
        self._ridge = Ridge(gram, regularisation)

    def left_out(self, targets: Doubles, folds: Ints) -> Doubles:
        """(n, labels): the score of each text by a regression that did not see the labels of its fold."""
        return self._ridge.left_out(targets, folds)

    def arrays(self, targets: Doubles) -> Arrays:
        """The weights of an overlay that gives `targets` (n, labels), as the overlay keeps them."""
        duals = self._ridge.duals(targets)
        shared = self._ridge.bias(duals)
        if self._by_source:
            own = self._inputs.dense["source"].astype(np.float64)
            duals = np.concatenate([duals, *(OWN * each[:, None] * duals for each in own.T)], axis=1)
        bias = np.concatenate([shared, np.zeros(duals.shape[1] - len(shared))])
        sums = duals.sum(axis=0)
        dense: dict[str, Floats] = {}
        spreads: dict[str, tuple[Floats, Floats]] = {}
        found: Arrays = {}
        for block in self._blocks():
            weights = (np.asarray(block.matrix.T @ duals) - np.outer(block.mean, sums)) * block.scale
            bias -= block.mean @ weights
            if block.buckets is not None and block.rarity is not None:
                rare = (weights * block.rarity[:, None]).astype(np.float32)
                found |= NgramPart(block.family, block.buckets, rare).arrays(1.0)
                continue
            dense[block.family] = weights.astype(np.float32)
            if block.spread is not None:
                spreads[block.family] = block.spread
        return found | DensePart(dense, spreads, bias.astype(np.float32)).arrays(1.0)

    def _blocks(self) -> Iterator[_Block]:
        # one at a time: together they would take more memory than the products
        for family in self._families:
            if family in self._inputs.dense:
                yield _dense_block(family, self._inputs.dense[family])
            else:
                yield _ngram_block(family, self._inputs.sparse[family])


def _dense_block(family: str, columns: Floats) -> _Block:
    spread = spread_of(columns) if family in STANDARDISED else None
    matrix = columns if spread is None else standardised(columns, *spread)
    mean = column_means(matrix)
    return _Block(family, matrix, mean, _scale(family, matrix, mean), spread)


def _ngram_block(family: str, counts: csr_matrix) -> _Block:
    buckets, rarity = rarities(counts, MIN_TEXTS)
    matrix = (counts[:, buckets] @ scipy_part("sparse").diags(rarity)).tocsr()
    mean = column_means(matrix)
    # a family that few texts have, such as lines in chats, must not weigh more in these few
    share = float((np.diff(matrix.indptr) > 0).mean())
    scale = share * _scale(family, matrix, mean)
    return _Block(family, matrix, mean, scale, buckets=buckets, rarity=rarity)


def _scale(family: str, matrix: Floats | csr_matrix, mean: Doubles) -> float:
    return WEIGHTS[family] ** 2 / mean_square(matrix, mean)
