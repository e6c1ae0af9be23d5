"""Combines scores into probabilities by logistic regression, measured on held-out businesses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Doubles
from ticketmill.domain.errors import SetupError
from ticketmill.learning.calibration import calibration_error, chosen_topics, fit_threshold


@dataclass(frozen=True, slots=True)
class TopicScore:
    """Quality of one way to score topics, on held-out businesses; fractions of 1."""

    method: str
    micro_f1: float
    macro_f1: float
    first_right: float
    calibration_error: float
    threshold: float


def platt(columns: Sequence[Doubles], truth: Doubles) -> list[float]:
    """The weight of each column, and the bias, by logistic regression over all pairs of ticket and label."""
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        raise SetupError("fitting needs scikit-learn: pip install 'ticketmill[train]'") from None
    pairs = np.column_stack([column.ravel() for column in columns])
    fitted = LogisticRegression(C=100).fit(pairs, truth.ravel().astype(int))
    return [round(float(weight), 3) for weight in (*fitted.coef_[0], fitted.intercept_[0])]


def held_out(
    columns: Sequence[Doubles], truth: Doubles, domains: NDArray[np.str_]
) -> tuple[Doubles, Doubles]:
    """(tickets, labels): probabilities, and 1 where a label is predicted.

    Weights and threshold for each business are fitted on the others.
    """
    probabilities, chosen = np.zeros_like(truth), np.zeros_like(truth)
    for domain in np.unique(domains):
        unseen = domains == domain
        weights = platt([column[~unseen] for column in columns], truth[~unseen])
        seen = _squash([column[~unseen] for column in columns], weights)
        probabilities[unseen] = _squash([column[unseen] for column in columns], weights)
        chosen[unseen] = chosen_topics(probabilities[unseen], fit_threshold(seen, truth[~unseen]))
    return probabilities, chosen


def score_topics(method: str, probabilities: Doubles, chosen: Doubles, truth: Doubles) -> TopicScore:
    """The figures of `held_out`; all arguments are (tickets, labels)."""
    first = truth[np.arange(len(truth)), probabilities.argmax(axis=1)]
    return TopicScore(
        method,
        micro_f1=f1(chosen, truth),
        macro_f1=float(np.mean([f1(mine, theirs) for mine, theirs in zip(chosen.T, truth.T, strict=True)])),
        first_right=float(first.mean()),
        calibration_error=calibration_error(probabilities[chosen == 1], truth[chosen == 1] == 1),
        threshold=fit_threshold(probabilities, truth),
    )


def f1(chosen: Doubles, truth: Doubles) -> float:
    """F1 over all pairs; 0 if nothing is predicted and nothing true."""
    return float(2 * (chosen * truth).sum() / max(chosen.sum() + truth.sum(), 1))


def _squash(columns: Sequence[Doubles], weights: Sequence[float]) -> Doubles:
    total = sum(
        (w * column for w, column in zip(weights, columns, strict=False)), start=np.float64(weights[-1])
    )
    return np.asarray(1 / (1 + np.exp(-total)))
