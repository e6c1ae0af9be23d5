"""The learned models: which there are, how they do, and which of them serves."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from ticketmill.domain.dataset import Dataset
from ticketmill.domain.model_card import ModelCard, ModelVersion
from ticketmill.domain.rollout import Change, TaskRollout
from ticketmill.entrypoints.web.caller import MAY_ADMINISTER, MAY_READ, Person
from ticketmill.entrypoints.web.model_desk import Wish
from ticketmill.entrypoints.web.parts import API, Parts
from ticketmill.learning.catalogue import TaskModels

MAX_REASON_CHARS = 500
MAX_NUMBER = 99_999_999
"""Numbers of versions have eight digits."""
NAME_PATTERN = r"^[a-z][a-z0-9_]{1,31}$"

TaskName = Annotated[str, Path(pattern=NAME_PATTERN, max_length=32, description="The task, as in `intent`.")]
Number = Annotated[int, Path(ge=1, le=MAX_NUMBER, description="Counts the versions of the task.")]

router = APIRouter(prefix=API, tags=["models"])


class ModelTask(BaseModel):
    """What serves a task."""

    task: str
    """The task."""
    decision: TaskRollout | None
    """The decision that holds; null where nobody has decided anything: then the model of the bundle serves,
    and no model a task of your own."""
    versions: int
    """How many versions are registered."""
    newest: ModelVersion | None
    """The version that was registered last."""

    @classmethod
    def of(cls, models: TaskModels) -> ModelTask:
        newest = models.versions[0] if models.versions else None
        return cls(task=models.task, decision=models.decision, versions=len(models.versions), newest=newest)


class ModelTasks(BaseModel):
    """The tasks that can have learned models."""

    tasks: list[ModelTask]


class TaskVersions(BaseModel):
    """The versions of a task, and what was decided on them."""

    task: str
    """The task."""
    decision: TaskRollout | None
    """The decision that holds; null where nobody has decided anything."""
    versions: list[ModelVersion]
    """The newest first."""
    history: list[TaskRollout]
    """The decisions, the latest first."""


class VersionWithCard(BaseModel):
    """A version with its card."""

    version: ModelVersion
    card: ModelCard


class Datasets(BaseModel):
    """The frozen snapshots that models are trained on."""

    datasets: list[Dataset]
    """The newest first."""


class DecisionRequest(BaseModel):
    """What is decided on a task."""

    model_config = ConfigDict(extra="forbid")

    change: Change
    """`shadow`, `canary` and `promote` name a version; a canary again goes on to the next share. `rollback`
    and `stop` name none."""
    version: Annotated[int | None, Field(ge=1, le=MAX_NUMBER)] = None
    """The number of the version."""
    reason: Annotated[str, Field(max_length=MAX_REASON_CHARS)] = ""
    """Why, for the history. `force` needs one."""
    force: bool = False
    """Promotes without asking whether the version is better."""
    serial: Annotated[int | None, Field(ge=0, le=MAX_NUMBER)] = None
    """The serial of the decision that was shown, 0 for none. The change is refused where another one was
    made since then."""

    def wish(self) -> Wish:
        return Wish(self.change, self.version, self.reason, self.force, self.serial)


@router.get("/models", dependencies=MAY_READ)
def list_models(parts: Parts) -> ModelTasks:
    """What serves each task: the model of the bundle, or a learned version."""
    return ModelTasks(tasks=[ModelTask.of(each) for each in parts.models().catalogue.all()])


@router.get("/models/{task}", dependencies=MAY_READ)
def get_task_models(parts: Parts, task: TaskName) -> TaskVersions:
    """The learned versions of a task, and what was decided on them."""
    catalogue = parts.models().catalogue
    found = catalogue.of(task)
    return TaskVersions(
        task=task,
        decision=found.decision,
        versions=list(found.versions),
        history=catalogue.history(task),
    )


@router.get("/models/{task}/{number:int}", dependencies=MAY_READ)
def get_model_version(parts: Parts, task: TaskName, number: Number) -> VersionWithCard:
    """A version with its card: what it was made from, what competed, and how it does."""
    catalogue = parts.models().catalogue
    version = catalogue.version(task, number)
    return VersionWithCard(version=version, card=catalogue.card(version))


@router.post("/models/{task}/decision", dependencies=MAY_ADMINISTER)
def decide_on_models(parts: Parts, person: Person, task: TaskName, said: DecisionRequest) -> TaskRollout:
    """Changes what serves a task: shadow, canary, promote, rollback or stop. Workers follow within 30 s."""
    return parts.models().decide(task, said.wish(), person)


@router.get("/datasets", dependencies=MAY_READ)
def list_datasets(
    parts: Parts,
    task: Annotated[
        str | None, Query(pattern=NAME_PATTERN, max_length=32, description="Those of one task.")
    ] = None,
) -> Datasets:
    """The datasets that models are trained on."""
    return Datasets(datasets=parts.models().catalogue.datasets(task))
