"""The learned models of the stack, and deciding which of them serves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.model_card import ModelVersion
from ticketmill.domain.rollout import Change, Decider, TaskRollout
from ticketmill.learning.catalogue import Catalogue
from ticketmill.learning.rollout import Gates, RolloutDesk


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Wish:
    """A change that a person asks for."""

    change: Change
    number: int | None = None
    """The version that a shadow, a canary or a promotion is for."""
    reason: str = ""
    """Why, for the history."""
    force: bool = False
    """Whether a promotion ignores failed gates; needs a reason."""
    shown: int | None = None
    """The serial of the task's decision that the person saw, 0 for none."""


@dataclass(frozen=True)
class ModelDesk:
    """What the page and the API do with learned models."""

    catalogue: Catalogue
    rollouts: RolloutDesk
    gates: Callable[[ModelVersion], Gates]
    """What a version must pass before it serves."""
    now: Callable[[], datetime] = _now

    @property
    def steps(self) -> tuple[int, ...]:
        """The shares that a canary goes through, in percent."""
        return self.rollouts.steps

    def decide(self, task: str, wish: Wish, who: str) -> TaskRollout:
        """Changes what serves a task, and gives the decision that holds then.

        Refused where another decision was made since the one that was shown, or where the change cannot be.
        """
        _check_shown(task, self.catalogue.of(task).decision, wish.shown)
        by = Decider(who=who, at=self.now(), reason=wish.reason)
        match wish.change:
            case Change.SHADOW:
                return self.rollouts.shadow(self._version(task, wish), by)
            case Change.CANARY:
                return self.rollouts.canary(self._version(task, wish), by)
            case Change.PROMOTE:
                version = self._version(task, wish)
                return self.rollouts.promote(version, by, self.gates(version), wish.force).decision
            case Change.ROLLBACK:
                return self.rollouts.roll_back(task, by)
            case Change.STOP:
                return self.rollouts.stop(task, by)

    def _version(self, task: str, wish: Wish) -> ModelVersion:
        if wish.number is None:
            raise LearningRefused(
                LearningCode.UNKNOWN_VERSION,
                f"{wish.change} is for one version: name its number as `version`",
            )
        return self.catalogue.version(task, wish.number)


def _check_shown(task: str, decision: TaskRollout | None, shown: int | None) -> None:
    """Refuses a change of what another person, or a rollback, has changed meanwhile."""
    if shown is None or shown == (decision.serial if decision else 0):
        return
    by = f": {decision.change} by {decision.who}" if decision else ""
    raise LearningRefused(
        LearningCode.DECISION_CHANGED,
        f"what serves {task} has changed since it was shown{by}; look at it again, then decide",
    )
