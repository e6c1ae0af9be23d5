"""Which recipes compete, and which wins."""

from __future__ import annotations

import numpy as np
import pytest

from ticketmill.learning.recipes import RECIPES, Score, choose, competing, tier_of

ALL = [recipe for _, recipe in RECIPES]


@pytest.mark.parametrize(
    ("labels", "tier"),
    [
        (10, "conservative"),
        (399, "conservative"),
        (400, "balanced"),
        (800, "enhanced"),
        (1499, "enhanced"),
        (1500, "maximum"),
    ],
)
def test_the_tier_follows_the_number_of_labels(labels: int, tier: str) -> None:
    assert tier_of(labels) == tier


def test_bounds_of_ones_own_move_the_tiers() -> None:
    bounds = {"conservative": 0, "balanced": 50, "enhanced": 60, "maximum": 70}
    assert tier_of(55, bounds) == "balanced"


def test_more_labels_let_more_families_compete() -> None:
    few, many = competing(100, 3), competing(900, 3)
    assert {name for each in few for name in each.families} == {
        "embedding",
        "layers",
        "quadratic",
        "statistics",
        "source",
    }
    assert many[: len(few)] == few
    assert "words" in many[-1].families


def test_character_ngrams_leave_where_texts_and_labels_are_many() -> None:
    assert not any("chars" in each.families for each in competing(15_000, 150))


def test_the_simpler_wins_where_the_richer_is_better_by_chance() -> None:
    simple = np.array([1.0] * 80 + [0.0] * 20)
    richer = simple.copy()
    richer[[0, 1, 2]], richer[[80, 81, 82, 83]] = 0, 1
    winner, why = choose([Score(ALL[0], simple), Score(ALL[1], richer)])
    assert winner == 0
    assert "not better by more than one standard error" in why


def test_the_richer_wins_where_it_is_clearly_better() -> None:
    simple = np.array([1.0] * 80 + [0.0] * 20)
    richer = simple.copy()
    richer[80:90] = 1
    winner, why = choose([Score(ALL[0], simple), Score(ALL[1], richer)])
    assert winner == 1
    assert "0.900" in why
