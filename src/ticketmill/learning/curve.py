"""The learning curve: how a model does that is trained on a growing share of the examples."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence

from ticketmill.domain.dataset import Example
from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.model_card import CurvePoint, Interval

SHARES = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
MAX_GROUP_SHARE = 0.05
"""Groups that have a larger share of the examples would make the curve a stair."""

FitAndMeasure = Callable[[Sequence[int]], Interval | None]
"""Fits on the examples of these positions and gives the accuracy on the hold-out; None where they are too
few to fit."""
TOO_FEW = (LearningCode.TOO_FEW_LABELS, LearningCode.ONE_CLASS, LearningCode.NO_HOLD_OUT)
"""Why a share of the examples cannot be fitted, where all of them can."""


def curve_of(
    trained: Sequence[Example], measure: Callable[[Sequence[Example]], Interval], of_all: Interval
) -> tuple[CurvePoint, ...]:
    """The learning curve of a dataset. `measure` fits on some of its examples; `of_all` is known already."""

    def fit(positions: Sequence[int]) -> Interval | None:
        if len(positions) == len(trained):
            return of_all
        try:
            return measure([trained[at] for at in positions])
        except LearningRefused as refused:
            if refused.code in TOO_FEW:
                return None
            raise

    return learning_curve([each.group for each in trained], fit)


def learning_curve(
    groups: Sequence[str], fit: FitAndMeasure, shares: Sequence[float] = SHARES
) -> tuple[CurvePoint, ...]:
    """A point for each share of the groups. A group is in with all its examples, and in each larger share;
    of a group with many examples, as the tickets of one business, each is in by itself.

    `groups` names the group of each training example. The order is that of hashes of their names: the same
    examples give the same curve.
    """
    sizes = Counter(groups)
    units = [
        group if sizes[group] <= MAX_GROUP_SHARE * len(groups) else f"{group}#{at}"
        for at, group in enumerate(groups)
    ]
    ordered = sorted(set(units), key=_shuffled)
    points: dict[int, CurvePoint] = {}
    for share in sorted(shares):
        taken = set(ordered[: max(round(share * len(ordered)), 1)])
        positions = [at for at, unit in enumerate(units) if unit in taken]
        if len(positions) in points:
            continue
        accuracy = fit(positions)
        if accuracy is not None:
            points[len(positions)] = CurvePoint(examples=len(positions), accuracy=accuracy)
    return tuple(points.values())


def _shuffled(unit: str) -> bytes:
    return hashlib.blake2b(unit.encode(), digest_size=8).digest()
