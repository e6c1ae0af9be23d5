"""The recipes that are solved over texts: joint ridge regressions, alone or on top of the bundle's head."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ticketmill.arrays import Doubles
from ticketmill.learning.families import Arrays, Inputs
from ticketmill.learning.joint_ridge import JointRidge
from ticketmill.learning.recipes import Recipe
from ticketmill.models.heads import Heads
from ticketmill.models.overlay import ShippedHead
from ticketmill.models.tokens import Ints

_NEUTRAL = 0.5
"""Between a label that is true and one that is not: what a regression's scores are measured from."""


class Shipped(NamedTuple):
    """The bundle's head for a task, and what it says of n texts."""

    head: ShippedHead
    probabilities: Doubles
    """(n, labels)"""


def shipped_labels(heads: Heads, task: str) -> tuple[str, ...]:
    """The labels of the bundle's head for a task whose labels exclude each other; none where it has none."""
    head = heads.tasks.get(task)
    return head.spec.labels if head is not None and head.spec.kind == "softmax" else ()


def shipped_head(heads: Heads, task: str, inputs: Inputs) -> Shipped:
    """What the bundle's head for `task` says of the texts."""
    head, columns = heads.tasks[task], inputs.dense["head_scores"]
    outputs = sum(len(each.spec.labels) for each in heads.tasks.values())
    branch = head.spec.branch if columns.shape[1] > outputs else None
    calibrated = branch or head.spec
    found = ShippedHead(
        first=head.first,
        branch_first=None if branch is None else outputs + head.first,
        branch_weight=0.0 if branch is None else branch.weight,
        temperature=calibrated.temperature,
        length_slope=calibrated.length_slope,
    )
    probabilities = found.probabilities(columns, inputs.lengths, len(head.spec.labels))
    return Shipped(found, probabilities.astype(np.float64))


class JointFit:
    """Fits recipes of the models `ridge` and `shipped` to n texts; what is solved is kept for the next."""

    def __init__(self, inputs: Inputs, truth: Doubles, shipped: Shipped | None) -> None:
        """`truth` is (n, labels). A recipe that needs the bundle's head needs `shipped`."""
        self._inputs = inputs
        self._truth = truth
        self._shipped = shipped
        self._solved: dict[tuple[tuple[str, ...], bool], JointRidge] = {}

    def left_out(self, recipe: Recipe, folds: Ints) -> Doubles:
        """(n, labels): the score of each text by a fit that did not see the labels of its fold."""
        start = self._start(recipe)
        if recipe.model == "shipped":
            return start
        return start + self._ridge(recipe).left_out(self._truth - start, folds) - _NEUTRAL

    def arrays(self, recipe: Recipe) -> Arrays:
        """The arrays of an overlay that is fitted to all texts."""
        if recipe.model == "shipped":
            return {"bias": np.zeros(self._truth.shape[1], np.float32)}
        found = self._ridge(recipe).arrays(self._truth - self._start(recipe))
        bias = found["bias"].astype(np.float64)
        bias[: self._truth.shape[1]] -= _NEUTRAL
        return {**found, "bias": bias.astype(np.float32)}

    def _start(self, recipe: Recipe) -> Doubles:
        if recipe.model == "shipped" or recipe.corrects:
            if self._shipped is None:
                raise ValueError(f"{recipe.name} needs a head of the bundle")
            return self._shipped.probabilities
        return np.zeros(self._truth.shape)

    def _ridge(self, recipe: Recipe) -> JointRidge:
        key = (recipe.families, recipe.by_source)
        if key not in self._solved:
            self._solved[key] = JointRidge(self._inputs, recipe.families, recipe.by_source)
        return self._solved[key]
