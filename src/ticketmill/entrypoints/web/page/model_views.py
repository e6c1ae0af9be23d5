"""What the pages of the learned models show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from ticketmill.domain.errors import LearningRefused
from ticketmill.domain.model_card import ModelCard, ModelVersion, version_name
from ticketmill.domain.rollout import Change, TaskRollout
from ticketmill.learning.card_plots import drawings
from ticketmill.learning.catalogue import Catalogue, TaskModels
from ticketmill.learning.svg import Drawing

MAX_VERSIONS = 20
"""The versions of a task that are shown with their cards: the newest."""
MAX_DECISIONS = 50

TOLD = {
    Change.SHADOW: "shadow started",
    Change.CANARY: "canary",
    Change.PROMOTE: "promoted",
    Change.ROLLBACK: "rolled back",
    Change.STOP: "shadow and canary stopped",
}


@dataclass(frozen=True, slots=True)
class Action:
    """A button: what it decides, and what stands on it."""

    change: Change
    words: str


@dataclass(frozen=True, slots=True)
class VersionEntry:
    """A version with its card; without it where the card cannot be read, and then `reason` says why."""

    version: ModelVersion
    state: str
    """What it does now, as in `canary 25%`."""
    card: ModelCard | None
    reason: str = ""

    @classmethod
    def of(cls, catalogue: Catalogue, version: ModelVersion, decision: TaskRollout | None) -> VersionEntry:
        state = state_of(version, decision)
        try:
            return cls(version, state, catalogue.card(version))
        except LearningRefused as refused:
            return cls(version, state, None, refused.message)

    def drawings(self) -> list[tuple[Drawing, Markup]]:
        """The plots of its card. Their texts are escaped where they are drawn."""
        return [(each, Markup(each.inline())) for each in drawings(self.card)] if self.card else []  # noqa: S704


def state_of(version: ModelVersion, decision: TaskRollout | None) -> str:
    """What a version does now."""
    states = []
    if decision is not None:
        if decision.serving == version.number:
            states.append("serving")
        if decision.shadow == version.number:
            states.append("shadow")
        if decision.canary == version.number:
            states.append(f"canary {decision.canary_percent}%")
    return ", ".join([*states, "retired"] if version.retired else states)


def version_actions(
    version: ModelVersion, decision: TaskRollout | None, steps: Sequence[int]
) -> list[Action]:
    """What can be decided on a version."""
    number = version.number
    serving, shadow, canary, percent = (
        (decision.serving, decision.shadow, decision.canary, decision.canary_percent)
        if decision
        else (None, None, None, 0)
    )
    if version.retired or (serving == number and canary is None):
        return []
    actions = []
    if number not in (serving, shadow, canary):
        actions.append(Action(Change.SHADOW, "Start a shadow"))
    if serving != number:
        reached = percent if canary == number else 0
        step = next((each for each in steps if each > reached), None)
        if step is not None:
            words = f"Canary to {step}%" if reached else f"Start a canary at {step}%"
            actions.append(Action(Change.CANARY, words))
    return [*actions, Action(Change.PROMOTE, "Promote")]


def task_actions(decision: TaskRollout | None) -> list[Action]:
    """What can be decided on a task without naming a version."""
    if decision is None:
        return []
    actions = []
    if decision.canary is not None:
        actions.append(Action(Change.ROLLBACK, "End the canary"))
    elif decision.serving is not None:
        before = model_name(decision.task, decision.previous)
        actions.append(Action(Change.ROLLBACK, f"Roll back to {before}"))
    if decision.shadow is not None:
        actions.append(Action(Change.STOP, "Stop shadow and canary"))
    return actions


def model_name(task: str, number: int | None) -> str:
    """As in `intent/v3`; the bundle's own model where no learned version has a number."""
    return "the bundle's model" if number is None else version_name(task, number)


def told(decision: TaskRollout) -> str:
    """What a decision did, as in `canary intent/v3 at 25%`."""
    name = TOLD.get(decision.change, str(decision.change))  # type: ignore[call-overload]
    task = decision.task
    match decision.change:
        case Change.SHADOW:
            return f"{name}: {model_name(task, decision.shadow)}"
        case Change.CANARY:
            return f"{name}: {model_name(task, decision.canary)} at {decision.canary_percent}%"
        case Change.PROMOTE | Change.ROLLBACK:
            return f"{name}: {model_name(task, decision.serving)} serves"
    return str(name)


def task_values(catalogue: Catalogue, models: TaskModels) -> dict[str, Any]:
    """What the page of a task shows."""
    shown = models.versions[:MAX_VERSIONS]
    return {
        "task": models.task,
        "decision": models.decision,
        "versions": [VersionEntry.of(catalogue, each, models.decision) for each in shown],
        "more_versions": len(models.versions) - len(shown),
        "history": catalogue.history(models.task)[:MAX_DECISIONS],
        "actions": task_actions(models.decision),
    }
