"""Labels as people see them: in words, with a bar for the confidence and a mark for the source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ticketmill.domain.effective_row import CONFIDENCE_SUFFIX, EffectiveRow
from ticketmill.domain.labels import Source
from ticketmill.tasks.table import TASKS
from ticketmill.tasks.task import Task

MODEL, RULE, STATED, PERSON, STAND_IN = "model", "rule", "stated", "person", "stand-in"

MARKS = {
    MODEL: ("M", "a model says so"),
    RULE: ("R", "a rule says so"),
    STATED: ("S", "the submitter said so"),
    PERSON: ("P", "a person says so"),
    STAND_IN: ("F", "a stand-in: the model gave nothing"),
}
"""The letter of a mark, and what it means."""

_KIND_OF_SOURCE = {
    Source.RULE: RULE,
    Source.STATED: STATED,
    Source.SUBJECT: STATED,
    Source.PERSON: PERSON,
    Source.FALLBACK: STAND_IN,
}

CORRECTABLE = tuple(task for task in TASKS if task.is_correctable)


@dataclass(frozen=True, slots=True)
class Chip:
    """One label of a task. `confidence` is None where nobody gave one."""

    task: str
    label: str
    confidence: float | None
    source: str | None
    """The kind of its source: one of MARKS."""

    @property
    def words(self) -> str:
        return words(self.label)

    @property
    def percent(self) -> int | None:
        return None if self.confidence is None else round(100 * self.confidence)

    @property
    def mark(self) -> tuple[str, str] | None:
        """The letter of the source's mark, and what it means."""
        return MARKS.get(self.source or "")


def words(label: object) -> str:
    """As in `login issue`."""
    return str(label).replace("_", " ")


def kind_of(source: object) -> str | None:
    """The mark of a source. What a newer version calls a source is taken for a model."""
    return None if source is None else _KIND_OF_SOURCE.get(source, MODEL)  # type: ignore[call-overload]


def chips(row: EffectiveRow, task: Task[object]) -> tuple[Chip, ...]:
    """The label of a task, or its labels."""
    value = getattr(row, task.label or task.name, None)
    if isinstance(value, tuple):
        return tuple(_topic(task.name, each) for each in value)
    if value is None:
        return ()
    confidence = getattr(row, f"{task.name}{CONFIDENCE_SUFFIX}", None)
    return (Chip(task.name, str(value), confidence, kind_of(getattr(row, f"{task.name}_source", None))),)


def own_chips(row: EffectiveRow, task: str) -> tuple[Chip, ...]:
    """The labels of one of your own tasks."""
    made = row.custom.get(task)
    if made is None:
        return ()
    return tuple(Chip(task, each.label, each.confidence, kind_of(made.source)) for each in made.labels)


def _topic(task: str, each: object) -> Chip:
    """A topic. A person's has no confidence; nor have the fallbacks, which are the ticket's own tags."""
    source = kind_of(getattr(each, "source", None))
    confidence = None if source in (PERSON, STAND_IN) else getattr(each, "confidence", None)
    return Chip(task, str(getattr(each, "label", each)), confidence, source)


def known_labels(tasks: Iterable[tuple[str, Iterable[str]]]) -> list[tuple[str, str]]:
    """Each label with its task, for those that need no name before them."""
    return [(name, label) for name, labels in tasks for label in labels]
