"""What learning asks of the world, in its own verbs.

Objects and items are what a place must have: adapters lie in `aws`, and in `learning/directory.py` and
`learning/directory_items.py` for a folder of this machine. Datasets, versions, rollouts and runs are kept in
items, see `learning/records.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from ticketmill.domain.dataset import CurrentTicket, Dataset, TaskDefinition
from ticketmill.domain.label import Correction
from ticketmill.domain.model_card import ModelVersion
from ticketmill.domain.rollout import Rollout


class LearningObjects(Protocol):
    """The objects of the learning prefix. Keys are whole, as `domain.keys` makes them."""

    def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, body: bytes) -> None: ...

    def keys(self, prefix: str) -> Iterator[str]: ...

    def delete(self, keys: Iterable[str]) -> None:
        """Deletes objects with every version of theirs; those that are not there are no fault."""
        ...


class LearningItems(Protocol):
    """Small documents in partitions. A partition orders its items by their positions."""

    def get(self, partition: str, position: str) -> str | None:
        """The item, read consistently; None where there is none."""
        ...

    def latest(self, partition: str, limit: int | None = None) -> list[str]:
        """The items of a partition, the highest position first, read consistently."""
        ...

    def put(self, partition: str, position: str, body: str, replaces: str | None = None) -> bool:
        """Writes an item in the place of `replaces`; without that, where there is none.

        False, and nothing written, where another item is there. A write that arrived though its answer was
        lost, and was sent again, is ours: True.
        """
        ...

    def overwrite(self, partition: str, bodies: Mapping[str, str]) -> None:
        """Writes many items by their positions, whatever was there."""
        ...

    def delete(self, partition: str, position: str) -> None:
        """Deletes an item; one that is not there is no fault."""
        ...


class Journal(Protocol):
    """What people said."""

    def walk(self) -> Iterator[Correction]:
        """Every correction; those of a ticket stand together, in the order of their numbers."""
        ...


class CurrentTickets(Protocol):
    """Tickets by id, with their texts."""

    def of(self, ticket_ids: Sequence[str]) -> dict[str, CurrentTicket]:
        """Those that have a row."""
        ...


class Datasets(Protocol):
    """The manifests of the datasets, and the tasks that people added."""

    def datasets(self, task: str) -> list[Dataset]:
        """Those of a task, the newest first."""
        ...

    def replace_dataset(self, dataset: Dataset) -> None:
        """Adds a manifest, or puts it in the place of the one of its name."""
        ...

    def remove_dataset(self, dataset: Dataset) -> None: ...

    def task_definitions(self) -> list[TaskDefinition]: ...

    def define_task(self, task: TaskDefinition) -> None:
        """Adds a task, or gives one that is there its labels of now."""
        ...

    def remove_task(self, name: str) -> None: ...


class Versions(Protocol):
    """The registered versions."""

    def versions(self, task: str) -> list[ModelVersion]:
        """Those of a task, the newest first, read consistently."""
        ...

    def tasks(self) -> list[str]:
        """The tasks that have versions."""
        ...

    def add_version(self, version: ModelVersion) -> bool:
        """Adds a version. False, and nothing written, where another one has the number."""
        ...

    def set_retired(self, version: ModelVersion, retired: bool) -> ModelVersion:
        """The version as it is then."""
        ...


class Rollouts(Protocol):
    """The decisions on learned versions."""

    def current(self) -> Rollout:
        """What holds now, read consistently."""
        ...

    def history(self, task: str | None = None) -> list[Rollout]:
        """What has held, the latest first."""
        ...

    def replace(self, rollout: Rollout) -> bool:
        """Appends `rollout`, which follows the one with the serial before it.

        False, and nothing written, where another decision came first.
        """
        ...


class Runs(Protocol):
    """Which trainings are under way: one a task."""

    def claim(self, task: str, job: str, until: datetime, now: datetime) -> bool:
        """Takes the task for `job` up to `until`; False where another job has it. Again for the same job
        it is extended."""
        ...

    def release(self, task: str, job: str, ended_at: datetime) -> None: ...

    def current(self, task: str, now: datetime) -> str | None:
        """The job that trains a task now."""
        ...

    def last_end(self, task: str) -> datetime | None:
        """When the last training of a task ended."""
        ...
