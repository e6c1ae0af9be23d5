"""Which learned versions serve, shadow or run as a canary: one decision a task, in an order of all.

Every change of any task raises the serial. Rows carry it beside the serial of the bundle, so that no worker
with an older decision replaces what a newer one made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from pydantic import Field, NonNegativeInt, PositiveInt

from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.model_card import TaskKind, version_name
from ticketmill.domain.records import Open, Record

BUCKETS = 10_000
CANARY_STEPS = (5, 25, 50, 100)
"""Shares of the tickets, in percent, that a canary goes through."""


class Arm(StrEnum):
    """Which of a task's versions predicts for a ticket."""

    SERVING = "serving"
    CANARY = "canary"


class Change(StrEnum):
    """What a decision did."""

    SHADOW = "shadow"
    CANARY = "canary"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    STOP = "stop"
    """Shadow and canary end; the serving version stays."""


class TaskRollout(Record):
    """The decision that holds for a task. A version is its number; None as `serving` is the bundle's own."""

    task: str
    """The task."""
    kind: TaskKind = "single"
    """Whether one label is right, or several."""
    serving: PositiveInt | None = None
    """The version that serves; null for the model of the bundle, and for a task of your own for none."""
    previous: PositiveInt | None = None
    """The version that served before: what a rollback goes to."""
    shadow: PositiveInt | None = None
    """The version that scores every ticket and decides nothing."""
    canary: PositiveInt | None = None
    """The version that predicts for a share of the tickets."""
    canary_percent: NonNegativeInt = 0
    """That share."""
    serial: PositiveInt
    """The serial of this decision."""
    change: Open[Change]
    """What it did."""
    who: str
    """Who decided: a person, or `automatic`."""
    at: datetime
    """When."""
    reason: str = ""
    """Why, in a sentence."""

    @property
    def versions(self) -> tuple[int, ...]:
        """The versions that workers must have."""
        return tuple(sorted({each for each in (self.serving, self.shadow, self.canary) if each is not None}))

    def arm_of(self, ticket_id: str) -> Arm:
        """The arm of a ticket: the same for ever while the share of the canary only grows."""
        if self.canary is None:
            return Arm.SERVING
        is_canary = bucket_of(self.task, ticket_id) < self.canary_percent * BUCKETS // 100
        return Arm.CANARY if is_canary else Arm.SERVING

    def version_for(self, ticket_id: str) -> int | None:
        """The version that predicts for a ticket; None for the bundle's own model."""
        return self.canary if self.arm_of(ticket_id) is Arm.CANARY else self.serving


class Rollout(Record):
    """The decisions of all tasks. Serial 0: nobody has decided anything."""

    serial: NonNegativeInt = 0
    """The serial of the latest decision."""
    tasks: dict[str, TaskRollout] = Field(default_factory=dict)
    """The decision that holds for each task."""

    def changes(self, task: str) -> bool:
        """Whether the latest decision is one on `task`."""
        return task in self.tasks and self.tasks[task].serial == self.serial

    def versions_for(self, ticket_id: str) -> dict[str, int]:
        """The learned version that predicts each task for a ticket; without the tasks that have none."""
        found = {task: each.version_for(ticket_id) for task, each in sorted(self.tasks.items())}
        return {task: number for task, number in found.items() if number is not None}

    def fingerprint_for(self, bundle: str, ticket_id: str) -> str:
        """What decides the predictions for a ticket: the bundle's fingerprint where no learned version
        does, else a hash of it and of the versions."""
        return combined_fingerprint(bundle, self.versions_for(ticket_id))

    def with_shadow(self, task: str, version: int, kind: TaskKind, by: Decider) -> Rollout:
        """`version` scores every ticket from now on, and decides nothing."""
        return self._changed(task, by, Change.SHADOW, kind=kind, shadow=version)

    def with_canary(self, task: str, version: int, percent: int, kind: TaskKind, by: Decider) -> Rollout:
        """`version` predicts for `percent` of the tickets."""
        shadow = self.tasks[task].shadow if task in self.tasks else None
        return self._changed(
            task,
            by,
            Change.CANARY,
            kind=kind,
            canary=version,
            canary_percent=percent,
            shadow=None if shadow == version else shadow,
        )

    def promoted(self, task: str, version: int, kind: TaskKind, by: Decider) -> Rollout:
        """`version` serves; shadow and canary end. Refused where it serves already."""
        current = self.tasks.get(task)
        if current is not None and current.serving == version and current.canary is None:
            raise LearningRefused(
                LearningCode.ALREADY_SERVING, f"{version_name(task, version)} serves already"
            )
        return self._changed(
            task,
            by,
            Change.PROMOTE,
            kind=kind,
            serving=version,
            previous=None if current is None else current.serving,
            shadow=None,
            canary=None,
            canary_percent=0,
        )

    def rolled_back(self, task: str, by: Decider, to_bundle: bool = False) -> Rollout:
        """A canary ends; without one, what served before serves again. Refused where nothing was promoted.

        With `to_bundle` the bundle's own model serves again, whatever served before.
        """
        current = self.tasks.get(task)
        if current is not None and current.canary is not None and not to_bundle:
            return self._changed(task, by, Change.ROLLBACK, canary=None, canary_percent=0)
        if current is None or current.serving is None:
            raise LearningRefused(
                LearningCode.NOTHING_TO_ROLL_BACK,
                f"no learned version of {task} serves; `ticketmill models list` shows what does",
            )
        return self._changed(
            task,
            by,
            Change.ROLLBACK,
            serving=None if to_bundle else current.previous,
            previous=None,
            shadow=None,
            canary=None,
            canary_percent=0,
        )

    def stopped(self, task: str, by: Decider) -> Rollout:
        """Shadow and canary of a task end."""
        return self._changed(task, by, Change.STOP, shadow=None, canary=None, canary_percent=0)

    def _changed(self, task: str, by: Decider, change: Change, **changes: object) -> Rollout:
        serial = self.serial + 1
        said = {"serial": serial, "change": change, "who": by.who, "at": by.at, "reason": by.reason}
        current = self.tasks.get(task)
        if current is None:
            decided = TaskRollout.model_validate({"task": task, **said, **changes})
        else:
            decided = current.model_copy(update={**said, **changes})
        return Rollout(serial=serial, tasks={**self.tasks, task: decided})


class Decider(Record):
    """Who decides, when and why."""

    who: str
    at: datetime
    reason: str = ""


def bucket_of(task: str, ticket_id: str) -> int:
    """A number below BUCKETS, the same for a ticket for ever, and of each task another."""
    digest = hashlib.blake2b(f"{task}\n{ticket_id}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) % BUCKETS


def combined_fingerprint(bundle: str, versions: Mapping[str, int]) -> str:
    """A hash of the fingerprint and of learned versions by task; without any the fingerprint itself."""
    if not versions:
        return bundle
    lines = [bundle, *(version_name(task, number) for task, number in sorted(versions.items()))]
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=6).hexdigest()
