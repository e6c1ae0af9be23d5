"""Following the rollout: which decision a worker works under, with its versions loaded.

A worker reads the decisions again every few seconds, beside its batches, and loads what they name. A batch
takes one `Learned` at its start and keeps it. A version that cannot be loaded is refused: of its task the
serving version stays where that one can be had, else what was followed before, else the bundle's own model;
and the worker writes a serial below that of the decision that it does not follow. So it neither goes on with
what a decision ended, nor replaces what others made under it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock

from ticketmill.domain.errors import LearningRefused, TransientFailure
from ticketmill.domain.model_card import version_name
from ticketmill.domain.rollout import Rollout, TaskRollout
from ticketmill.pipeline.learned import Learned
from ticketmill.tasks.learned import LearnedModel

log = logging.getLogger(__name__)

REFRESH_S = 15.0
"""Between two looks at the decisions: half of the 30 s in which a rollback must reach every batch."""

LoadVersion = Callable[[str, int], LearnedModel]
"""Loads a version of a task. LearningRefused or TransientFailure where it cannot be had."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A version that a decision names and that could not be loaded."""

    version: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Followed:
    """A decision of all tasks, as far as it can be followed, and why not further."""

    decided: Rollout
    rollout: Rollout
    models: Mapping[tuple[str, int], LearnedModel]
    refused: tuple[Refused, ...] = ()


def follow(decided: Rollout, before: Followed, load: LoadVersion) -> Followed:
    """`decided`, with its versions loaded; those that `before` has are not loaded again."""
    models: dict[tuple[str, int], LearnedModel] = {}
    refused: list[Refused] = []
    for task, decision in sorted(decided.tasks.items()):
        for number in decision.versions:
            name = version_name(task, number)
            try:
                models[task, number] = before.models.get((task, number)) or load(task, number)
            except (LearningRefused, TransientFailure) as error:
                refused.append(Refused(name, error.code, str(error)))
            except Exception as error:  # noqa: BLE001 - whatever a damaged file makes NumPy raise
                refused.append(Refused(name, "fault", f"{name} cannot be loaded: {type(error).__name__}"))
    tasks = {
        task: _followed(each, before.rollout.tasks.get(task), models) for task, each in decided.tasks.items()
    }
    serials = [each.serial for task, each in decided.tasks.items() if tasks[task] != each]
    rollout = Rollout(
        serial=min(serials) - 1 if serials else decided.serial,
        tasks={task: each for task, each in tasks.items() if each is not None},
    )
    kept = {
        (task, number): (models.get((task, number)) or before.models[task, number])
        for task, each in rollout.tasks.items()
        for number in each.versions
        if (task, number) in models or (task, number) in before.models
    }
    return Followed(decided, rollout, kept, tuple(refused))


def _followed(
    decision: TaskRollout, before: TaskRollout | None, models: Mapping[tuple[str, int], LearnedModel]
) -> TaskRollout | None:
    """What is followed of a decision; None for the bundle's own model. A shadow may be missing."""

    def has(number: int | None) -> bool:
        return number is None or (decision.task, number) in models

    if has(decision.serving) and has(decision.canary):
        return decision
    if has(decision.serving):
        return decision.model_copy(update={"canary": None, "canary_percent": 0})
    return before


@dataclass
class RolloutFollower:
    """What a worker predicts with now. Called at the start of each batch.

    `refresh` looks at the decisions; where no thread calls it, as in Lambda, the call itself does when it is
    due. `learned` has what learned versions report to.
    """

    read: Callable[[], Rollout]
    load: LoadVersion
    refresh_s: float = REFRESH_S
    learned: Learned = field(default_factory=Learned)
    refreshes_itself: bool = True
    monotonic: Callable[[], float] = time.monotonic
    _followed: Followed | None = field(default=None, init=False)
    _read_at: float = field(default=0.0, init=False)
    _refreshing: Lock = field(default_factory=Lock, init=False)

    def __call__(self) -> Learned:
        """The versions of now. TransientFailure where no decision was ever read and none can be."""
        if self._followed is None or (self.refreshes_itself and self._is_due()):
            with self._refreshing:
                if self._followed is None or self._is_due():
                    self._refresh()
        return self.learned

    @property
    def serial(self) -> int:
        """The serial that the worker writes."""
        return self.learned.rollout.serial

    @property
    def refused(self) -> tuple[Refused, ...]:
        """The versions that the latest decision names and that could not be loaded."""
        return () if self._followed is None else self._followed.refused

    def refresh(self) -> None:
        """Looks at the decisions now. TransientFailure where none was ever read and none can be."""
        with self._refreshing:
            self._refresh()

    def _is_due(self) -> bool:
        return self.monotonic() - self._read_at >= self.refresh_s

    def _refresh(self) -> None:
        known = self._followed
        try:
            decided = self.read()
        except (TransientFailure, ValueError) as error:
            failure = _failure_of(error)
            if known is None:
                raise failure from error
            log.warning("the rollout could not be read again, the last decision holds: %s", failure)
            self._read_at = self.monotonic()
            return
        if known is None or known.decided != decided or known.refused:
            before = known or Followed(Rollout(), Rollout(), {})
            followed = follow(decided, before, self.load)
            self._tell(followed, before, is_first=known is None)
            self.learned = replace(self.learned, rollout=followed.rollout, models=followed.models)
            self._followed = followed
        self._read_at = self.monotonic()

    def _tell(self, followed: Followed, before: Followed, *, is_first: bool) -> None:
        for each in followed.refused:
            if each not in before.refused:
                log.warning("learned version refused, %s: %s", each.code, each.message)
        if followed.decided.serial and (is_first or followed.rollout != before.rollout):
            served = ", ".join(sorted(model.name for model in followed.models.values())) or "none"
            log.info(
                "rollout %d followed, written as serial %d; learned versions: %s",
                followed.decided.serial,
                followed.rollout.serial,
                served,
            )


def _failure_of(error: TransientFailure | ValueError) -> TransientFailure:
    """Of a record that this version cannot read a newer one may make sense."""
    if isinstance(error, TransientFailure):
        return error
    return TransientFailure("this version cannot read the rollout: install a newer one", "unreadable_rollout")
