"""The fit of one task: recipes compete on held-out groups, the winner is fitted to all texts and calibrated.

The same examples and the same encoder give the same bytes.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ticketmill.arrays import Doubles, npz_bytes
from ticketmill.domain.dataset import Example, Origin
from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.model_card import TaskKind
from ticketmill.domain.ticket import Ticket
from ticketmill.learning.calibration import Calibration, fit_calibration, fit_threshold
from ticketmill.learning.families import Encode, Fit, Inputs, LabelNames, read_inputs, ticket_of, tickets_of
from ticketmill.learning.fine_tuned_part import FIRST_TIER, FineTune
from ticketmill.learning.held_out_folds import folds_of
from ticketmill.learning.joint_fit import shipped_head, shipped_labels
from ticketmill.learning.joint_ridge import MOST_TEXTS
from ticketmill.learning.recipes import (
    CORRECTIONS,
    FEW_A_LABEL,
    FIXED,
    LARGE,
    PENALTIES,
    SHIPPED,
    TIERS,
    Recipe,
    Score,
    choose,
    competing,
    tier_of,
)
from ticketmill.learning.ridge import one_blas_thread
from ticketmill.learning.trial import Texts, Trial, Tried
from ticketmill.models.finetuned import FAMILY, text_with_source
from ticketmill.models.heads import Heads, Kind
from ticketmill.models.overlay import OVERLAY_ARRAYS, OVERLAY_FILE, OverlaySpec
from ticketmill.models.tokens import Ints
from ticketmill.tasks.learned import Spec
from ticketmill.text.reading import Reading, read_ticket

MIN_A_LABEL = 2
MANY = 5000
"""Texts: from here on a fifth of them is held out once, instead of every text in turn."""
FOLDS = 5
NAMES_COUNT_UNTIL = 50
"""Texts a label, the median: with more the labels' names add nothing."""
TRUSTED_NAMES = 5.0
"""Names are used where the nearest one is right so many times as often as by chance, or for half."""
MIN_A_SOURCE = 20
"""A source of fewer texts is not told apart."""
MOST_SOURCES = 20
REVIEWED_SHARE = 0.1
"""The share of the held-out texts, those of least confidence, that a person should check."""

Report = Callable[[str], None]


class HeldOut(NamedTuple):
    """What the winner says of texts that its fit did not see, calibrated."""

    rows: Ints
    """The examples that were held out."""
    probabilities: Doubles
    """(rows, labels)"""


@dataclass(frozen=True, slots=True, eq=False)
class FittedTask:
    """The files of an overlay, and what its card says."""

    files: dict[str, bytes]
    spec: Spec
    tier: str
    recipe: Recipe
    why: str
    competed: tuple[Score, ...]
    held_out: HeldOut
    seconds: float


def fit_task(
    examples: Sequence[Example],
    encode: Encode,
    heads: Heads,
    task: str,
    kind: TaskKind,
    report: Report,
    tiers: Mapping[str, int] = TIERS,
    fine_tune: FineTune | None = None,
) -> FittedTask:
    """A model of `task`; with `fine_tune` an encoder that it gives competes from the tier `maximum` on.

    Raises LearningRefused where the examples cannot teach it.
    """
    started = time.perf_counter()
    kept = new_to_the_bundle(examples, heads, task)
    texts = _read([examples[at] for at in kept], task, encode, heads, kind)
    with one_blas_thread():
        recipes, penalties = _competitors(texts, tiers)
        report(f"{len(recipes)} recipes compete for {task} on {len(texts.folds):,} texts")
        trial = Trial(texts)
        penalty = trial.best_penalty(recipes, penalties)
        tried = [trial.run(recipe, penalty)[1] for recipe in recipes]
        winner, why = choose([each.score for each in tried])
        if fine_tune is not None and len(texts.folds) >= tiers[FIRST_TIER]:
            tried.append(trial.with_encoder(tried[winner], fine_tune))
            winner, why = choose([each.score for each in tried])
        elif fine_tune is not None:
            report(f"no fine-tuned encoder competes below {tiers[FIRST_TIER]:,} texts")
        report(f"fitting {tried[winner].score.recipe.name} to all texts")
        files, spec, probabilities = _final(texts, task, tried[winner], trial)
    return FittedTask(
        files=files,
        spec=spec,
        tier=tier_of(len(examples), tiers),
        recipe=tried[winner].score.recipe,
        why=why,
        competed=tuple(each.score for each in tried),
        held_out=HeldOut(kept[trial.rows], probabilities),
        seconds=time.perf_counter() - started,
    )


