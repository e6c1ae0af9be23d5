"""Labelled examples of one task, as training takes them: a frozen snapshot, named by its content."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import Field, NonNegativeInt, StringConstraints, field_validator

from ticketmill.domain.facets import MAX_VALUE_CHARS
from ticketmill.domain.model_card import TaskKind
from ticketmill.domain.records import Frozen, Open, Record
from ticketmill.domain.ticket import Ticket


class Origin(StrEnum):
    """Where an example comes from."""

    JOURNAL = "journal"
    """What a person said of a ticket."""
    FILE = "file"
    """An imported file of labels."""
    CORPUS = "corpus"
    """The labelled tickets that come with ticketmill."""


class LeftOut(StrEnum):
    """Why a labelled example is not in a dataset."""

    STALE = "stale"
    """Its content has changed since it was labelled."""
    NO_TICKET = "no_ticket"
    """The ticket has no row any more."""
    NO_TEXT = "no_text"
    """Its text is gone, or has nothing to read."""
    CANNOT_TELL = "cannot_tell"
    """People say that the text does not tell."""
    TIE = "tie"
    """As many people say one thing as another."""
    UNKNOWN_LABEL = "unknown_label"
    """The task does not have the label any more."""
    RARE_LABEL = "rare_label"
    """Too few examples have its label."""
    OTHER_TEXT = "other_text"
    """Another example of the same id has another text."""
    JUDGED_BEFORE = "judged_before"
    """It was held out, and is like one that is trained on: it can do neither."""


class Example(Record):
    """A text and its labels."""

    example_id: str
    """The ticket's id, or the name of a row in a file."""
    subject: str = ""
    """The subject."""
    body: str = ""
    """The body."""
    source: str | None = None
    """The channel that it came by."""
    labels: tuple[str, ...]
    """What is right; several, or none, where the task has several."""
    group: str
    """Examples of one group are never on both sides of a split: a thread, a customer, near-duplicates."""
    held_out: bool = False
    """Whether it judges, and is never trained on."""
    origin: Open[Origin]
    """Where it comes from."""
    who: tuple[str, ...] = ()
    """The people who labelled it."""
    content_hash: str
    """The content that the labels hold for."""


class Conflict(Record):
    """An example of which people said different things, and what was made of it."""

    example_id: str
    """The example."""
    said: dict[str, tuple[str, ...]]
    """What each person said."""
    resolved: tuple[str, ...] | None
    """What stands by the rule; null where the example was left out."""
    rule: str
    """The rule, in a few words."""


class Dataset(Record):
    """The manifest of a snapshot. Its examples lie beside it."""

    name: str
    """The hash of the examples: the same examples are the same dataset."""
    task: str
    """The task."""
    kind: TaskKind
    """Whether one label is right, or several."""
    labels: dict[str, NonNegativeInt]
    """How many examples have each label."""
    examples: NonNegativeInt
    """All of them."""
    held_out: NonNegativeInt
    """Those that judge, and are never trained on."""
    groups: NonNegativeInt
    """Groups among them."""
    origins: dict[str, NonNegativeInt] = Field(default_factory=dict)
    """How many come from where."""
    left_out: dict[str, NonNegativeInt] = Field(default_factory=dict)
    """How many labelled examples are not in it, by the reason, see LeftOut."""
    conflicts: tuple[Conflict, ...] = ()
    """What people did not agree on: the first hundred."""
    conflicting: NonNegativeInt = 0
    """How many examples people did not agree on."""
    parent: str | None = None
    """The dataset before it, whose hold-out it keeps."""
    replaces: str | None = None
    """The dataset that it was made from by forgetting a ticket, and which is gone."""
    built_at: datetime | None = None
    """When it was built. The name does not depend on it."""


MAX_TASK_LABELS = 200
TaskLabel = Annotated[
    str,
    StringConstraints(
        pattern=rf"^[^\s,\x00-\x1f]([^,\x00-\x1f]{{0,{MAX_VALUE_CHARS - 2}}}[^\s,\x00-\x1f])?$"
    ),
]
"""At most 64 characters, on one line, without commas: lists of labels stand between commas."""


class TaskDefinition(Frozen):
    """A task that people label and models learn, beside those of the table in the code."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{1,31}$")
    """As in `product_line`."""
    kind: TaskKind = "single"
    """Whether one label is right, or several."""
    labels: tuple[TaskLabel, ...] = Field(min_length=1, max_length=MAX_TASK_LABELS)
    """Its labels."""

    @field_validator("labels")
    @classmethod
    def _labels_differ(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({each for each in labels if labels.count(each) > 1})
        if twice:
            raise ValueError(f'the label "{twice[0]}" is given twice')
        return labels


class CurrentTicket(NamedTuple):
    """A ticket as it stands now."""

    content_hash: str
    """The content that its row was made from."""
    ticket: Ticket | None
    """None where its object is gone, or has other content by now."""
