"""Loading a learned version: its files, checked against what the registry says of them, as a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ticketmill.domain.errors import LearningCode, LearningRefused, SetupError
from ticketmill.domain.model_card import ModelVersion
from ticketmill.tasks.learned import LearnedModel, Overlay
from ticketmill.tasks.table import BY_NAME


@dataclass(frozen=True)
class VersionLoader:
    """Loads versions for a worker whose bundle has one of `encoders`: names of one and the same.

    Raises LearningRefused for a version that can never be loaded here, and TransientFailure where the store
    fails.
    """

    version_of: Callable[[str, int], ModelVersion]
    """A registered version. LearningRefused where there is none."""
    files_of: Callable[[ModelVersion], Mapping[str, bytes]]
    """Its files, each with the hash that the registry knows. LearningRefused where one has another."""
    load_overlay: Callable[[Mapping[str, bytes]], Overlay]
    encoders: frozenset[str]

    def __call__(self, task: str, number: int) -> LearnedModel:
        version = self.version_of(task, number)
        if version.encoder not in self.encoders:
            raise LearningRefused(
                LearningCode.ENCODER_CHANGED,
                f"{version.name} reads the encoder {version.encoder}, this bundle has another one: train it "
                "again with `ticketmill train`, or roll it back with `ticketmill models rollback`",
            )
        files = self.files_of(version)
        try:
            overlay = self.load_overlay(files)
        except SetupError as error:
            raise LearningRefused(LearningCode.MODEL_MISMATCH, f"{version.name}: {error}") from error
        return _checked(LearnedModel(task, number, overlay))


def _checked(model: LearnedModel) -> LearnedModel:
    """The model, if the task can have it. LearningRefused where a label or the kind is not the task's."""
    spec, task = model.overlay.spec, BY_NAME.get(model.task)
    problem = None
    if spec.task != model.task:
        problem = f"its files are of a model of {spec.task}"
    elif task is not None and task.of_learned is None:
        problem = f"{model.task} cannot be learned"
    elif task is not None and model.is_single != (task.measured == "class"):
        problem = f"it is a model of {'one label' if model.is_single else 'several labels'}"
    elif task is not None and task.vocabulary is not None:
        unknown = [label for label in spec.labels if label not in task.vocabulary]
        problem = f"it knows labels that {model.task} has not: {', '.join(unknown)}" if unknown else None
    if problem is not None:
        raise LearningRefused(
            LearningCode.MODEL_MISMATCH, f"{model.name} cannot serve: {problem}; train it again"
        )
    return model