def new_to_the_bundle(examples: Sequence[Example], heads: Heads, task: str) -> Ints:
    """The positions of the examples that the bundle's head for the task was not trained on.

    It stands for the corpus that it learned; what it says of that corpus is better than what it says of
    tickets.
    """
    new = [at for at, each in enumerate(examples) if each.origin != Origin.CORPUS]
    known = {label for at in new for label in examples[at].labels} <= set(shipped_labels(heads, task))
    return np.array(new if new and known else range(len(examples)), np.int64)


def check_labels(examples: Sequence[Example], known: Sequence[str] = ()) -> tuple[str, ...]:
    """The labels, in order: those of the examples, or `known` ones that the bundle's head has already.

    Raises LearningRefused for one label, and for labels of too few texts.
    """
    counts = Counter(label for each in examples for label in each.labels)
    if len(counts) < 2:
        only = ", ".join(counts) or "none"
        raise LearningRefused(
            LearningCode.ONE_CLASS,
            f"a model needs at least two labels and the examples have {only}: label tickets of another kind",
        )
    if counts.keys() <= set(known):
        return tuple(known)
    few = sorted(label for label, count in counts.items() if count < MIN_A_LABEL)
    if few:
        named = ", ".join(f"{label} ({counts[label]})" for label in few[:10])
        raise LearningRefused(
            LearningCode.TOO_FEW_LABELS,
            f"{len(few)} labels have fewer than {MIN_A_LABEL} texts: {named}; label more of them, or leave "
            "these labels out",
        )
    return tuple(sorted(counts))


def _read(examples: Sequence[Example], task: str, encode: Encode, heads: Heads, kind: TaskKind) -> Texts:
    known = shipped_labels(heads, task) if kind == "single" else ()
    labels = check_labels(examples, known)
    number = {label: at for at, label in enumerate(labels)}
    truth = np.zeros((len(examples), len(labels)), np.float32)
    for row, each in zip(truth, examples, strict=True):
        row[[number[label] for label in each.labels]] = 1
    tickets = [ticket_of(each) for each in examples]
    sources = _sources(tickets)
    readings = [read_ticket(ticket) for ticket in tickets]
    inputs = _inputs(tickets, readings, encode, heads, sources)
    first = truth.argmax(axis=1)
    softmax: Kind = "softmax" if kind == "single" else "sigmoid"
    names = (
        _names(labels, encode, heads, sources) if np.median(truth.sum(axis=0)) < NAMES_COUNT_UNTIL else None
    )
    if names is not None and not _are_trusted(names, inputs, first):
        names = None
    folds = folds_of([each.group for each in examples], first, FOLDS)
    held = (0,) if len(examples) >= MANY else tuple(range(FOLDS))
    shipped = shipped_head(heads, task, inputs) if labels == known else None
    written = [
        text_with_source(reading.text, each.metadata.source, sources)
        for reading, each in zip(readings, tickets, strict=True)
    ]
    fit = Fit(inputs, truth, softmax, names)
    return Texts(fit, labels, sources, folds, held, shipped, tuple(written))


def _sources(tickets: Sequence[Ticket]) -> tuple[str, ...]:
    counts = Counter(each.metadata.source for each in tickets if each.metadata.source)
    return tuple(sorted(name for name, count in counts.most_common(MOST_SOURCES) if count >= MIN_A_SOURCE))


