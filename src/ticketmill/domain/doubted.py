"""Labels of people that a model doubts which did not see them: what people should look at again.

A file of a version. It has no texts.
"""

from __future__ import annotations

from pydantic import Field

from ticketmill.domain.records import Record

DOUBTED_FILE = "doubted.json"
"""The doubted labels among a version's files."""


class DoubtedLabel(Record):
    """A label that is probably wrong."""

    example_id: str
    """The ticket, or the row of a file."""
    labels: tuple[str, ...]
    """What it is labelled with."""
    likelier: str | None = None
    """What the model says instead; null where several labels may be right."""
    probability: float
    """The probability that the label is right, by a model that did not see it."""


class DoubtedLabels(Record):
    """The doubted labels of a dataset."""

    task: str
    """The task."""
    doubted: tuple[DoubtedLabel, ...] = Field(default=())
    """The most doubtful first."""


def doubted_bytes(doubted: DoubtedLabels) -> bytes:
    """The file. The same labels give the same bytes."""
    return doubted.model_dump_json().encode() + b"\n"
