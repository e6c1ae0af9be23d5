"""Scores that no temperature alone calibrates are bent; others stay as they are."""

from __future__ import annotations

import numpy as np

from ticketmill.arrays import Doubles
from ticketmill.learning.calibration import calibration_error, fit_bent, fit_calibration
from ticketmill.models.heads import activate
from ticketmill.models.overlay import bent

TEXTS = 1500
LENGTHS = np.full(TEXTS, 200.0)


def logits_and_truth() -> tuple[Doubles, Doubles]:
    """(texts, 3) log-probabilities and labels drawn by exactly these: calibrated as they are."""
    generator = np.random.default_rng(5)
    logits = generator.normal(0, 1.5, (TEXTS, 3))
    logits -= logits.mean(axis=1, keepdims=True)
    drawn = generator.random(TEXTS)[:, None] > activate(logits, "softmax").cumsum(axis=1)
    return logits, np.eye(3)[np.minimum(drawn.sum(axis=1), 2)]


def test_scores_whose_large_values_say_too_much_are_bent_until_they_are_calibrated() -> None:
    logits, truth = logits_and_truth()
    scores = np.sign(logits) * np.abs(logits) ** (1 / 0.6)

    found, plain = fit_bent(scores, truth, LENGTHS), fit_calibration(scores, truth, LENGTHS, "softmax")

    assert 0.5 <= found.exponent <= 0.7
    right = scores.argmax(axis=1) == truth.argmax(axis=1)
    errors = [
        calibration_error(each.probabilities(scores, LENGTHS).max(axis=1), right) for each in (found, plain)
    ]
    assert errors[0] < errors[1]


def test_calibrated_scores_are_not_bent() -> None:
    scores, truth = logits_and_truth()
    assert fit_bent(scores, truth, LENGTHS) == fit_calibration(scores, truth, LENGTHS, "softmax")


def test_the_order_of_labels_stays() -> None:
    scores, _ = logits_and_truth()
    assert np.array_equal(bent(scores, 0.5).argsort(axis=1), scores.argsort(axis=1))
