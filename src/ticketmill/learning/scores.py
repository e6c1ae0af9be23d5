"""The heads' quality on tickets of groups that they did not see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Bools, Doubles
from ticketmill.learning.calibration import (
    Calibration,
    calibration_error,
    chosen_topics,
    fit_calibration,
    fit_threshold,
    macro_f1,
)
from ticketmill.learning.cross_validation import by_the_others
from ticketmill.models.heads import HeadSpec, Kind

SURE = 0.9
# the recall on the other files that a nested choice of urgency's operating point requires
NESTED_RECALL = 0.9


@dataclass(frozen=True, slots=True)
class TaskScore:
    """Fractions of 1."""

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


@dataclass(frozen=True, slots=True)
class NestedPressing:
    """Pressing urgencies with an operating point that is chosen on the other files, for a recall of 0.9."""

    macro_f1: float
    pressing: PressingScore


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What heads said of tickets that they did not see, for one task."""

    task: str
    spec: HeadSpec
    probabilities: Doubles
    """(n, labels), calibrated on the tickets of other files"""
    truth: Doubles
    """(n, labels): 1 where a ticket has the label"""
    chosen: Bools
    """(n, labels): what is predicted"""

    def score(self, tickets: Bools) -> TaskScore:
        """The quality on some of the tickets, (n,)."""
        probabilities, truth = self.probabilities[tickets], self.truth[tickets] == 1
        best = np.arange(len(truth)), probabilities.argmax(axis=1)
        correct, confidence = truth[best], probabilities[best]
        sure, covered = confidence >= SURE, confidence >= self.spec.review_below
        return TaskScore(
            task=self.task,
            macro_f1=round(macro_f1(truth, self.chosen[tickets]), 4),
            accuracy=round(float(correct.mean()), 4),
            calibration_error=round(calibration_error(confidence, correct), 4),
            sure=int(sure.sum()),
            sure_mistakes=int((sure & ~correct).sum()),
            coverage=round(float(covered.mean()), 4),
            covered_accuracy=round(float(correct[covered].mean()), 4) if covered.any() else 0.0,
        )


def judge(
    task: str, spec: HeadSpec, scores: Doubles, truth: Doubles, lengths: Doubles, files: NDArray[np.str_]
) -> Judged:
    """Calibrates left-out scores (n, labels), which include operating points, by other files than theirs."""
    probabilities = by_the_others(files, _Calibrated(scores, truth, lengths, spec.kind))
    if spec.kind == "sigmoid":
        chosen = by_the_others(files, _Thresholded(probabilities, truth)) == 1
    else:
        chosen = np.arange(truth.shape[1]) == probabilities.argmax(axis=1)[:, None]
    return Judged(task, spec, probabilities, truth, chosen)


def score_pressing(scores: Doubles, truth: Doubles, pressing: list[int]) -> PressingScore:
    """Recall and precision of the labels `pressing`, taken as one; (n, urgencies) each."""
    is_pressing = truth[:, pressing].any(axis=1)
    said_pressing = np.isin(scores.argmax(axis=1), pressing)
    both = float((is_pressing & said_pressing).sum())
    return PressingScore(
        recall=round(both / max(float(is_pressing.sum()), 1.0), 4),
        precision=round(both / max(float(said_pressing.sum()), 1.0), 4),
    )


def score_nested_pressing(
    unbiased: Doubles, truth: Doubles, pressing: list[int], files: NDArray[np.str_]
) -> NestedPressing:
    """Left-out scores (n, urgencies) without an operating point, which the other files choose."""
    steps = np.arange(0.0, 0.4, 0.01)
    direction = np.zeros(truth.shape[1])
    direction[pressing] = 1.0

    def nested(seen: NDArray[np.int64], unseen: NDArray[np.int64]) -> Doubles:
        reached = (
            step
            for step in steps
            if score_pressing(unbiased[seen] + step * direction, truth[seen], pressing).recall
            >= NESTED_RECALL
        )
        return unbiased[unseen] + next(reached, steps[-1]) * direction

    moved = by_the_others(files, nested)
    chosen = np.arange(truth.shape[1]) == moved.argmax(axis=1)[:, None]
    return NestedPressing(round(macro_f1(truth == 1, chosen), 4), score_pressing(moved, truth, pressing))


@dataclass(frozen=True, slots=True, eq=False)
class _Calibrated:
    scores: Doubles
    truth: Doubles
    lengths: Doubles
    kind: Kind

    def __call__(self, seen: NDArray[np.int64], unseen: NDArray[np.int64]) -> Doubles:
        found: Calibration = fit_calibration(
            self.scores[seen], self.truth[seen], self.lengths[seen], self.kind
        )
        return found.probabilities(self.scores[unseen], self.lengths[unseen])


@dataclass(frozen=True, slots=True, eq=False)
class _Thresholded:
    probabilities: Doubles
    truth: Doubles

    def __call__(self, seen: NDArray[np.int64], unseen: NDArray[np.int64]) -> Doubles:
        threshold = fit_threshold(self.probabilities[seen], self.truth[seen])
        return chosen_topics(self.probabilities[unseen], threshold).astype(np.float64)
