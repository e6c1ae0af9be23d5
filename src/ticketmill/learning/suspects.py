"""Suspected label errors: labels that are unlikely to a model that was not trained on their ticket.

What such a model says is what similar tickets are labelled. People should check the suspects; training
without them gains nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Doubles
from ticketmill.models.heads import Kind


@dataclass(frozen=True, slots=True)
class Suspect:
    """A ticket with a label that may be wrong."""

    position: int
    """The ticket's index among those that were given."""
    label: str
    likelier: str | None
    """The label that the held-out model gives instead. None where it says that `label` should go or come
    alone, because the task's labels do not exclude each other."""
    probability: float
    """The held-out probability that the ticket's `label` is right as it is."""


def suspects(
    labels: Sequence[str], probabilities: Doubles, truth: Doubles, kind: Kind, count: int
) -> list[Suspect]:
    """The `count` tickets with the largest held-out loss, largest first, each with its most doubtful label.

    `probabilities` (tickets, labels) come from models that did not see the ticket's group; `truth` is 1
    where a ticket has the label. A label that the held-out model gives too is no suspect.
    """
    rows = np.arange(len(truth))
    if kind == "softmax":
        columns, best = truth.argmax(axis=1), probabilities.argmax(axis=1)
        right, doubtful = probabilities[rows, columns], columns != best
    else:
        each = np.where(truth == 1, probabilities, 1 - probabilities)
        columns = best = each.argmin(axis=1)
        right = each[rows, columns]
        doubtful = right < 1 / 2
    return [
        Suspect(
            position=int(row),
            label=labels[columns[row]],
            likelier=labels[best[row]] if kind == "softmax" else None,
            probability=float(right[row]),
        )
        for row in _lowest(right, doubtful, count)
    ]


def _lowest(values: Doubles, among: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
    """The positions of the `count` lowest values, lowest first; equal ones keep their order."""
    order = np.argsort(values, kind="stable")
    return order[among[order]][:count]
