"""How near a prediction is to another answer: what chooses the tickets that people label next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

DECIMALS = 4


def margins_of(predictions: Mapping[str, Any]) -> dict[str, float]:
    """By task, the margin of each prediction that has one."""
    found = {task: _margin(each) for task, each in predictions.items()}
    return {task: round(margin, DECIMALS) for task, margin in found.items() if margin is not None}


def of_thresholds(probabilities: Iterable[float], threshold: float) -> float:
    """Of a task with several labels: how far the nearest probability is from the threshold. 1 without any
    label."""
    return min((abs(each - threshold) for each in probabilities), default=1.0)


def _margin(prediction: Any) -> float | None:
    """What the prediction says of itself; of one label, how far the two most probable ones are apart."""
    margin: float | None = getattr(prediction, "margin", None)
    scores: Mapping[str, float] = getattr(prediction, "scores", {})
    if margin is not None or len(scores) < 2:
        return margin
    second, first = sorted(scores.values())[-2:]
    return first - second
