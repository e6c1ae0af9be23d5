"""Models of parts: fitted and calibrated on labelled examples, and loaded as what a version is.

The same examples, parts and seed give the same bytes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from ticketmill.arrays import Doubles, Floats
from ticketmill.domain.dataset import Example
from ticketmill.domain.errors import LearningCode, LearningRefused, SetupError
from ticketmill.domain.job import Parts
from ticketmill.domain.model_card import TaskKind
from ticketmill.learning.calibration import Calibration, fit_calibration, fit_threshold
from ticketmill.learning.families import ticket_of
from ticketmill.learning.fine_tuned_part import Split, splits_of
from ticketmill.learning.fit import FOLDS, MANY, FittedTask, HeldOut, Report, check_labels, review_below
from ticketmill.learning.held_out_folds import folds_of
from ticketmill.learning.parts.catalogue import Catalogue, catalogue, check_present
from ticketmill.learning.parts.chain import Chain, Material, Plan, read
from ticketmill.learning.parts.manifest import PARTS_FILE, PartsSpec
from ticketmill.learning.parts.ports import ROLES, Resources, Role, Setting
from ticketmill.learning.recipes import Recipe
from ticketmill.learning.ridge import one_blas_thread
from ticketmill.models.heads import Kind
from ticketmill.models.tokens import Ints
from ticketmill.text.reading import read_ticket

TIER = "parts"
"""What a card says in the place of the tier of a dataset's size."""
LEAST_PROBABILITY = 1e-7


class TicketWithEmbedding(Protocol):
    """What a model of parts reads of a ticket after the one pass."""

    @property
    def text(self) -> str: ...
    @property
    def encoded(self) -> Embedded: ...


class Embedded(Protocol):
    """What the encoder gives."""

    @property
    def embedding(self) -> Floats: ...


class PartsModel:
    """A version of a task that is made of parts."""

    def __init__(self, spec: PartsSpec, chain: Chain) -> None:
        self.spec = spec
        self._chain = chain
        self._calibration = Calibration(spec.kind, spec.temperature, spec.length_slope, spec.shift)

    def probabilities(self, tickets: Sequence[TicketWithEmbedding]) -> Floats:
        """n tickets to (n, labels)."""
        if not tickets:
            return np.zeros((0, len(self.spec.labels)), np.float32)
        texts = [each.text for each in tickets]
        documents = read(self._chain.tokenizer, texts, [each.encoded.embedding for each in tickets])
        scores = scores_of(self._chain.probabilities(documents), self.spec.kind)
        return self._calibration.probabilities(scores, lengths_of(texts)).astype(np.float32)


def fit_parts(
    examples: Sequence[Example],
    task: str,
    kind: TaskKind,
    parts: Parts,
    resources: Resources,
    report: Report,
    seed: int = 0,
    known: Catalogue | None = None,
) -> FittedTask:
    """A model of `parts`, calibrated by what such models say of examples that they did not see.

    Raises LearningRefused where the examples cannot teach it, and where a part is unknown, lacks its packages
    or cannot learn the task.
    """
    started = time.perf_counter()
    plan = Plan(known or catalogue(), parts, seed, resources)
    labels = _labels(examples)
    material = material_of(examples, labels, kind, plan, resources)
    plan.check_kind(material.kind)
    splits = _splits(examples, material.truth, plan.is_slow)
    rows = np.concatenate([unseen for _, unseen in splits])
    with one_blas_thread():
        found = []
        for number, split in enumerate(splits, 1):
            report(f"fit {number} of {len(splits) + 1}: {len(split[0]):,} texts")
            found.append(_left_out(material, *split))
        report(f"fit {len(splits) + 1} of {len(splits) + 1}: all {len(examples):,} texts")
        chain = material.fit(np.arange(len(examples)), np.arange(len(labels)))
    scores, truth = np.concatenate(found), material.truth[rows].astype(np.float64)
    lengths = lengths_of([material.texts[at] for at in rows])
    calibration = fit_calibration(scores, truth, lengths, material.kind)
    probabilities = calibration.probabilities(scores, lengths)
    entries, files = plan.entries(chain)
    spec = PartsSpec(
        task=task,
        kind=material.kind,
        labels=labels,
        locale=parts.locale,
        seed=seed,
        tokenizer=entries["tokenizer"],
        features=entries["features"],
        classifier=entries["classifier"],
        temperature=calibration.temperature,
        length_slope=calibration.slope,
        shift=calibration.shift,
        threshold=fit_threshold(probabilities, truth) if material.kind == "sigmoid" else 0.5,
        review_below=review_below(probabilities) if material.kind == "softmax" else 0.0,
    )
    files[PARTS_FILE] = (spec.model_dump_json(indent=2) + "\n").encode()
    return FittedTask(
        files=files,
        spec=spec,
        tier=TIER,
        recipe=Recipe(" + ".join(getattr(parts, role) for role in ROLES)),
        why="these parts were asked for",
        competed=(),
        held_out=HeldOut(rows, probabilities),
        seconds=time.perf_counter() - started,
    )


