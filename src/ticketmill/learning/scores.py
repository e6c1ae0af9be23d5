"""The heads' quality on tickets of held-out businesses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Doubles
from ticketmill.learning.calibration import (
    calibration_error,
    chosen_topics,
    fit_temperature,
    fit_threshold,
    macro_f1,
)
from ticketmill.learning.cross_validation import by_the_others
from ticketmill.models.heads import HeadSpec, Kind, activate

SURE = 0.9
# the recall on the other businesses that a nested choice of urgency's operating point requires
NESTED_RECALL = 0.9


@dataclass(frozen=True, slots=True)
class TaskScore:
    """Fractions of 1. The probabilities of each business are calibrated on the others."""

    task: str
    macro_f1: float
    """over the labels; for topics, of at most three from the threshold on"""
    accuracy: float
    """of the best label; for topics, whether it is one of the ticket's"""
    calibration_error: float
    """expected, over 15 bins, of the best label's confidence"""
    sure: int
    """tickets whose best label has a confidence of 0.9 or more"""
    sure_mistakes: int
    coverage: float
    """tickets whose confidence reaches the review threshold"""
    covered_accuracy: float


@dataclass(frozen=True, slots=True)
class PressingScore:
    """Quality of critical and high taken as one label."""

    recall: float
    precision: float
    nested_macro_f1: float
    """urgency's macro-F1 when the bias is chosen on the other businesses, for a recall of 0.9 there"""
    nested_recall: float
    nested_precision: float


def score_task(
    task: str, spec: HeadSpec, scores: Doubles, truth: Doubles, domains: NDArray[np.str_]
) -> TaskScore:
    """Quality of held-out scores (tickets, labels), which include the operating point's bias."""
    probabilities = by_the_others(domains, _Calibrated(scores, truth, spec.kind))
    best = np.arange(len(truth)), probabilities.argmax(axis=1)
    correct, confidence = truth[best] == 1, probabilities[best]
    if spec.kind == "sigmoid":
        chosen = by_the_others(domains, _Thresholded(probabilities, truth)) == 1
    else:
        chosen = np.arange(truth.shape[1]) == best[1][:, None]
    sure, covered = confidence >= SURE, confidence >= spec.review_below
    return TaskScore(
        task=task,
        macro_f1=round(macro_f1(truth == 1, chosen), 4),
        accuracy=round(float(correct.mean()), 4),
        calibration_error=round(calibration_error(confidence, correct), 4),
        sure=int(sure.sum()),
        sure_mistakes=int((sure & ~correct).sum()),
        coverage=round(float(covered.mean()), 4),
        covered_accuracy=round(float(correct[covered].mean()), 4) if covered.any() else 0.0,
    )


def score_pressing(
    unbiased: Doubles, bias: Doubles, truth: Doubles, pressing: list[int], domains: NDArray[np.str_]
) -> PressingScore:
    """Quality of held-out scores (tickets, urgencies) without the operating point's `bias` (urgencies,)."""
    recall, precision = found_pressing(unbiased + bias, truth, pressing)
    steps = np.arange(0.0, 0.3, 0.01)
    direction = np.zeros(truth.shape[1])
    direction[pressing] = 1.0

    def nested(seen: NDArray[np.int64], unseen: NDArray[np.int64]) -> Doubles:
        reached = (
            step
            for step in steps
            if found_pressing(unbiased[seen] + step * direction, truth[seen], pressing)[0] >= NESTED_RECALL
        )
        return unbiased[unseen] + next(reached, steps[-1]) * direction

    moved = by_the_others(domains, nested)
    nested_recall, nested_precision = found_pressing(moved, truth, pressing)
    chosen = np.arange(truth.shape[1]) == moved.argmax(axis=1)[:, None]
    return PressingScore(
        recall=round(recall, 4),
        precision=round(precision, 4),
        nested_macro_f1=round(macro_f1(truth == 1, chosen), 4),
        nested_recall=round(nested_recall, 4),
        nested_precision=round(nested_precision, 4),
    )


def found_pressing(scores: Doubles, truth: Doubles, pressing: list[int]) -> tuple[float, float]:
    """Recall and precision of the labels `pressing`, taken as one."""
    is_pressing = truth[:, pressing].any(axis=1)
    said_pressing = np.isin(scores.argmax(axis=1), pressing)
    both = float((is_pressing & said_pressing).sum())
    return both / max(float(is_pressing.sum()), 1.0), both / max(float(said_pressing.sum()), 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Calibrated:
    scores: Doubles
    truth: Doubles
    kind: Kind

    def __call__(self, seen: NDArray[np.int64], unseen: NDArray[np.int64]) -> Doubles:
        temperature, shift = fit_temperature(self.scores[seen], self.truth[seen], self.kind)
        return activate((self.scores[unseen] + shift) / temperature, self.kind).astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Thresholded:
    probabilities: Doubles
    truth: Doubles

    def __call__(self, seen: NDArray[np.int64], unseen: NDArray[np.int64]) -> Doubles:
        threshold = fit_threshold(self.probabilities[seen], self.truth[seen])
        return chosen_topics(self.probabilities[unseen], threshold).astype(np.float64)
