"""The manifest of a model of parts: what it is made of, and how its scores become probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.job import Parts
from ticketmill.learning.parts.ports import ROLES, Option, Role
from ticketmill.models.heads import Kind

PARTS_FILE = "parts.json"


class PartEntry(BaseModel):
    """A part of a model. Its files lie beside the manifest, as in `tokenizer.pieces.model`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """What was asked for, as in `tfidf` or `huggingface:org/name`."""
    options: dict[str, Option] = Field(default_factory=dict)
    """What it was made with."""
    libraries: dict[str, str] = Field(default_factory=dict)
    """The versions of the packages that made it."""
    not_used: str = ""
    """Why the model does not ask it; empty where it does."""
    files: tuple[str, ...] = ()
    """The names of its files, without the role before them."""


class PartsSpec(BaseModel):
    """`softmax` labels exclude each other, `sigmoid` labels do not.

    The logarithms of the classifier's odds are its scores. They are divided by `temperature · length **
    length_slope` after `shift` is added, the length in characters. A person should check a best label with a
    confidence under `review_below`. A sigmoid label counts from `threshold` on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    task: str
    kind: Kind
    labels: tuple[str, ...]
    locale: str
    seed: int
    tokenizer: PartEntry
    features: PartEntry
    classifier: PartEntry
    temperature: float
    length_slope: float = 0.0
    shift: float = 0.0
    threshold: float = 0.5
    review_below: float = 0.0

    def entry(self, role: Role) -> PartEntry:
        """The part of a role."""
        entries: Mapping[Role, PartEntry] = {
            "tokenizer": self.tokenizer,
            "features": self.features,
            "classifier": self.classifier,
        }
        return entries[role]

    @property
    def parts(self) -> Parts:
        """What was asked for."""
        return Parts(
            tokenizer=self.tokenizer.name,
            features=self.features.name,
            classifier=self.classifier.name,
            locale=self.locale,
        )


def check_parts(spec: PartsSpec, asked: Parts) -> None:
    """Refused where `asked` contradicts what a model is made of: a prediction takes its parts from there."""
    made = spec.parts
    for field in (*ROLES, "locale"):
        own, other = getattr(made, field), getattr(asked, field)
        if own != other:
            raise LearningRefused(
                LearningCode.PARTS_DIFFER,
                f"the model was made with the {field} {own}, and {other} is asked: leave the parts out, or "
                f"train a model with {other}",
            )
