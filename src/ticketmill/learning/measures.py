"""Measures of predictions against labels, as fractions of 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ticketmill.arrays import Bools, Doubles
from ticketmill.learning.calibration import calibration_error

COVERAGES = (0.25, 0.5, 0.75, 0.9, 1.0)
SURE_FROM = 0.9


@dataclass(frozen=True, slots=True)
class LabelMeasures:
    """One label. `support` is the number of texts that truly have it."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class CoveragePoint:
    """The most confident share `coverage` of all texts: their least confidence, and how many are right."""

    coverage: float
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Classified:
    """A task of one label a text. `confusion`: a row for each true label, a column for each predicted one."""

    count: int
    macro_f1: float
    accuracy: float
    calibration_error: float
    labels: tuple[LabelMeasures, ...]
    coverage: tuple[CoveragePoint, ...]
    sure: int
    sure_mistakes: int
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Tagged:
    """A task of several labels a text. `first_right`: how often the most confident label is true."""

    count: int
    micro_f1: float
    macro_f1: float
    first_right: float
    labels: tuple[LabelMeasures, ...]


def measure_classes(
    vocabulary: Sequence[str], truth: Sequence[str], given: Sequence[str], confidence: Doubles
) -> Classified:
    """Truth and predictions, one label each. Macro-F1 is the mean over all labels that occur in either."""
    position = {label: number for number, label in enumerate(vocabulary)}
    confusion = np.zeros((len(vocabulary), len(vocabulary)), np.int64)
    np.add.at(confusion, ([position[label] for label in truth], [position[label] for label in given]), 1)
    right = np.array([one == other for one, other in zip(truth, given, strict=True)])
    labels = tuple(
        _label(label, int(confusion[at, at]), int(confusion[:, at].sum()), int(confusion[at].sum()))
        for label, at in position.items()
    )
    occurring = [each.f1 for each in labels if each.support or confusion[:, position[each.label]].any()]
    sure = confidence >= SURE_FROM
    return Classified(
        count=len(truth),
        macro_f1=float(np.mean(occurring)),
        accuracy=float(right.mean()),
        calibration_error=calibration_error(confidence, right),
        labels=labels,
        coverage=_coverage(confidence, right),
        sure=int(sure.sum()),
        sure_mistakes=int((sure & ~right).sum()),
        confusion=tuple(tuple(map(int, row)) for row in confusion),
    )


def measure_tags(
    vocabulary: Sequence[str], truth: Sequence[Sequence[str]], given: Sequence[Sequence[str]]
) -> Tagged:
    """Truth and predictions, any number of labels each; the most confident prediction is the first."""
    pairs = [(set(one), set(other)) for one, other in zip(truth, given, strict=True)]
    labels = tuple(
        _label(
            label,
            sum(label in one and label in other for one, other in pairs),
            sum(label in other for _, other in pairs),
            sum(label in one for one, _ in pairs),
        )
        for label in vocabulary
    )
    hits = sum(len(one & other) for one, other in pairs)
    total = sum(len(one) + len(other) for one, other in pairs)
    first = [bool(other) and other[0] in one for one, other in zip(truth, given, strict=True)]
    supported = [each.f1 for each in labels if each.support]
    return Tagged(
        count=len(pairs),
        micro_f1=2 * hits / max(total, 1),
        macro_f1=float(np.mean(supported)) if supported else 0.0,
        first_right=float(np.mean(first)),
        labels=labels,
    )


def _label(label: str, hits: int, given: int, support: int) -> LabelMeasures:
    return LabelMeasures(
        label,
        precision=hits / given if given else 0.0,
        recall=hits / support if support else 0.0,
        f1=2 * hits / (given + support) if given + support else 0.0,
        support=support,
    )


def _coverage(confidence: Doubles, right: Bools) -> tuple[CoveragePoint, ...]:
    surest_first = np.argsort(-confidence, kind="stable")
    points = []
    for coverage in COVERAGES:
        taken = surest_first[: max(round(coverage * len(right)), 1)]
        points.append(CoveragePoint(coverage, float(confidence[taken[-1]]), float(right[taken].mean())))
    return tuple(points)
