"""Recipes on held-out texts: what each says of them, and the arrays of the one that wins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from ticketmill.arrays import Doubles
from ticketmill.learning.families import (
    Arrays,
    DensePart,
    Fit,
    NgramPart,
    fit_dense,
    fit_keywords,
    fit_ngrams,
)
from ticketmill.learning.fine_tuned_part import RECIPE, AddedEncoder, FineTune, added_to, splits_of
from ticketmill.learning.fusion import fit_shares
from ticketmill.learning.joint_fit import JointFit, Shipped
from ticketmill.learning.quadratic import QuadraticPart, fit_quadratic
from ticketmill.learning.recipes import Recipe, Score
from ticketmill.models.finetuned import FAMILY
from ticketmill.models.heads import Kind
from ticketmill.models.tokens import Ints

PENALTIES_TRIED_ON = 2
"""The logistic recipe, of the simplest ones, on which the penalty is chosen for all."""


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
    written: tuple[str, ...]
    """(n,): what a fine-tuned encoder reads of them."""

    @property
    def median(self) -> float:
        """Texts a label."""
        return float(np.median(self.fit.truth.sum(axis=0)))


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
    below: Recipe | None = None
    """The recipe that a fine-tuned encoder is added to."""
    encoder: AddedEncoder | None = None


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
        """The inverse penalty with which one of the simple logistic recipes has the least loss."""
        logistic = [each for each in recipes if each.model == "logistic"][:PENALTIES_TRIED_ON]
        if len(penalties) == 1 or not logistic:
            return penalties[0]
        return min(penalties, key=lambda each: self.run(logistic[-1], each)[0])

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

    def with_encoder(self, tried: Tried, fine_tune: FineTune) -> Tried:
        """The recipe with a fine-tuned encoder added to it."""
        texts, recipe = self._texts, tried.score.recipe
        tuned = fine_tune(texts.written, texts.fit.truth, texts.fit.kind, splits_of(texts.folds, texts.held))
        encoder, scores = added_to(tried.scores, tuned, self.rows, self.truth, texts.fit.kind)
        richer = recipe._replace(name=RECIPE, added=(*recipe.added, FAMILY))
        score = Score(richer, _right(scores, self.truth, texts.fit.kind))
        return tried._replace(score=score, scores=scores, below=recipe, encoder=encoder)

    def arrays(self, tried: Tried) -> Arrays:
        """The arrays of an overlay that is fitted to all texts."""
        fit, recipe = self._texts.fit, tried.below or tried.score.recipe
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
