"""Which families of features may compete for a task, by the number of its labels, and which recipe wins.

A recipe with more families is chosen only where it is better on held-out groups by more than one standard
error of the difference: families that help by chance today mislead tomorrow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from ticketmill.arrays import Doubles

TIERS = {"conservative": 0, "balanced": 400, "enhanced": 800, "maximum": 1500}
"""The tiers, and from how many labelled texts each begins."""
FEW_A_LABEL = 8
"""With fewer texts a label, the median over the labels, nothing is chosen: one recipe of fixed settings."""
LARGE = 500_000
"""Texts times labels: from here on character n-grams do not compete, and from a fifth of it the penalty is
fixed."""

_POOLED = ("embedding", "layers")
_PLAIN = (*_POOLED, "statistics", "source")
_LEXICAL = (*_PLAIN, "rules", "head_scores")
_TEXT_PARTS = ("quadratic", "words", "chars", "keywords")


class Recipe(NamedTuple):
    """Families of features, and what weighs them."""

    name: str
    dense: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    model: Literal["logistic", "ridge", "shipped"] = "logistic"
    """`logistic`: one logistic regression of the columns, and parts whose scores are added to it. `ridge`:
    one ridge regression of all. `shipped`: the bundle's head as it is, which has nothing to fit."""
    corrects: bool = False
    """Whether it is fitted to what the bundle's head says wrong, and added to what that says."""
    by_source: bool = False
    """Whether every source has weights of its own beside the shared ones."""

    @property
    def families(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.dense, *self.added)


_NGRAMS = ("words", "chars", "opening_words", "opening_chars")
_WITH_LINES = (*_NGRAMS, "lines")

RECIPES: tuple[tuple[str, Recipe], ...] = (
    ("conservative", Recipe("embedding", ("embedding",))),
    ("conservative", Recipe("pooled", _POOLED, ("quadratic",))),
    ("conservative", Recipe("statistics", _PLAIN, ("quadratic",))),
    ("balanced", Recipe("ridge", _LEXICAL, _WITH_LINES, "ridge")),
    ("balanced", Recipe("ridge by source", _LEXICAL, _WITH_LINES, "ridge", by_source=True)),
    ("balanced", Recipe("lexical", _LEXICAL, _TEXT_PARTS)),
    ("enhanced", Recipe("entities", (*_LEXICAL, "entities"), _TEXT_PARTS)),
    ("enhanced", Recipe("vectors", (*_LEXICAL, "vectors"), _TEXT_PARTS)),
)
"""The recipes from the simplest to the richest, each with the first tier in which it competes."""
SHIPPED = Recipe("shipped", model="shipped")
"""The bundle's head for a task of ours. It wins wherever no other is better by more than a standard error."""
CORRECTIONS = Recipe("corrections", _LEXICAL, _NGRAMS, "ridge", corrects=True)
"""The bundle's head, and what the labels say of its mistakes. Competes from the first label on."""
FIXED = RECIPES[1][1]
"""The recipe for few texts a label."""
PENALTIES = (1.0, 5.0, 30.0)
"""Inverse penalties that are tried; the last one where there is no choice."""


class Score(NamedTuple):
    """How a recipe did on held-out texts."""

    recipe: Recipe
    right: Doubles
    """(n,): 1 for each text that it got right, or its share of right labels"""

    @property
    def mean(self) -> float:
        """The share that is right."""
        return float(self.right.mean())

    @property
    def standard_error(self) -> float:
        """Of that share."""
        return float(self.right.std() / np.sqrt(len(self.right)))


def tiers_from(bounds: str) -> dict[str, int]:
    """The tiers of a setting: from how many texts each but the first begins, separated by commas."""
    return dict(zip(TIERS, (0, *map(int, bounds.split(","))), strict=True))


def tier_of(labels: int, tiers: Mapping[str, int] = TIERS) -> str:
    """The tier of so many labelled texts."""
    return max((at, name) for name, at in tiers.items() if at <= labels)[1]


def competing(labels: int, classes: int, tiers: Mapping[str, int] = TIERS) -> list[Recipe]:
    """The recipes of the tier, the simplest first."""
    reached = tiers[tier_of(labels, tiers)]
    found = [recipe for tier, recipe in RECIPES if tiers[tier] <= reached]
    if labels * classes >= LARGE:
        found = [each._replace(added=tuple(name for name in each.added if name != "chars")) for each in found]
    return found


def choose(scores: Sequence[Score]) -> tuple[int, str]:
    """The winner among `scores`, the simplest first, and why it won."""
    best = 0
    for number, score in enumerate(scores[1:], start=1):
        gain = score.right - scores[best].right
        if gain.mean() > gain.std() / np.sqrt(len(gain)):
            best = number
    winner = scores[best]
    others = [each for each in scores if each is not winner]
    if not others:
        return best, f"{winner.recipe.name} is the only recipe for so few texts a label"
    richer = scores[best + 1 :]
    better = f"{winner.recipe.name} was right on {winner.mean:.3f} of the held-out texts"
    if not richer:
        return best, f"{better}, more than one standard error above the simpler ones"
    highest = max(richer, key=lambda each: each.mean)
    return best, (
        f"{better}; the richer {highest.recipe.name} ({highest.mean:.3f}) was not better by more than one "
        "standard error"
    )