def _inputs(
    tickets: Sequence[Ticket],
    readings: Sequence[Reading],
    encode: Encode,
    heads: Heads,
    sources: Sequence[str],
) -> Inputs:
    encodings = encode([each.text for each in readings])
    return read_inputs(tickets_of(tickets, readings, encodings, heads), sources)


def _names(labels: Sequence[str], encode: Encode, heads: Heads, sources: Sequence[str]) -> LabelNames:
    spoken = [label.replace("_", " ").replace("-", " ").strip() or label for label in labels]
    tickets = [Ticket(ticket_id=f"label-{at}", body=name) for at, name in enumerate(spoken)]
    inputs = _inputs(tickets, [read_ticket(each) for each in tickets], encode, heads, sources)
    return LabelNames(inputs, np.arange(len(labels)), 1.0)


def _are_trusted(names: LabelNames, inputs: Inputs, labels: Ints) -> bool:
    """Whether the labels' names mean what the texts say: `L1` and `L2` do not."""
    own, texts = names.inputs.dense["embedding"], inputs.dense["embedding"]
    nearest = ((texts - texts.mean(axis=0)) @ (own - own.mean(axis=0)).T).argmax(axis=1)
    return float((nearest == labels).mean()) >= min(0.5, TRUSTED_NAMES / len(own))


def _competitors(texts: Texts, tiers: Mapping[str, int]) -> tuple[list[Recipe], tuple[float, ...]]:
    count, classes = texts.fit.truth.shape
    few = texts.median < FEW_A_LABEL
    if texts.shipped is None:
        recipes = [FIXED] if few else competing(count, classes, tiers)
    else:
        recipes = [SHIPPED, CORRECTIONS, *([] if few else competing(count, classes, tiers))]
    recipes = [each for each in recipes if each.model != "ridge" or count <= MOST_TEXTS]
    if not texts.sources:
        recipes = [
            each._replace(dense=tuple(name for name in each.dense if name != "source"))
            for each in recipes
            if not each.by_source
        ]
    return recipes, PENALTIES[-1:] if few or count * classes >= LARGE // 5 else PENALTIES


def _final(
    texts: Texts, task: str, tried: Tried, trial: Trial
) -> tuple[dict[str, bytes], OverlaySpec, Doubles]:
    fit, recipe, arrays = texts.fit, tried.score.recipe, trial.arrays(tried)
    found: Calibration = fit_calibration(tried.scores, trial.truth, trial.lengths, fit.kind)
    bias = arrays["bias"].astype(np.float64)
    bias[: len(texts.labels)] += found.shift
    arrays["bias"] = bias.astype(np.float32)
    probabilities = found.probabilities(tried.scores, trial.lengths)
    spec = OverlaySpec(
        task=task,
        kind=fit.kind,
        labels=texts.labels,
        families=recipe.families,
        sources=texts.sources if {"source", FAMILY} & {*recipe.families} else (),
        weights_by_source=recipe.by_source,
        shipped=texts.shipped.head if texts.shipped and _is_on_top(recipe) else None,
        fine_tuned=tried.encoder.spec if tried.encoder else None,
        temperature=found.temperature,
        length_slope=found.slope,
        threshold=fit_threshold(probabilities, trial.truth) if fit.kind == "sigmoid" else 0.5,
        review_below=review_below(probabilities) if fit.kind == "softmax" else 0.0,
    )
    files = {
        OVERLAY_FILE: (spec.model_dump_json(indent=2) + "\n").encode(),
        OVERLAY_ARRAYS: npz_bytes(arrays),
        **(tried.encoder.files if tried.encoder else {}),
    }
    return files, spec, probabilities


def _is_on_top(recipe: Recipe) -> bool:
    return recipe.corrects or recipe.model == "shipped"


def review_below(probabilities: Doubles) -> float:
    """The confidence that the least sure tenth of the held-out texts is under."""
    return round(float(np.quantile(probabilities.max(axis=1), REVIEWED_SHARE)), 2)
