"""The learning curve: how a model does that is trained on a growing share of the examples."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from ticketmill.domain.model_card import CurvePoint, Interval

SHARES = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)

FitAndMeasure = Callable[[Sequence[int]], Interval | None]
"""Fits on the examples of these positions and gives the accuracy on the hold-out; None where they are too
few to fit."""


def learning_curve(
    groups: Sequence[str], fit: FitAndMeasure, shares: Sequence[float] = SHARES
) -> tuple[CurvePoint, ...]:
    """A point for each share of the groups. A group is in with all its examples, and in each larger share.

    `groups` names the group of each training example. The order of the groups is that of a hash of their
    names: the same examples give the same curve.
    """
    ordered = sorted(set(groups), key=_shuffled)
    points: dict[int, CurvePoint] = {}
    for share in sorted(shares):
        taken = set(ordered[: max(round(share * len(ordered)), 1)])
        positions = [at for at, group in enumerate(groups) if group in taken]
        if len(positions) in points:
            continue
        accuracy = fit(positions)
        if accuracy is not None:
            points[len(positions)] = CurvePoint(examples=len(positions), accuracy=accuracy)
    return tuple(points.values())


def _shuffled(group: str) -> bytes:
    return hashlib.blake2b(group.encode(), digest_size=8).digest()