def load_parts(files: Mapping[str, bytes], known: Catalogue | None = None) -> PartsModel:
    """The model in a version's files.

    Raises LearningRefused where a package of a part is missing, and SetupError where this version cannot read
    the files.
    """
    try:
        spec = PartsSpec.model_validate_json(files[PARTS_FILE])
        made: dict[Role, Any] = {role: _loaded(role, spec, files, known or catalogue()) for role in ROLES}
        chain = Chain(made["tokenizer"], made["features"], made["classifier"])
    except LearningRefused:
        raise
    except Exception as error:  # whatever a part of a third party raises
        raise SetupError(
            f"the files of a model of parts cannot be read by this version ({type(error).__name__}): train "
            "the task again"
        ) from error
    return PartsModel(spec, chain)


def _loaded(role: Role, spec: PartsSpec, files: Mapping[str, bytes], known: Catalogue) -> object:
    entry = spec.entry(role)
    if entry.not_used:
        return None
    part = known.part(role, entry.name)
    check_present(part)
    own = {name: files[f"{role}.{name}"] for name in entry.files}
    source = entry.name.partition(":")[2] or None
    return part.load(own, Setting(spec.locale, spec.seed, entry.options, source))


def _labels(examples: Sequence[Example]) -> tuple[str, ...]:
    labels = check_labels(examples)
    everywhere = [label for label in labels if all(label in each.labels for each in examples)]
    if everywhere:
        raise LearningRefused(
            LearningCode.ONE_CLASS,
            f"all texts have the label {everywhere[0]}: add texts without it, or leave the label out",
        )
    return labels


def material_of(
    examples: Sequence[Example],
    labels: Sequence[str],
    kind: TaskKind,
    plan: Plan,
    resources: Resources,
    embeddings: Floats | None = None,
) -> Material:
    """The examples as chains are fitted to them. `embeddings` (examples, columns) are used where they are
    known and asked."""
    truth = np.array([[label in each.labels for label in labels] for each in examples], np.float32)
    texts = [read_ticket(ticket_of(each)).text for each in examples]
    if "embedding" not in plan.reads:
        embeddings = None
    elif embeddings is None:
        embeddings = resources.encode(texts).embeddings
    return Material(plan, texts, embeddings, truth, "softmax" if kind == "single" else "sigmoid")


def _splits(examples: Sequence[Example], truth: Floats, few: bool) -> list[Split]:
    """What is seen and what is held out: every text in turn, or of many texts a fifth once."""
    folds = folds_of([each.group for each in examples], truth.argmax(axis=1), FOLDS)
    held = (0,) if len(examples) >= MANY else tuple(range(FOLDS))
    if few:
        return splits_of(folds, held)
    return [(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in held]


def _left_out(material: Material, seen: Ints, unseen: Ints) -> Doubles:
    """(unseen, labels): scores by parts that did not see the texts.

    A label without a seen text, or that all of them have, is no question there: it is scored by its share.
    """
    truth = material.truth[seen]
    asked = np.flatnonzero(truth.any(axis=0) & ~truth.all(axis=0))
    found = np.tile(truth.mean(axis=0, dtype=np.float64), (len(unseen), 1))
    if len(asked):
        chain = material.fit(seen, asked)
        found[:, asked] = chain.probabilities(material.documents(chain.tokenizer, unseen))
    return scores_of(found, material.kind)


def scores_of(probabilities: Doubles, kind: Kind) -> Doubles:
    """What softmax or sigmoid make the probabilities of."""
    likely = np.clip(probabilities, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    return np.log(likely) if kind == "softmax" else np.log(likely / (1 - likely))


def lengths_of(texts: Sequence[str]) -> Doubles:
    """(texts,): characters, a run of blanks counted as one; 1 at least."""
    return np.array([max(len(" ".join(text.split())), 1) for text in texts], np.float64)
