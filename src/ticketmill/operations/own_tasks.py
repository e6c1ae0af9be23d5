"""Your own tasks: defining them, and correcting them like ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ticketmill.domain.dataset import TaskDefinition
from ticketmill.domain.duplicates import DUPLICATE_TASKS
from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.domain.enrichment import Enrichment
from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.event_text import PLAIN_NAMES
from ticketmill.domain.facets import FALLBACK_SUFFIX
from ticketmill.domain.label import Correction
from ticketmill.operations.corrections import CorrectableTask
from ticketmill.operations.ports import TaskDefinitionStore
from ticketmill.queries.columns import CORRECTABLE, FILTERS, FLAGS
from ticketmill.queries.own_tasks import Definitions

_OF_LISTS = ("since", "until", "cursor", "limit", "filter", "where", "counts", "by", "days", "min_confidence")
_OF_FORMS = ("revision", "list", "next", "advance", "note", "confirm", "cannot_tell", "undo", "done")
_OF_FILES = ("subject", "body", "text", "label", "labels", "group", "annotator", "source")
_OTHERS = ("encoder", "embedding", "custom", "none", "task", "tasks", *DUPLICATE_TASKS)
_SUFFIXES = ("_confidence", "_source", FALLBACK_SUFFIX)
"""What follows the name of a task in columns, reasons and facets."""


def is_reserved(name: str) -> bool:
    """Whether a name means something else already: a field, a filter, a task, or a word of a form."""
    named = {*_OF_LISTS, *_OF_FORMS, *_OF_FILES, *_OTHERS, *PLAIN_NAMES, *CORRECTABLE, *FILTERS, *FLAGS}
    is_attribute = any(hasattr(record, name) for record in (EffectiveRow, Enrichment, Correction))
    fields = {*EffectiveRow.model_fields, *Enrichment.model_fields, *Correction.model_fields}
    return name in named | fields or is_attribute or name.endswith(_SUFFIXES)


@dataclass(frozen=True, slots=True)
class TaskDefinitions:
    """Adds and removes tasks of your own."""

    store: TaskDefinitionStore

    def add(self, task: TaskDefinition) -> TaskDefinition | None:
        """Adds a task, or gives one that is there other labels; the definition that was there before.

        LearningRefused where the name means something else, or the task takes several labels where it took
        one.
        """
        if is_reserved(task.name):
            raise LearningRefused(
                LearningCode.NAME_TAKEN,
                f'"{task.name}" means something else in ticketmill; choose another name',
            )
        earlier = self.named().get(task.name)
        if earlier is not None and earlier.kind != task.kind:
            takes = "one label" if earlier.kind == "single" else "several labels"
            raise LearningRefused(
                LearningCode.NAME_TAKEN,
                f"{task.name} takes {takes}; choose another name, or remove it first: "
                f"ticketmill tasks remove {task.name}",
            )
        self.store.define_task(task)
        return earlier

    def remove(self, name: str) -> TaskDefinition:
        """Removes a task; what people said of it stays in the journal and on the rows."""
        known = self.named()
        if name not in known:
            there_are = f"there are: {', '.join(known)}" if known else "there is none"
            raise LearningRefused(
                LearningCode.UNKNOWN_TASK, f'there is no task "{name}" of your own; {there_are}'
            )
        self.store.remove_task(name)
        return known[name]

    def named(self) -> dict[str, TaskDefinition]:
        """The definitions by name."""
        return {each.name: each for each in sorted(self.store.task_definitions(), key=lambda each: each.name)}


@dataclass(frozen=True, slots=True)
class CorrectableTasks(Mapping[str, CorrectableTask]):
    """Our tasks, then yours, as people correct them."""

    ours: Mapping[str, CorrectableTask]
    own: Definitions

    def __getitem__(self, name: str) -> CorrectableTask:
        if name in self.ours:
            return self.ours[name]
        task = self.own[name]
        return CorrectableTask(name, task.labels, is_many=task.kind == "multi")

    def __iter__(self) -> Iterator[str]:
        yield from self.ours
        yield from (name for name in self.own if name not in self.ours)

    def __len__(self) -> int:
        return sum(1 for _ in self)
