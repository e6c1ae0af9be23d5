"""From scores to calibrated probabilities: temperatures, operating points, calibration errors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Doubles
from ticketmill.models.heads import Kind, activate

BINS = 15
MAX_TOPICS = 3


def fit_temperature(scores: Doubles, truth: Doubles, kind: Kind) -> tuple[float, float]:
    """Temperature and shift with the least negative log-likelihood, for (scores + shift) / temperature.

    The shift is 0 for `softmax`, where it would have no effect. Guo et al., On Calibration of Modern Neural
    Networks, 2017; for `sigmoid` it is Platt's scaling over the best three labels of each ticket, because no
    others are ever predicted. A grid search, so that every machine finds the same.
    """
    if kind == "sigmoid":
        best = np.argsort(-scores, axis=1, kind="stable")[:, :MAX_TOPICS]
        scores, truth = np.take_along_axis(scores, best, axis=1), np.take_along_axis(truth, best, axis=1)
    shifts = np.arange(-0.6, 0.05, 0.05) if kind == "sigmoid" else np.zeros(1)
    grid = [
        (_loss((scores + shift) / temperature, truth, kind), temperature, shift)
        for temperature in np.geomspace(0.03, 1.0, 61)
        for shift in shifts
    ]
    _, temperature, shift = min(grid)
    return round(float(temperature), 4), round(float(shift), 4)


def _loss(logits: Doubles, truth: Doubles, kind: Kind) -> float:
    likely = np.clip(activate(logits, kind).astype(np.float64), 1e-7, 1 - 1e-7)
    if kind == "softmax":
        return float(-np.log(likely[truth == 1]).mean())
    return float(-(truth * np.log(likely) + (1 - truth) * np.log(1 - likely)).mean())


def calibration_error(confidence: Doubles, correct: NDArray[np.bool_], bins: int = BINS) -> float:
    """Expected calibration error: |accuracy - confidence| of equal bins, averaged by their shares."""
    found = reliability(confidence, correct, bins)
    return float(sum(abs(mean - accuracy) * share for mean, accuracy, share in found))


def reliability(
    confidence: Doubles, correct: NDArray[np.bool_], bins: int = BINS
) -> list[tuple[float, float, float]]:
    """Mean confidence, accuracy and share of every bin that is not empty."""
    positions = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        (float(confidence[inside].mean()), float(correct[inside].mean()), float(inside.mean()))
        for inside in (positions == position for position in np.unique(positions))
    ]


def chosen_topics(probabilities: Doubles, threshold: float) -> NDArray[np.bool_]:
    """(n, topics): at most the best three, from `threshold` on."""
    ranks = (-probabilities).argsort(axis=1, kind="stable").argsort(axis=1)
    return (probabilities >= threshold) & (ranks < MAX_TOPICS)


def fit_threshold(probabilities: Doubles, truth: Doubles) -> float:
    """The threshold of topics with the best micro-F1."""

    def micro_f1(threshold: float) -> float:
        chosen = chosen_topics(probabilities, threshold)
        return float(2 * (chosen * truth).sum() / (chosen.sum() + truth.sum()))

    return round(float(max(np.arange(0.1, 0.7, 0.02), key=micro_f1)), 2)


def macro_f1(truth: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> float:
    """The mean F1 of the labels; both arguments are (n, labels)."""
    hits = (truth & chosen).sum(axis=0)
    total = truth.sum(axis=0) + chosen.sum(axis=0)
    return float(np.mean(2 * hits / np.maximum(total, 1)))
