"""Ridge regression of one-hot labels in closed form, solved over tickets instead of features.

There are far more features than tickets, so the dual problem over the tickets' gram matrix is smaller. Its
inverse answers two questions: the weights of all tickets, and what any group of tickets would be told by
weights that never saw the group. One inverse serves every grouping.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Doubles, Floats
from ticketmill.domain.errors import SetupError

REGULARISATION = 0.2
"""In units of the gram matrix's mean diagonal. By macro-F1 on left-out businesses: flat from .1 to .4."""
INTERCEPT = 3.0
"""The intercept is a feature of this square, in the same units: so large that its penalty is nothing."""
CHUNK = 1024


class Ridge:
    """The solved regression of n tickets. Predicts `products with the tickets @ duals + sum of duals · k`."""

    def __init__(self, gram: Floats, regularisation: float = REGULARISATION) -> None:
        """`gram` (n, n) has the tickets' dot products over centred features; it is overwritten."""
        self.intercept = INTERCEPT * float(np.mean(np.diag(gram)))
        gram[np.diag_indices_from(gram)] += regularisation * self.intercept / INTERCEPT
        gram += np.float32(self.intercept)
        self._inverse = inverted(gram)

    def duals(self, targets: Doubles) -> Doubles:
        """(n, outputs): the weight of each ticket for `targets` (n, outputs)."""
        return np.asarray(self._inverse @ targets.astype(np.float32), np.float64)

    def bias(self, duals: Doubles) -> Doubles:
        """(outputs,): the scores of a ticket without features."""
        return np.asarray(self.intercept * duals.sum(axis=0))

    def left_out(self, targets: Doubles, groups: NDArray[Any]) -> Doubles:
        """(n, outputs): the scores of each ticket by a regression without the tickets of its group.

        Exact: the residuals of a group that is left out are its block of the inverse, inverted, times its
        duals (Cook and Weisberg, Residuals and Influence in Regression, 1982, for more than one case).
        """
        duals = self.duals(targets)
        scores = np.zeros(targets.shape)
        for group in np.unique(groups):
            own = np.flatnonzero(groups == group)
            block = self._inverse[np.ix_(own, own)].astype(np.float64)
            scores[own] = targets[own] - np.linalg.solve(block, duals[own])
        return scores


def inverted(matrix: Floats) -> Floats:
    """The inverse of a symmetric positive definite matrix, in its own memory."""
    lapack = scipy_part("linalg").lapack
    # of a symmetric matrix the transpose is the same numbers in the order of columns that LAPACK reads
    factor, failed = lapack.spotrf(matrix.T, lower=1, overwrite_a=1)
    if failed:
        raise ValueError("the gram matrix is not positive definite")
    inverse, _ = lapack.spotri(factor, lower=1, overwrite_c=1)
    for start in range(0, len(inverse), CHUNK):
        end = start + CHUNK
        inverse[start:end, end:] = inverse[end:, start:end].T
        square = inverse[start:end, start:end]
        square[...] = np.tril(square) + np.tril(square, -1).T
    return cast("Floats", inverse)


def leading_directions(matrix: Floats, count: int) -> tuple[Doubles, Doubles]:
    """At most `count` strongest directions (features, count) of a centred matrix, and their variances."""
    linalg = scipy_part("linalg")
    rows = len(matrix)
    few = rows < matrix.shape[1]
    exact = matrix.astype(np.float64) if few else matrix
    # products of rows and of columns have the same variances: those of the fewer are solved
    products = (exact @ exact.T if few else exact.T @ exact).astype(np.float64) / rows
    last = len(products) - 1
    variances, directions = linalg.eigh(products, subset_by_index=[max(last - count + 1, 0), last])
    # directions with almost no variance are noise, which scaling would amplify
    real = variances > variances[-1] * 1e-6
    variances, directions = variances[real][::-1], directions[:, real][:, ::-1]
    if few:
        directions = exact.T @ directions / np.sqrt(variances * rows)
    # an eigenvector's sign is arbitrary: make its largest number positive
    largest = np.abs(directions).argmax(axis=0)
    return directions * np.sign(directions[largest, np.arange(directions.shape[1])]), variances


def one_blas_thread() -> AbstractContextManager[object]:
    """Limits BLAS to one thread, for the same bytes on every run."""
    # SciPy has its own BLAS, which must be loaded before it can be limited
    scipy_part("linalg")
    from threadpoolctl import threadpool_limits

    return cast("AbstractContextManager[object]", threadpool_limits(limits=1, user_api="blas"))


def scipy_part(name: str) -> Any:
    """A module of SciPy. Raises SetupError where it is not installed."""
    try:
        return import_module(f"scipy.{name}")
    except ImportError:
        raise SetupError("training needs scipy: pip install 'ticketmill[train]'") from None
