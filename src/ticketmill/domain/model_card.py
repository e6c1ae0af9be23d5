"""What is known of a learned model: its card, its files, and its place among the versions of its task.

A learned model is an overlay on a bundle: the same encoder, other weights for one task. A version is
immutable. Its files lie under their content's hash, so the same training is the same version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.records import Frozen, Record

CARD_FILE = "card.json"
"""The card among a version's files."""

TaskKind = Literal["single", "multi"]
"""Whether exactly one label of a task is right, or any number."""


class Interval(Record):
    """A measured share with its 95% interval."""

    value: float
    """The share."""
    low: float
    """The lower end of the interval."""
    high: float
    """The upper end of the interval."""


class LabelMetrics(Record):
    """How a label is predicted on examples that the model did not see."""

    precision: float
    """Of those that got the label, the share that has it."""
    recall: float
    """Of those that have the label, the share that got it."""
    f1: float
    """The harmonic mean of both."""
    support: NonNegativeInt
    """Examples that have the label."""


class GroupMetrics(Record):
    """How the model does on one group of examples."""

    accuracy: float
    """The share that is right."""
    support: NonNegativeInt
    """Examples of the group."""


class Competitor(Record):
    """A recipe that competed, measured on held-out groups."""

    recipe: str
    """The recipe."""
    families: tuple[str, ...]
    """The families of features that it may use."""
    score: float
    """Its held-out accuracy; of several labels, their micro-F1."""
    standard_error: float
    """The standard error of the score."""
    note: str = ""
    """Why it did not run, where it did not."""


class ReliabilityBin(Record):
    """Predictions of about the same confidence."""

    confidence: float
    """Their mean confidence."""
    accuracy: float
    """The share that is right."""
    share: float
    """Their share of all predictions."""


class CurvePoint(Record):
    """How a model does that is trained on a part of the examples."""

    examples: NonNegativeInt
    """The examples that it was trained on."""
    accuracy: Interval
    """On the examples that the card's figures are measured on."""


class ModelCard(Record):
    """What a version was made from, how, and how it does. The same training gives the same card."""

    task: str
    """The task."""
    kind: TaskKind
    """Whether one label is right, or several."""
    labels: tuple[str, ...]
    """The labels, in the order of the scores."""
    dataset: str
    """The name of the dataset, its content's hash."""
    examples: NonNegativeInt
    """Examples that it was trained on."""
    groups: NonNegativeInt
    """Groups among them."""
    tier: str
    """The tier of the dataset's size."""
    recipe: str
    """The recipe that won."""
    why: str
    """Why it won."""
    competed: tuple[Competitor, ...] = ()
    """The recipes that competed."""
    accuracy: Interval
    """On examples that it did not see; of several labels, their micro-F1."""
    macro_f1: float
    """The mean F1 of the labels."""
    calibration_error: float
    """The expected calibration error."""
    measured_on: Literal["hold-out", "cross-validation"]
    """What the figures were measured on."""
    by_label: dict[str, LabelMetrics] = Field(default_factory=dict)
    """The figures of each label."""
    by_group: dict[str, GroupMetrics] = Field(default_factory=dict)
    """The figures of the largest groups."""
    reliability: tuple[ReliabilityBin, ...] = ()
    """How far confidences can be believed."""
    confusion: tuple[tuple[int, ...], ...] = ()
    """Of a task with one label: counts by true label and predicted label, in the order of `labels`. Behind
    them are the labels that only the held-out examples have, in the order of `by_label`."""
    curve: tuple[CurvePoint, ...] = ()
    """The learning curve, the fewest examples first. Empty where nobody asked for it."""
    encoder: str
    """The fingerprint of the bundle whose encoder it reads."""
    environment: dict[str, str] = Field(default_factory=dict)
    """The versions of Python and of the packages that trained it."""


class FileEntry(Record):
    """One file of a version."""

    sha256: str
    """The hash of its bytes, in hex."""
    size_bytes: NonNegativeInt
    """Its size."""


class ModelVersion(Record):
    """A version as the registry knows it."""

    task: str
    """The task."""
    number: PositiveInt
    """Counts the task's versions."""
    content: str
    """The hash of its files: where they lie."""
    files: dict[str, FileEntry]
    """Its files by name."""
    dataset: str
    """The name of the dataset that it was trained on."""
    encoder: str
    """The fingerprint of the bundle whose encoder it reads."""
    accuracy: float
    """As on its card."""
    job: str
    """What made it, as the id of a job. One job has one version."""
    who: str
    """Who asked for it."""
    at: datetime
    """When it was registered."""
    parent: PositiveInt | None = None
    """The version that served then; null for the model of the bundle."""
    retired: bool = False
    """Whether it may not serve any more."""

    @property
    def name(self) -> str:
        """As in `intent/v3`: what records say of a prediction's model."""
        return version_name(self.task, self.number)

    def verified(self, files: Mapping[str, bytes | None]) -> dict[str, bytes]:
        """The files, each as the registry knows it. LearningRefused where one is not."""
        return {name: self.verified_file(name, files.get(name)) for name in self.files}

    def verified_file(self, name: str, body: bytes | None) -> bytes:
        """One file. LearningRefused, which names it, where it is not the one that was registered."""
        what = "is not what was registered"
        if name not in self.files:
            what = "was never registered"
        elif body is None:
            what = "is missing"
        elif hashlib.sha256(body).hexdigest() == self.files[name].sha256:
            return body
        raise LearningRefused(
            LearningCode.MODEL_MISMATCH,
            f"the file {name} of {self.name} {what}: import it again from an export, or train again; where "
            f"it serves, `ticketmill models rollback {self.task}` lets the one before it serve",
        )


class ExportedModel(Frozen):
    """The manifest of an exported version, beside its files."""

    format: Literal[1] = 1
    """The version of this form."""
    version: ModelVersion
    """The version as its registry knew it."""


def version_name(task: str, number: int) -> str:
    """As in `intent/v3`."""
    return f"{task}/v{number}"


def entries_of(files: Mapping[str, bytes]) -> dict[str, FileEntry]:
    """Hash and size of each file, in the order of their names."""
    return {
        name: FileEntry(sha256=hashlib.sha256(files[name]).hexdigest(), size_bytes=len(files[name]))
        for name in sorted(files)
    }


def content_of(entries: Mapping[str, FileEntry]) -> str:
    """128 bits over names and hashes of a version's files, in hex."""
    lines = "\n".join(f"{name} {entries[name].sha256}" for name in sorted(entries))
    return hashlib.sha256(lines.encode()).hexdigest()[:32]
