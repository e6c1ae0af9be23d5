"""Measures combinations of parts on one split of labelled texts: right labels, time, and size.

Times are CPU seconds of the process, so that another process on the machine does not count. The encoder's
pass is not in them: the worker makes it anyway.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np

from ticketmill.arrays import Floats
from ticketmill.domain.dataset import Example
from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.job import Parts
from ticketmill.domain.model_card import TaskKind
from ticketmill.learning.fit import FOLDS, Report, check_labels
from ticketmill.learning.held_out_folds import folds_of
from ticketmill.learning.judge import Judged, measure
from ticketmill.learning.parts.catalogue import Catalogue
from ticketmill.learning.parts.chain import Material, Plan, read
from ticketmill.learning.parts.model import material_of
from ticketmill.learning.parts.ports import ROLES, Resources
from ticketmill.learning.ridge import one_blas_thread
from ticketmill.models.heads import Kind
from ticketmill.models.tokens import Ints

Used = tuple[str | None, str | None, str | None]
"""Tokenizer, features and classifier; None for one that the model does not ask."""


@dataclass(frozen=True, slots=True)
class Benched:
    """How a combination did."""

    used: Used
    accuracy: float | None = None
    """The share that is right; of several labels, their micro-F1."""
    macro_f1: float | None = None
    fit_cpu_s: float | None = None
    """Of one fit. A training makes six: five for the calibration, and one of all texts; from 5,000 texts on
    two."""
    documents_per_cpu_s: float | None = None
    megabytes: float | None = None
    refused: str = ""
    """Why it was not measured."""


class Split(NamedTuple):
    """What is trained on, and what is measured on."""

    trained: Sequence[Example]
    tested: Sequence[Example]


class _Spec(NamedTuple):
    """What measures read of a model."""

    task: str
    kind: Kind
    labels: tuple[str, ...]
    review_below: float = 0.0
    threshold: float = 0.5


def split_of(examples: Sequence[Example]) -> Split:
    """A fifth of the examples is measured on, drawn by group."""
    labels = {label: at for at, label in enumerate(sorted({each for one in examples for each in one.labels}))}
    first = np.array([labels[each.labels[0]] if each.labels else 0 for each in examples], np.int64)
    folds = folds_of([each.group for each in examples], first, FOLDS)
    trained, tested = (
        [each for each, fold in zip(examples, folds.tolist(), strict=True) if (fold == 0) is held]
        for held in (False, True)
    )
    return Split(trained, tested)


def combinations(catalogue: Catalogue, only: Sequence[str], locale: str) -> list[Parts]:
    """The combinations of all parts; of a role that `only` names parts of, of those alone.

    Raises LearningRefused for a name that there is not.
    """
    known = {name for _, name in catalogue.parts}
    unknown = [each for each in only if each.partition(":")[0] not in known]
    if unknown:
        raise LearningRefused(
            LearningCode.UNKNOWN_PART, f"there is no part {unknown[0]}: choose of {', '.join(sorted(known))}"
        )
    chosen = []
    for role in ROLES:
        own = [name for each, name in catalogue.parts if each == role]
        chosen.append([each for each in only if each.partition(":")[0] in own] or own)
    return [
        Parts(tokenizer=tokenizer, features=features, classifier=classifier, locale=locale)
        for classifier, features, tokenizer in product(*reversed(chosen))
    ]


def bench(
    split: Split,
    task: str,
    kind: TaskKind,
    asked: Iterable[Parts],
    catalogue: Catalogue,
    resources: Resources,
    report: Report,
) -> Iterator[Benched]:
    """Each combination once; those that differ in what is not used are one."""
    labels = check_labels(split.trained)
    everything = [*split.trained, *split.tested]
    embeddings: Floats | None = None
    seen: set[Used] = set()
    for parts in asked:
        try:
            plan = Plan(catalogue, parts, 0, resources)
        except LearningRefused as error:
            yield Benched((parts.tokenizer, parts.features, parts.classifier), refused=error.message)
            continue
        used = plan.used
        if used in seen:
            continue
        seen.add(used)
        report(" + ".join(filter(None, used)))
        material = material_of(everything, labels, kind, plan, resources, embeddings)
        embeddings = material.embeddings if material.embeddings is not None else embeddings
        yield _measured(used, material, split, _Spec(task, material.kind, labels))


def _measured(used: Used, material: Material, split: Split, spec: _Spec) -> Benched:
    trained = np.arange(len(split.trained))
    tested: Ints = np.arange(len(split.trained), len(split.trained) + len(split.tested))
    everything = np.arange(len(spec.labels))
    try:
        with one_blas_thread():
            if not material.plan.is_slow:
                material.fit(_some(material, trained), everything)  # imports are not measured
            started = time.process_time()
            chain = material.fit(trained, everything)
            fitted = time.process_time()
            texts = [material.texts[at] for at in tested]
            embeddings = None if material.embeddings is None else material.embeddings[tested]
            said = time.process_time()
            probabilities = chain.probabilities(read(chain.tokenizer, texts, embeddings))
            predicting = time.process_time() - said
    except LearningRefused as error:
        return Benched(used, refused=error.message)
    measures = measure(Judged(split.tested, probabilities), spec)
    _, files = material.plan.entries(chain)
    return Benched(
        used,
        accuracy=measures.accuracy.value,
        macro_f1=measures.macro_f1,
        fit_cpu_s=fitted - started,
        documents_per_cpu_s=len(texts) / max(predicting, 1e-9),
        megabytes=sum(map(len, files.values())) / 1e6,
    )


def _some(material: Material, rows: Ints) -> Ints:
    """Two texts of each label."""
    return np.unique(np.concatenate([np.flatnonzero(label)[:2] for label in material.truth[rows].T]))
