"""Which recipes compete, and which wins."""

from __future__ import annotations

import numpy as np
import pytest
from labelled_texts import encode, examples, heads

from ticketmill.bootstrap import Trainer
from ticketmill.bootstrap.fine_tuning import FineTuners
from ticketmill.learning.recipes import RECIPES, TIERS, Score, choose, competing, tier_of, tiers_from
from ticketmill.settings import Settings

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
    bounds = tiers_from("50,60,70")
    assert [tier_of(labels, bounds) for labels in (49, 55, 60, 70)] == list(TIERS)


def test_the_default_of_the_setting_is_the_tiers_of_the_docs() -> None:
    assert tiers_from(Settings.model_fields["learning_tiers"].default) == TIERS


def test_a_trainer_keeps_to_the_tiers_of_its_place() -> None:
    said: list[str] = []
    trainer = Trainer(encode, heads(), "e1", said.append, FineTuners(), tiers_from("20,9000,10000"))
    assert trainer.fit(examples(10), "area", "single").tier == "balanced"
    assert f"{len(competing(30, 3, trainer.tiers)) - 1} recipes compete" in said[0], "by source needs sources"


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


def test_entities_compete_from_the_tier_enhanced_on() -> None:
    reached = {
        labels: {name for each in competing(labels, 3) for name in each.families} for labels in (799, 800)
    }
    assert [labels for labels, families in reached.items() if "entities" in families] == [800]


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
