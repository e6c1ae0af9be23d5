"""What people ask of the learned models: which there are, what serves, who decided it, and how they do."""

from __future__ import annotations

from dataclasses import dataclass

from ticketmill.domain.dataset import Dataset
from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.model_card import ModelCard, ModelVersion, version_name
from ticketmill.domain.rollout import Rollout, TaskRollout
from ticketmill.learning.comparison import Comparison
from ticketmill.learning.promotion import comparison_of
from ticketmill.learning.registry import load_card
from ticketmill.learning.store import LearningStore


@dataclass(frozen=True, slots=True)
class TaskModels:
    """The learned models of a task."""

    task: str
    decision: TaskRollout | None
    """The decision that holds; None where nobody has decided anything."""
    versions: tuple[ModelVersion, ...]
    """The newest first."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The learned models of a store. `tasks` are those that can have one, beside your own."""

    store: LearningStore
    tasks: tuple[str, ...] = ()

    def names(self) -> list[str]:
        """The tasks that can have learned models, or have some."""
        own = [definition.name for definition in self.store.datasets.task_definitions()]
        return list(dict.fromkeys((*self.tasks, *own, *self.store.versions.tasks())))

    def all(self) -> list[TaskModels]:
        """Every task with its models."""
        rollout = self.store.rollouts.current()
        return [self._models(name, rollout) for name in self.names()]

    def of(self, task: str) -> TaskModels:
        """A task with its models. Refused where there is no such task."""
        self._check(task)
        return self._models(task, self.store.rollouts.current())

    def history(self, task: str) -> list[TaskRollout]:
        """The decisions on a task, the latest first."""
        found = (rollout.tasks.get(task) for rollout in self.store.rollouts.history(task))
        return list({each.serial: each for each in found if each is not None}.values())

    def version(self, task: str, number: int) -> ModelVersion:
        """A version. Refused where there is no such one."""
        known = self.of(task).versions
        for version in known:
            if version.number == number:
                return version
        there = ", ".join(version.name for version in known[:5]) or "none yet: `ticketmill train` makes one"
        raise LearningRefused(
            LearningCode.UNKNOWN_VERSION, f"there is no {version_name(task, number)}; there is {there}"
        )

    def card(self, version: ModelVersion) -> ModelCard:
        """The card of a version. Refused where it is not the one that was registered."""
        return load_card(self.store, version)

    def comparison(self, version: ModelVersion) -> Comparison | None:
        """A version beside what serves its task, on the examples that both held out. None without any."""
        decision = self.store.rollouts.current().tasks.get(version.task)
        serving = decision.serving if decision else None
        champion = self.version(version.task, serving) if serving is not None else None
        return comparison_of(self.store, version, champion)

    def datasets(self, task: str | None = None) -> list[Dataset]:
        """The datasets of a task, or of all, the newest first. Refused where there is no such task."""
        if task is not None:
            self._check(task)
        return [
            each for name in ([task] if task else self.names()) for each in self.store.datasets.datasets(name)
        ]

    def _models(self, task: str, rollout: Rollout) -> TaskModels:
        return TaskModels(task, rollout.tasks.get(task), tuple(self.store.versions.versions(task)))

    def _check(self, task: str) -> None:
        names = self.names()
        if task not in names:
            raise LearningRefused(
                LearningCode.UNKNOWN_TASK, f"there is no task of that name; there are {', '.join(names)}"
            )
