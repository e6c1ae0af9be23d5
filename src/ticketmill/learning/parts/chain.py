"""Fitted parts, one after another: texts to words to columns to probabilities."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np

from ticketmill.arrays import Doubles, Floats
from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.job import Parts
from ticketmill.learning.parts.catalogue import Catalogue, check_present
from ticketmill.learning.parts.manifest import PartEntry
from ticketmill.learning.parts.ports import (
    ROLES,
    Classifier,
    Columns,
    Features,
    Labelled,
    Part,
    PartDocument,
    Resources,
    Role,
    Setting,
    Tokenizer,
)
from ticketmill.models.heads import Kind
from ticketmill.models.tokens import Ints

_SURROGATE = re.compile("[\ud800-\udfff]")


class Chosen(NamedTuple):
    """A part of a model, and how it is set."""

    name: str
    """As it was asked for."""
    part: Part
    setting: Setting
    not_used: str
    """Why the model does not ask it; empty where it does."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The parts that a model asks. Those that it does not ask are None."""

    tokenizer: Tokenizer | None
    features: Features | None
    classifier: Classifier

    def probabilities(self, documents: Sequence[PartDocument]) -> Doubles:
        """(documents, labels), before the calibration of the whole"""
        columns = None if self.features is None else self.features.transform(documents)
        return self.classifier.probabilities(columns, documents)


def read(
    tokenizer: Tokenizer | None, texts: Sequence[str], embeddings: Sequence[Floats] | Floats | None
) -> list[PartDocument]:
    """The texts as parts see them."""
    found = []
    for at, text in enumerate(texts):
        # half of a pair of UTF-16 is no text to libraries of other languages
        clean = _SURROGATE.sub("\ufffd", text)
        words = () if tokenizer is None else [each.text for each in tokenizer.tokenize(clean)]
        found.append(PartDocument(clean, words, None if embeddings is None else embeddings[at]))
    return found


class Plan:
    """Which parts are asked, and what is read; the rest is kept in the manifest and told as not used."""

    def __init__(self, catalogue: Catalogue, asked: Parts, seed: int, resources: Resources | None) -> None:
        """Raises LearningRefused for an unknown part, and for one whose packages are missing."""
        parts = {role: catalogue.part(role, getattr(asked, role)) for role in ROLES}
        self.reads = set(parts["classifier"].reads)
        if "columns" in self.reads:
            self.reads |= parts["features"].reads
        not_used = _not_used(parts, self.reads)
        self.chosen: dict[Role, Chosen] = {}
        for role, part in parts.items():
            name: str = getattr(asked, role)
            source = name.partition(":")[2] or None
            setting = Setting(asked.locale, seed, dict(part.options), source, resources)
            self.chosen[role] = Chosen(name, part, setting, not_used[role])
            if not not_used[role]:
                check_present(part, to_fit=True)

    @property
    def is_slow(self) -> bool:
        """Whether a fit takes minutes."""
        return any(each.part.slow and not each.not_used for each in self.chosen.values())

    @property
    def used(self) -> tuple[str | None, str | None, str | None]:
        """The names of what is asked: tokenizer, features, classifier."""
        names = [None if each.not_used else each.name for each in self.chosen.values()]
        return names[0], names[1], names[2]

    def check_kind(self, kind: Kind) -> None:
        """Refused where the classifier cannot learn several labels."""
        part = self.chosen["classifier"].part
        if kind == "sigmoid" and not part.several_labels:
            raise LearningRefused(
                LearningCode.MODEL_MISMATCH,
                f"{part.name} learns one label a text, and the task has several: choose svm or logistic",
            )

    def entries(self, chain: Chain) -> tuple[dict[Role, PartEntry], dict[str, bytes]]:
        """What the manifest says of each part, and the files of all."""
        entries: dict[Role, PartEntry] = {}
        files: dict[str, bytes] = {}
        made: Mapping[Role, Tokenizer | Features | Classifier | None] = {
            "tokenizer": chain.tokenizer,
            "features": chain.features,
            "classifier": chain.classifier,
        }
        for role, (name, part, setting, not_used) in self.chosen.items():
            own, fitted = {}, made[role]
            if fitted is not None:
                own = dict(fitted.files())
                files |= {f"{role}.{file}": body for file, body in own.items()}
            entries[role] = PartEntry(
                name=name,
                options=dict(setting.options),
                libraries={} if not_used else {each: version(each) for each in part.packages},
                not_used=not_used,
                files=tuple(sorted(own)),
            )
        return entries, files


def _not_used(parts: Mapping[Role, Part], reads: Collection[str]) -> dict[Role, str]:
    """Why each part is not asked."""
    by_columns = "columns" in parts["classifier"].reads
    reader = parts["features" if by_columns else "classifier"]
    reading = "the embedding" if "embedding" in reader.reads else "the texts"
    return {
        "tokenizer": "" if "words" in reads else f"{reader.name} reads {reading} itself",
        "features": "" if by_columns else f"{parts['classifier'].name} reads the texts itself",
        "classifier": "",
    }


@dataclass(frozen=True, eq=False)
class Material:
    """The labelled texts, from which chains are fitted to some and asked of others."""

    plan: Plan
    texts: Sequence[str]
    embeddings: Floats | None
    """(texts, columns)"""
    truth: Floats
    """(texts, labels)"""
    kind: Kind

    def fit(self, rows: Ints, labels: Ints) -> Chain:
        """The parts, fitted to the texts at `rows` and to some of the labels."""
        tokenizer = self._fixed_tokenizer or self._fitted("tokenizer", [self.texts[at] for at in rows])
        labelled = Labelled(
            self.documents(tokenizer, rows), None, self.truth[np.ix_(rows, labels)], self.kind
        )
        features = self._fitted("features", labelled)
        if features is not None:
            labelled = labelled._replace(columns=features.transform(labelled.documents))
        return Chain(tokenizer, features, self._fitted("classifier", labelled))

    def documents(self, tokenizer: Tokenizer | None, rows: Ints) -> list[PartDocument]:
        """The texts at `rows` as documents."""
        if tokenizer is self._fixed_tokenizer:
            return [self._documents[at] for at in rows]
        embeddings = None if self.embeddings is None else self.embeddings[rows]
        return read(tokenizer, [self.texts[at] for at in rows], embeddings)

    def columns(self) -> Columns | None:
        """The columns that tokenizer and features make of all texts; None where nothing asks for features."""
        every = np.arange(len(self.texts))
        tokenizer = self._fixed_tokenizer or self._fitted("tokenizer", self.texts)
        documents = self.documents(tokenizer, every)
        features = self._fitted("features", Labelled(documents, None, self.truth, self.kind))
        found: Columns | None = None if features is None else features.transform(documents)
        return found

    @cached_property
    def _fixed_tokenizer(self) -> Tokenizer | None:
        """One that learns nothing is made once, and reads each text once."""
        part = self.plan.chosen["tokenizer"].part
        return None if part.learns else self._fitted("tokenizer", self.texts)

    @cached_property
    def _documents(self) -> list[PartDocument]:
        return read(self._fixed_tokenizer, self.texts, self.embeddings)

    def _fitted(self, role: Role, material: Any) -> Any:
        chosen = self.plan.chosen[role]
        return None if chosen.not_used else chosen.part.fit(material, chosen.setting)
