"""The fit of one task: recipes compete on held-out groups, the winner is fitted to all texts and calibrated.

The same examples and the same encoder give the same bytes.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from ticketmill.arrays import Doubles, npz_bytes
from ticketmill.domain.dataset import Example, Origin
from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.model_card import TaskKind
from ticketmill.domain.ticket import Ticket
from ticketmill.learning.calibration import Calibration, fit_calibration, fit_threshold
from ticketmill.learning.families import (
    Arrays,
    DensePart,
    Encode,
    Fit,
    Inputs,
    LabelNames,
    NgramPart,
    fit_dense,
    fit_keywords,
    fit_ngrams,
    read_inputs,
    ticket_of,
    tickets_of,
)
from ticketmill.learning.fusion import fit_shares
from ticketmill.learning.held_out_folds import folds_of
from ticketmill.learning.joint_fit import JointFit, Shipped, shipped_head, shipped_labels
from ticketmill.learning.joint_ridge import MOST_TEXTS
from ticketmill.learning.quadratic import QuadraticPart, fit_quadratic
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
from ticketmill.models.heads import Heads, Kind
from ticketmill.models.overlay import OVERLAY_ARRAYS, OVERLAY_FILE, OverlaySpec
from ticketmill.models.tokens import Ints
from ticketmill.text.reading import read_ticket

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
PENALTIES_TRIED_ON = 2
"""The recipe, of the simplest ones, on which the penalty is chosen for all."""
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
    spec: OverlaySpec
    tier: str
    recipe: Recipe
    why: str
    competed: tuple[Score, ...]
    held_out: HeldOut
    seconds: float


class Texts(NamedTuple):
    """The examples as training reads them."""

    fit: Fit
    labels: tuple[str, ...]
    sources: tuple[str, ...]
    folds: Ints
    """(n,)"""
    held: tuple[int, ...]
    """The folds that are held out, one after another."""
    shipped: Shipped | None
    """The bundle's head, where it has the task and all of the labels."""

    @property
    def median(self) -> float:
        """Texts a label."""
        return float(np.median(self.fit.truth.sum(axis=0)))


def fit_task(
    examples: Sequence[Example],
    encode: Encode,
    heads: Heads,
    task: str,
    kind: TaskKind,
    report: Report,
    tiers: dict[str, int] = TIERS,
) -> FittedTask:
    """A model of `task`. Raises LearningRefused where the examples cannot teach it."""
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
    inputs = _inputs(tickets, encode, heads, sources)
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
    return Texts(Fit(inputs, truth, softmax, names), labels, sources, folds, held, shipped)


def _sources(tickets: Sequence[Ticket]) -> tuple[str, ...]:
    counts = Counter(each.metadata.source for each in tickets if each.metadata.source)
    return tuple(sorted(name for name, count in counts.most_common(MOST_SOURCES) if count >= MIN_A_SOURCE))


def _inputs(tickets: Sequence[Ticket], encode: Encode, heads: Heads, sources: Sequence[str]) -> Inputs:
    texts = [read_ticket(ticket).text for ticket in tickets]
    return read_inputs(tickets_of(tickets, texts, encode(texts), heads), sources)


def _names(labels: Sequence[str], encode: Encode, heads: Heads, sources: Sequence[str]) -> LabelNames:
    spoken = [label.replace("_", " ").replace("-", " ").strip() or label for label in labels]
    tickets = [Ticket(ticket_id=f"label-{at}", body=name) for at, name in enumerate(spoken)]
    return LabelNames(_inputs(tickets, encode, heads, sources), np.arange(len(labels)), 1.0)


def _are_trusted(names: LabelNames, inputs: Inputs, labels: Ints) -> bool:
    """Whether the labels' names mean what the texts say: `L1` and `L2` do not."""
    own, texts = names.inputs.dense["embedding"], inputs.dense["embedding"]
    nearest = ((texts - texts.mean(axis=0)) @ (own - own.mean(axis=0)).T).argmax(axis=1)
    return float((nearest == labels).mean()) >= min(0.5, TRUSTED_NAMES / len(own))


def _competitors(texts: Texts, tiers: dict[str, int]) -> tuple[list[Recipe], tuple[float, ...]]:
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


AddedPart = QuadraticPart | NgramPart


def fit_added(fit: Fit, name: str, rows: Ints) -> AddedPart:
    """A part whose scores are added to those of the logistic regression."""
    if name == "quadratic":
        return fit_quadratic(fit, rows)
    return fit_keywords(fit, rows) if name == "keywords" else fit_ngrams(fit, rows, name)


