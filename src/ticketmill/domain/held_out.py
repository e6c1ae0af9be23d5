"""What a learned version said of examples that it was not trained on, one by one.

A file of the version. Two versions are compared on the examples that both have, without running either.
"""

from __future__ import annotations

from pydantic import Field

from ticketmill.domain.model_card import TaskKind
from ticketmill.domain.records import Record

HELD_OUT_FILE = "held_out.json"
"""The held-out predictions among a version's files."""


class HeldOutPrediction(Record):
    """One example."""

    example_id: str
    """The example."""
    group: str
    """Its group: examples of one group are resampled together."""
    right: tuple[str, ...]
    """What is right."""
    predicted: tuple[str, ...]
    """What the version says."""
    baseline: tuple[str, ...] | None = None
    """What the bundle's own model says; null for a task that it does not have."""


class HeldOutPredictions(Record):
    """All examples that judge a version."""

    task: str
    """The task."""
    kind: TaskKind
    """Whether one label is right, or several."""
    predictions: tuple[HeldOutPrediction, ...] = Field(default=())
    """One an example, in the order of their ids."""


def held_out_bytes(held_out: HeldOutPredictions) -> bytes:
    """The file. The same predictions give the same bytes."""
    ordered = sorted(held_out.predictions, key=lambda each: each.example_id)
    return held_out.model_copy(update={"predictions": tuple(ordered)}).model_dump_json().encode() + b"\n"
