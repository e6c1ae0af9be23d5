"""Ridge regression of one-hot labels in closed form, solved over tickets instead of features.

There are far more features than tickets, so the dual problem over the tickets' gram matrix is smaller. One
more product gives the weights of the features.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from ticketmill.arrays import Doubles
from ticketmill.domain.errors import SetupError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

# Chosen by macro-F1 on left-out businesses among .1, .2, .4 and 1: flat between .1 and .4.
REGULARISATION = 0.2


class Block(NamedTuple):
    """One kind of feature of n tickets: `scale · (matrix - mean)` is what the regression sees."""

    matrix: Doubles | csr_matrix
    """(n, features)"""
    mean: Doubles
    """(features,), of the training tickets."""
    scale: float


class Solution(NamedTuple):
    """`scores = gram(new, trained) @ duals + bias`."""

    duals: Doubles
    """(trained tickets, outputs)"""
    bias: Doubles
    """(outputs,)"""


def gram(left: list[Block], right: list[Block]) -> Doubles:
    """(tickets of left, tickets of right): dot products of the tickets over all blocks."""
    return np.asarray(sum(_products(one, other) for one, other in zip(left, right, strict=True)))


def _products(left: Block, right: Block) -> Doubles:
    # sparse matrices must stay sparse: the means are subtracted from the products instead
    inner = left.matrix @ right.matrix.T
    dense = np.asarray(inner.todense() if hasattr(inner, "todense") else inner)
    off_left = np.asarray(left.matrix @ right.mean)[:, None]
    off_right = np.asarray(right.matrix @ left.mean)[None, :]
    centred = dense - off_left - off_right + float(left.mean @ right.mean)
    return np.asarray(left.scale * right.scale * centred)


def solve(products: Doubles, targets: Doubles, importance: Doubles) -> Solution:
    """Ridge with an unpenalized intercept. `importance` (tickets,) weighs the tickets' errors.

    `products` is the gram matrix of the training tickets, `targets` (tickets, outputs).
    """
    linalg = _scipy_linalg()
    penalty = REGULARISATION * float(np.mean(np.diag(products))) / importance
    factor = linalg.cho_factor(products + np.diag(penalty), check_finite=False)
    free = linalg.cho_solve(factor, targets)
    ones = linalg.cho_solve(factor, np.ones(len(products)))
    bias = free.sum(axis=0) / ones.sum()
    return Solution(free - np.outer(ones, bias), bias)


def weights_of(block: Block, solution: Solution) -> tuple[Doubles, Doubles]:
    """(features, outputs) weights of the raw `matrix`, and what its mean adds to the bias (outputs,)."""
    duals = solution.duals
    weights = np.asarray(block.matrix.T @ duals) - np.outer(block.mean, duals.sum(axis=0))
    weights *= block.scale**2
    return weights, -block.mean @ weights


def leading_directions(matrix: Doubles, count: int) -> tuple[Doubles, Doubles]:
    """At most `count` strongest directions (features, count) of a centred matrix, and their variances."""
    linalg = _scipy_linalg()
    last = len(matrix) - 1
    variances, positions = linalg.eigh(
        matrix @ matrix.T / len(matrix), subset_by_index=[max(last - count + 1, 0), last]
    )
    # directions with almost no variance are noise, which scaling would amplify
    real = variances > variances[-1] * 1e-6
    variances, positions = variances[real][::-1], positions[:, real][:, ::-1]
    directions = matrix.T @ positions / np.sqrt(variances * len(matrix))
    # an eigenvector's sign is arbitrary: make its largest number positive
    largest = np.abs(directions).argmax(axis=0)
    return directions * np.sign(directions[largest, np.arange(directions.shape[1])]), variances


def one_blas_thread() -> AbstractContextManager[object]:
    """Limits BLAS to one thread, for the same bytes on every run."""
    # SciPy has its own BLAS, which must be loaded before it can be limited
    _scipy_linalg()
    from threadpoolctl import threadpool_limits

    return cast("AbstractContextManager[object]", threadpool_limits(limits=1, user_api="blas"))


def _scipy_linalg() -> Any:
    try:
        from scipy import linalg
    except ImportError:
        raise SetupError("training needs scipy: pip install 'ticketmill[train]'") from None
    return linalg
