"""The taxonomy: which labels a task may give, each with words that describe it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from ticketmill.domain.enrichment import Confidence
from ticketmill.domain.records import Frozen

MAX_LABELS = 500

Task = Literal["topics", "intent"]

# lower case, and no '#', which the keys of the indexes are made with
LabelName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,47}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class Label(Frozen):
    """One label. `description` is what a ticket is compared with, `examples` are made a head of."""

    label: LabelName
    description: Text
    examples: tuple[Text, ...] = ()

    @property
    def text(self) -> str:
        """The label with its description, as the encoder reads it."""
        return f"{self.label.replace('_', ' ').replace('-', ' ')}: {self.description}"


class Taxonomy(Frozen):
    """The labels of one task.

    For topics, a label counts from `threshold` on and a ticket has at most `top_k`; an intent is always one,
    and where no head serves it, one under `threshold` wants a person's eye.
    """

    task: Task
    labels: Annotated[tuple[Label, ...], Field(min_length=2, max_length=MAX_LABELS)]
    threshold: Confidence = 0.3
    top_k: Annotated[int, Field(ge=1, le=10)] = 3

    @property
    def names(self) -> tuple[str, ...]:
        """The labels' names, in order."""
        return tuple(label.label for label in self.labels)

    @model_validator(mode="after")
    def _labels_differ(self) -> Self:
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise ValueError(f"labels that stand more than once: {', '.join(twice)}")
        return self


class Taxonomies(Frozen):
    """The taxonomies of a bundle, `taxonomy.json`. `format` grows when prototypes are made another way."""

    format: Literal[2] = 2
    topics: Taxonomy
    intent: Taxonomy
    background: tuple[Text, ...]
    """Texts whose mean is taken off every prototype: what all tickets have in common says nothing."""

    @model_validator(mode="after")
    def _each_has_its_task(self) -> Self:
        if self.topics.task != "topics" or self.intent.task != "intent":
            raise ValueError("a taxonomy stands in the place of another task")
        return self
