"""How much each part of a model counts: one number a part, fitted to scores of held-out texts."""

from __future__ import annotations

import numpy as np

from ticketmill.arrays import Doubles
from ticketmill.learning.ridge import scipy_part
from ticketmill.models.heads import Kind


def fit_shares(parts: Doubles, truth: Doubles, kind: Kind) -> tuple[float, Doubles]:
    """The least mean loss of Σ share · scores, and the shares (parts,), none of them negative.

    `parts` (parts, n, labels) are the scores of each part on texts that it was not fitted to.
    """

    def objective(shares: Doubles) -> tuple[float, Doubles]:
        scores = np.tensordot(shares, parts, axes=1)
        if kind == "softmax":
            scores -= scores.max(axis=1, keepdims=True)
            likely = np.exp(scores)
            sums = likely.sum(axis=1, keepdims=True)
            likely /= sums
            value = float(np.log(sums).mean() - np.einsum("ij,ij->", scores, truth) / len(truth))
        else:
            likely = 1 / (1 + np.exp(-np.clip(scores, -80, 80)))
            value = float((np.logaddexp(0, scores) - truth * scores).sum(axis=1).mean())
        gradient = np.einsum("pij,ij->p", parts, likely - truth) / len(truth)
        return value, gradient

    found = scipy_part("optimize").minimize(
        objective,
        np.array([1.0, *([0.1] * (len(parts) - 1))]),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.01, None), *([(0.0, None)] * (len(parts) - 1))],
    )
    return float(found.fun), np.asarray(found.x, np.float64)
