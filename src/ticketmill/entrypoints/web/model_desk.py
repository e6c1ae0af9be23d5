"""The learned models of the stack, and deciding which of them serves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.model_card import ModelVersion
from ticketmill.domain.rollout import CANARY_STEPS, Change, Decider, TaskRollout
from ticketmill.learning.catalogue import Catalogue
from ticketmill.learning.store import LearningStore

OF_A_VERSION = (Change.SHADOW, Change.CANARY, Change.PROMOTE)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class ModelDesk:
    """What the page and the API do with learned models."""

    store: LearningStore
    tasks: tuple[str, ...]
    """The tasks that can have learned models, beside your own."""
    steps: tuple[int, ...] = CANARY_STEPS
    """The shares that a canary goes through, in percent."""
    now: Callable[[], datetime] = _now

    @property
    def catalogue(self) -> Catalogue:
        """What there is."""
        return Catalogue(self.store, self.tasks)

    def decide(
        self,
        task: str,
        change: Change,
        who: str,
        number: int | None = None,
        reason: str = "",
        force: bool = False,
        shown: int | None = None,
    ) -> TaskRollout:
        """Changes what serves a task, and gives the decision that holds then.

        `shown` is the serial of the task's decision that the person saw. Refused where another was made
        since, or where the change cannot be.
        """
        decision = self.catalogue.of(task).decision
        _check_shown(task, decision, shown)
        by = Decider(who=who, at=self.now(), reason=reason)
        rollout = self.store.rollouts.current()
        if change in OF_A_VERSION:
            version = self._version(task, change, number)
            kind = self.catalogue.card(version).kind
            match change:
                case Change.SHADOW:
                    decided = rollout.with_shadow(task, version.number, kind, by)
                case Change.CANARY:
                    decided = rollout.with_canary(task, version.number, 5, kind, by)
                case _:
                    decided = rollout.promoted(task, version.number, kind, by)
        elif change is Change.ROLLBACK:
            decided = rollout.rolled_back(task, by)
        else:
            decided = rollout.stopped(task, by)
        self.store.rollouts.replace(decided)
        return decided.tasks[task]

    def _version(self, task: str, change: Change, number: int | None) -> ModelVersion:
        if number is None:
            raise LearningRefused(
                LearningCode.UNKNOWN_VERSION, f"{change} is for one version: name its number as `version`"
            )
        return self.catalogue.version(task, number)


def _check_shown(task: str, decision: TaskRollout | None, shown: int | None) -> None:
    """Refuses a change of what another person, or a rollback, has changed meanwhile."""
    if shown is None or shown == (decision.serial if decision else 0):
        return
    by = f": {decision.change} by {decision.who}" if decision else ""
    raise LearningRefused(
        LearningCode.STALE_DECISION,
        f"what serves {task} has changed since it was shown{by}; look at it again, then decide",
    )
