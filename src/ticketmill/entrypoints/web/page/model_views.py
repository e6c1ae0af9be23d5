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


@dataclass(frozen=True, slots=True)
class Naming:
    """Models and decisions in words. `bundle_tasks` are those that the bundle has a model of its own for."""

    bundle_tasks: tuple[str, ...]

    def model(self, task: str, number: int | None) -> str:
        """As in `intent/v3`; without a number what serves where no learned version does."""
        if number is not None:
            return version_name(task, number)
        return "the bundle's model" if task in self.bundle_tasks else "no model"

    def served(self, task: str, decision: TaskRollout | None) -> str:
        """What serves a task by the decision that holds."""
        return self.model(task, decision.serving if decision else None)

    def told(self, decision: TaskRollout) -> str:
        """What a decision did, as in `canary: intent/v3 at 25%`."""
        task = decision.task
        match decision.change:
            case Change.SHADOW:
                return f"shadow: {self.model(task, decision.shadow)}"
            case Change.CANARY:
                return f"canary: {self.model(task, decision.canary)} at {decision.canary_percent}%"
            case Change.PROMOTE:
                return f"promoted: {self.model(task, decision.serving)}"
            case Change.ROLLBACK:
                return f"rolled back: {self.model(task, decision.serving)} serves"
            case Change.STOP:
                return "shadow and canary stopped"
        return str(decision.change)


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


def task_actions(decision: TaskRollout | None, naming: Naming) -> list[Action]:
    """What can be decided on a task without naming a version."""
    if decision is None:
        return []
    actions = []
    if decision.canary is not None:
        actions.append(Action(Change.ROLLBACK, "End the canary"))
    elif decision.serving is not None:
        before = naming.model(decision.task, decision.previous)
        actions.append(Action(Change.ROLLBACK, f"Roll back to {before}"))
    if decision.shadow is not None:
        actions.append(Action(Change.STOP, "Stop shadow and canary"))
    return actions


def task_values(catalogue: Catalogue, models: TaskModels, naming: Naming) -> dict[str, Any]:
    """What the page of a task shows."""
    shown = models.versions[:MAX_VERSIONS]
    return {
        "task": models.task,
        "decision": models.decision,
        "versions": [VersionEntry.of(catalogue, each, models.decision) for each in shown],
        "more_versions": len(models.versions) - len(shown),
        "history": catalogue.history(models.task)[:MAX_DECISIONS],
        "actions": task_actions(models.decision, naming),
    }
