"""What people say of a ticket: corrections, appended to a journal and never changed.

A correction holds for the content that it was made on. What a row keeps of it is `PersonLabel`, the last word
on each task; `replay` makes these from a ticket's journal, so that the journal alone decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from pydantic import PositiveInt

from ticketmill.domain.labels import Source
from ticketmill.domain.records import Open, Record


class CorrectionKind(StrEnum):
    """What a person says of a prediction."""

    LABEL = "label"
    """Other labels are right."""
    CONFIRM = "confirm"
    """The label that was shown is right."""
    CANNOT_TELL = "cannot_tell"
    """The text does not tell. The model's label stays."""
    UNDO = "undo"
    """An earlier correction of the same task counts no more."""


class FoundBy(StrEnum):
    """How the ticket came before the person: only audits are a random sample."""

    FOUND = "found"
    REVIEW_QUEUE = "review_queue"
    AUDIT = "audit"
    SEARCH = "search"


class Shown(Record):
    """What the person saw before they spoke."""

    labels: tuple[str, ...]
    """The label, or several; empty where the task had none."""
    confidence: float | None = None
    """The probability of the label; null for several labels and for a person's label."""
    source: Open[Source] | None = None
    """What had made the prediction."""
    fingerprint: str | None = None
    """The bundle and settings that had decided it."""


class Correction(Record):
    """One event of the label journal."""

    ticket_id: str
    """The ticket."""
    number: PositiveInt
    """Counts the ticket's corrections. It orders them and names each."""
    task: str
    """What the person speaks of, as in `urgency`."""
    kind: Open[CorrectionKind]
    """What they say."""
    labels: tuple[str, ...] = ()
    """The labels that are right; empty for `cannot_tell` and `undo`."""
    undoes: PositiveInt | None = None
    """The number of the correction that an `undo` takes back."""
    who: str
    """The person, as the API key, the sign-in or the command names them."""
    at: datetime
    """When."""
    shown: Shown | None = None
    """What they saw."""
    content_hash: str
    """The content that they spoke of, see the row's."""
    found_by: Open[FoundBy] = FoundBy.FOUND
    """How the ticket was chosen."""
    note: str | None = None
    """A remark, at most 1,000 characters."""


class PersonLabel(Record):
    """The last word of a person on a task, as the row keeps it."""

    number: PositiveInt
    """The number of the correction in the ticket's journal."""
    kind: Open[CorrectionKind]
    """`label`, `confirm` or `cannot_tell`."""
    labels: tuple[str, ...] = ()
    """What is right; empty for `cannot_tell`."""
    who: str
    """The person."""
    at: datetime
    """When."""
    content_hash: str
    """The content that they spoke of. For other content it does not hold."""

    @classmethod
    def of(cls, correction: Correction) -> PersonLabel:
        return cls(
            number=correction.number,
            kind=correction.kind,
            labels=correction.labels,
            who=correction.who,
            at=correction.at,
            content_hash=correction.content_hash,
        )


def replay(journal: Iterable[Correction]) -> dict[str, PersonLabel]:
    """The last word on each task, from a ticket's corrections in the order of their numbers."""
    kept: dict[str, list[Correction]] = {}
    for correction in journal:
        earlier = kept.setdefault(correction.task, [])
        if correction.kind == CorrectionKind.UNDO:
            earlier[:] = [each for each in earlier if each.number != correction.undoes]
        else:
            earlier.append(correction)
    return {task: PersonLabel.of(spoken[-1]) for task, spoken in kept.items() if spoken}
