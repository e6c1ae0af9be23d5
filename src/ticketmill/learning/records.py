"""The records of learning as items: each implements a port of `learning/ports.py`, in whichever place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from ticketmill.domain.dataset import Dataset, TaskDefinition
from ticketmill.domain.errors import LearningCode, LearningRefused, TransientFailure
from ticketmill.domain.keys import (
    MODEL_TASKS_KEY,
    ROLLOUT_KEY,
    TASK_DEFINITIONS_KEY,
    TRAINING_KEY,
    datasets_key,
    serial_position,
    versions_key,
)
from ticketmill.domain.model_card import ModelVersion
from ticketmill.domain.records import Frozen, Record
from ticketmill.domain.rollout import Rollout
from ticketmill.learning.ports import LearningItems

MAX_WRITE_ATTEMPTS = 8

Kept = TypeVar("Kept", bound=Frozen)


@dataclass(frozen=True, slots=True)
class DatasetRecords:
    """The manifests of datasets, and the definitions of your own tasks."""

    items: LearningItems

    def datasets(self, task: str) -> list[Dataset]:
        """Those of a task, the newest first."""
        found = [Dataset.model_validate_json(body) for body in self.items.latest(datasets_key(task))]
        return sorted(found, key=lambda each: each.built_at or datetime.min.replace(tzinfo=UTC), reverse=True)

    def replace_dataset(self, dataset: Dataset) -> None:
        """Adds a manifest, or puts it in the place of the one of its name."""
        partition = datasets_key(dataset.task)
        for _ in range(MAX_WRITE_ATTEMPTS):
            current = self.items.get(partition, dataset.name)
            if self.items.put(partition, dataset.name, _body(dataset), replaces=current):
                return
        raise _changed_under_us(f"dataset {dataset.name}")

    def remove_dataset(self, dataset: Dataset) -> None:
        self.items.delete(datasets_key(dataset.task), dataset.name)

    def task_definitions(self) -> list[TaskDefinition]:
        """Those of every task, by name."""
        found = self.items.latest(TASK_DEFINITIONS_KEY)
        return [TaskDefinition.model_validate_json(body) for body in reversed(found)]

    def define_task(self, task: TaskDefinition) -> None:
        """Adds a task, or gives one that is there its labels of now."""
        for _ in range(MAX_WRITE_ATTEMPTS):
            current = self.items.get(TASK_DEFINITIONS_KEY, task.name)
            if self.items.put(TASK_DEFINITIONS_KEY, task.name, _body(task), replaces=current):
                return
        raise _changed_under_us(f"the definition of {task.name}")

    def remove_task(self, name: str) -> None:
        self.items.delete(TASK_DEFINITIONS_KEY, name)


@dataclass(frozen=True, slots=True)
class VersionRecords:
    """The registered versions, numbered by task."""

    items: LearningItems

    def versions(self, task: str) -> list[ModelVersion]:
        """Those of a task, the newest first, read consistently."""
        return [ModelVersion.model_validate_json(body) for body in self.items.latest(versions_key(task))]

    def tasks(self) -> list[str]:
        """The tasks that have versions."""
        return sorted(self.items.latest(MODEL_TASKS_KEY))

    def add_version(self, version: ModelVersion) -> bool:
        """Adds a version. False, and nothing written, where another one has the number."""
        self.items.put(MODEL_TASKS_KEY, version.task, version.task)
        return self.items.put(versions_key(version.task), serial_position(version.number), _body(version))

    def set_retired(self, version: ModelVersion, retired: bool) -> ModelVersion:
        """The version as it is then. Refused where there is no such version."""
        partition, position = versions_key(version.task), serial_position(version.number)
        for _ in range(MAX_WRITE_ATTEMPTS):
            body = self.items.get(partition, position)
            if body is None:
                raise LearningRefused(LearningCode.UNKNOWN_VERSION, f"there is no version {version.name}")
            current = ModelVersion.model_validate_json(body)
            changed = current.model_copy(update={"retired": retired})
            if changed == current or self.items.put(partition, position, _body(changed), replaces=body):
                return changed
        raise _changed_under_us(version.name)


@dataclass(frozen=True, slots=True)
class RolloutRecords:
    """The decisions on learned versions: one item a serial, the last one holds.

    A serial is taken once, so that of two decisions at once one counts; and nothing is ever replaced, so that
    the items are the history.
    """

    items: LearningItems

    def current(self) -> Rollout:
        """What holds now, read consistently."""
        latest = self.items.latest(ROLLOUT_KEY, limit=1)
        return Rollout.model_validate_json(latest[0]) if latest else Rollout()

    def history(self, task: str | None = None) -> list[Rollout]:
        """What has held, the latest first; of one task, what changed it."""
        found = [Rollout.model_validate_json(body) for body in self.items.latest(ROLLOUT_KEY)]
        return [each for each in found if task is None or each.changes(task)]

    def replace(self, rollout: Rollout) -> bool:
        """Appends `rollout`, which follows the one with the serial before it.

        False, and nothing written, where another decision came first.
        """
        return self.items.put(ROLLOUT_KEY, serial_position(rollout.serial), _body(rollout))


class TrainingRun(Record):
    """The training of a task that is under way, or the last one that ended."""

    task: str
    """The task."""
    job: str | None = None
    """The job that trains; null where none does."""
    until: datetime | None = None
    """How long the job has the task. A job that was killed loses it then."""
    ended_at: datetime | None = None
    """When the last training ended."""

    def is_held_by_another(self, job: str, now: datetime) -> bool:
        return self.job not in {None, job} and self.until is not None and self.until > now


@dataclass(frozen=True, slots=True)
class RunRecords:
    """The trainings under way: one a task."""

    items: LearningItems

    def claim(self, task: str, job: str, until: datetime, now: datetime) -> bool:
        """Takes the task for `job` up to `until`; False where another job has it. Again for the same job
        it is extended."""
        body, run = self._found(task)
        if run.is_held_by_another(job, now):
            return False
        claimed = run.model_copy(update={"job": job, "until": until})
        return self.items.put(TRAINING_KEY, task, _body(claimed), replaces=body)

    def release(self, task: str, job: str, ended_at: datetime) -> None:
        """Ends the run of `job`. Nothing happens where another one has the task by now."""
        body, run = self._found(task)
        if run.job == job:
            ended = TrainingRun(task=task, ended_at=ended_at)
            self.items.put(TRAINING_KEY, task, _body(ended), replaces=body)

    def current(self, task: str, now: datetime) -> str | None:
        """The job that trains a task now."""
        _, run = self._found(task)
        return run.job if run.until is not None and run.until > now else None

    def last_end(self, task: str) -> datetime | None:
        """When the last training of a task ended."""
        return self._found(task)[1].ended_at

    def _found(self, task: str) -> tuple[str | None, TrainingRun]:
        body = self.items.get(TRAINING_KEY, task)
        return body, TrainingRun(task=task) if body is None else TrainingRun.model_validate_json(body)


def _body(record: Frozen) -> str:
    return record.model_dump_json()


def _changed_under_us(what: str) -> TransientFailure:
    return TransientFailure(f"{what} changed {MAX_WRITE_ATTEMPTS} times under this write; try again")
