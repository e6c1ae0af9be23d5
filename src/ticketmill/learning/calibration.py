"""From scores to calibrated probabilities: temperatures, operating points, calibration errors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Doubles
from ticketmill.models.heads import Kind, activate
from ticketmill.models.overlay import bent

BINS = 15
MAX_TOPICS = 3
# short texts deserve less confidence than long ones with the same scores
SLOPES = (-0.3, -0.2, -0.1, 0.0)
COARSE = np.geomspace(0.02, 5.0, 17)
FINE = np.geomspace(0.7, 1.4, 15)
EXPONENTS = (0.5, 0.6, 0.7, 0.8, 0.9)
BETTER_BY = 3.32
"""How much the log-likelihood of all texts must gain for another parameter: half of the 99th percentile of
chi-squared with one degree of freedom (Wilks, 1938)."""
SHIFTS = np.arange(-0.6, 0.05, 0.05)


@dataclass(frozen=True, slots=True)
class Calibration:
    """`activate(bent(scores + shift) / (temperature · length ** slope))`; lengths are in characters."""

    kind: Kind
    temperature: float
    slope: float = 0.0
    shift: float = 0.0
    exponent: float = 1.0

    def probabilities(self, scores: Doubles, lengths: Doubles) -> Doubles:
        """(n, labels) scores and (n,) lengths to (n, labels)."""
        scores = bent(scores + self.shift, self.exponent)
        return activate(scores / self.spread(lengths), self.kind).astype(np.float64)

    def spread(self, lengths: Doubles) -> Doubles:
        """(n, 1): what scores are divided by."""
        return np.asarray(self.temperature * lengths[:, None] ** self.slope)


def fit_calibration(scores: Doubles, truth: Doubles, lengths: Doubles, kind: Kind) -> Calibration:
    """The calibration with the least negative log-likelihood.

    For `softmax` a temperature (Guo et al., On Calibration of Modern Neural Networks, 2017) that follows the
    length of the text. For `sigmoid` it is Platt's scaling over the best three labels of each ticket, because
    no others are ever predicted. A grid search, so that every machine finds the same.
    """
    if kind == "sigmoid":
        best = np.argsort(-scores, axis=1, kind="stable")[:, :MAX_TOPICS]
        scores, truth = np.take_along_axis(scores, best, axis=1), np.take_along_axis(truth, best, axis=1)
        temperature, shift = fit_temperature(scores, truth, kind)
        return Calibration(kind, temperature, shift=shift)
    fits = []
    for slope in SLOPES:
        stretched = scores / lengths[:, None] ** slope
        temperature, _ = fit_temperature(stretched, truth, kind)
        fits.append((_loss(stretched / temperature, truth, kind), temperature, slope))
    _, temperature, slope = min(fits)
    return Calibration(kind, temperature, slope)


def fit_bent(scores: Doubles, truth: Doubles, lengths: Doubles) -> Calibration:
    """The calibration of exclusive labels that may bend the scores: where a likelihood-ratio test says so."""
    plain = fit_calibration(scores, truth, lengths, "softmax")
    fits = []
    for exponent in EXPONENTS:
        fitted = fit_calibration(bent(scores, exponent), truth, lengths, "softmax")
        found = replace(fitted, exponent=exponent)
        fits.append((_loss_of(found, scores, truth, lengths), exponent, found))
    loss, _, best = min(fits, key=lambda each: each[:2])
    gained = (_loss_of(plain, scores, truth, lengths) - loss) * len(scores)
    return best if gained > BETTER_BY else plain


def _loss_of(found: Calibration, scores: Doubles, truth: Doubles, lengths: Doubles) -> float:
    likely = np.clip(found.probabilities(scores, lengths), 1e-7, 1 - 1e-7)
    return float(-np.log(likely[truth == 1]).mean())


def fit_temperature(scores: Doubles, truth: Doubles, kind: Kind) -> tuple[float, float]:
    """Temperature and shift with the least negative log-likelihood, for (scores + shift) / temperature.

    The shift is 0 for `softmax`, where it would have no effect.
    """

    def best(temperatures: Doubles) -> tuple[float, float, float]:
        return min(
            (_loss((scores + shift) / temperature, truth, kind), float(temperature), float(shift))
            for temperature in temperatures
            for shift in (SHIFTS if kind == "sigmoid" else (0.0,))
        )

    _, temperature, shift = best(best(COARSE)[1] * FINE)
    return round(temperature, 4), round(shift, 4)


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