class Tried(NamedTuple):
    """A recipe on the held-out texts: its penalty, how much each part counts, and the joined scores."""

    score: Score
    inverse_penalty: float
    shares: Doubles
    scores: Doubles


class Trial:
    """Recipes on held-out texts. Parts that several recipes share are fitted once."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._joint = JointFit(texts.fit.inputs, texts.fit.truth.astype(np.float64), texts.shipped)
        self._parts: dict[tuple[object, ...], Doubles] = {}
        folds = [np.flatnonzero(texts.folds == fold) for fold in texts.held]
        self.rows = np.concatenate(folds)
        """The held-out texts, in the order of all scores."""
        self._splits = [(np.setdiff1d(np.arange(len(texts.folds)), rows), rows) for rows in folds]
        self.truth = texts.fit.truth[self.rows].astype(np.float64)
        self.lengths = texts.fit.inputs.lengths[self.rows]

    def best_penalty(self, recipes: Sequence[Recipe], penalties: Sequence[float]) -> float:
        """The inverse penalty with the least loss."""
        if len(penalties) == 1:
            return penalties[0]
        tried_on = [each for each in recipes if each.model == "logistic"][:PENALTIES_TRIED_ON][-1]
        return min(penalties, key=lambda each: self.run(tried_on, each)[0])

    def run(self, recipe: Recipe, inverse_penalty: float) -> tuple[float, Tried]:
        """The loss of the recipe, and what it says of the held-out texts."""
        fit = self._texts.fit
        if recipe.model != "logistic":
            scores = self._joint.left_out(recipe, self._texts.folds)[self.rows]
            return 0.0, Tried(Score(recipe, _right(scores, self.truth, fit.kind)), 0.0, np.ones(1), scores)
        parts = [
            self._held_out(
                ("dense", recipe.dense, inverse_penalty),
                lambda rows: fit_dense(fit, rows, recipe.dense, inverse_penalty),
            )
        ]
        parts += [self._held_out((name,), partial(fit_added, fit, name)) for name in recipe.added]
        loss, shares = fit_shares(np.stack(parts), self.truth, fit.kind)
        scores = np.tensordot(shares, np.stack(parts), axes=1)
        right = _right(scores, self.truth, fit.kind)
        return loss, Tried(Score(recipe, right), inverse_penalty, shares, scores)

    def _held_out(self, name: tuple[object, ...], fitted: Callable[[Ints], DensePart | AddedPart]) -> Doubles:
        if name not in self._parts:
            inputs = self._texts.fit.inputs
            self._parts[name] = np.concatenate(
                [fitted(seen).scores(inputs, unseen) for seen, unseen in self._splits]
            )
        return self._parts[name]

    def arrays(self, tried: Tried) -> Arrays:
        """The arrays of an overlay that is fitted to all texts."""
        fit, recipe = self._texts.fit, tried.score.recipe
        if recipe.model != "logistic":
            return self._joint.arrays(recipe)
        rows = np.arange(len(fit.truth))
        arrays = fit_dense(fit, rows, recipe.dense, tried.inverse_penalty).arrays(float(tried.shares[0]))
        for name, share in zip(recipe.added, tried.shares[1:], strict=True):
            part = fit_added(fit, name, rows)
            arrays |= part.arrays(float(share))
            if isinstance(part, QuadraticPart):
                arrays["bias"] = np.add(arrays["bias"], np.float32(share) * part.bias, dtype=np.float32)
        return arrays


def _right(scores: Doubles, truth: Doubles, kind: Kind) -> Doubles:
    """(n,): whether the best label is true; of several labels, the share of all that is said rightly."""
    if kind == "softmax":
        return np.asarray(truth[np.arange(len(truth)), scores.argmax(axis=1)])
    return np.asarray(((scores > 0) == (truth > 0)).mean(axis=1))


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
        sources=texts.sources if "source" in recipe.dense else (),
        weights_by_source=recipe.by_source,
        shipped=texts.shipped.head if texts.shipped and _is_on_top(recipe) else None,
        temperature=found.temperature,
        length_slope=found.slope,
        threshold=fit_threshold(probabilities, trial.truth) if fit.kind == "sigmoid" else 0.5,
        review_below=_review_below(probabilities) if fit.kind == "softmax" else 0.0,
    )
    files = {
        OVERLAY_FILE: (spec.model_dump_json(indent=2) + "\n").encode(),
        OVERLAY_ARRAYS: npz_bytes(arrays),
    }
    return files, spec, probabilities


def _is_on_top(recipe: Recipe) -> bool:
    return recipe.corrects or recipe.model == "shipped"


def _review_below(probabilities: Doubles) -> float:
    return round(float(np.quantile(probabilities.max(axis=1), REVIEWED_SHARE)), 2)
