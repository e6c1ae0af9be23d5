"""Two models on the same held-out examples."""

from __future__ import annotations

import random

import pytest
from learned_versions import held_out

from ticketmill.domain.held_out import HeldOutPrediction, HeldOutPredictions
from ticketmill.learning.comparison import Pair, compare, mcnemar, pairs_of


def predictions(right: int, wrong: int) -> tuple[HeldOutPrediction, ...]:
    return HeldOutPredictions.model_validate_json(held_out(right, wrong)).predictions


def test_the_difference_has_an_interval_around_it() -> None:
    found = compare(pairs_of(predictions(180, 20), predictions(160, 40)), "single")
    assert (found.measure, found.examples, found.groups) == ("accuracy", 200, 200)
    assert (found.champion.value, found.challenger.value) == (0.8, 0.9)
    assert found.difference.value == pytest.approx(0.1)
    assert 0.05 < found.difference.low < 0.1 < found.difference.high < 0.15
    assert (found.only_champion, found.only_challenger) == (0, 20)
    assert found.p_value < 1e-5


def test_the_same_examples_give_the_same_intervals() -> None:
    pairs = pairs_of(predictions(30, 20), predictions(25, 25))
    assert compare(pairs, "single") == compare(list(pairs), "single")


def test_equal_predictions_differ_by_nothing() -> None:
    found = compare(pairs_of(predictions(40, 20), predictions(40, 20)), "single")
    assert (found.difference.low, found.difference.high, found.p_value) == (0, 0, 1)


def test_examples_that_one_of_them_has_not_are_left_out() -> None:
    assert len(pairs_of(predictions(100, 100), predictions(50, 10))) == 60


def test_without_a_champion_the_bundles_own_model_is_compared() -> None:
    found = compare(pairs_of(predictions(90, 10), None), "single")
    assert (found.champion.value, found.challenger.value) == (0, 0.9)
    assert (
        pairs_of(HeldOutPredictions.model_validate_json(held_out(2, 2, baseline=None)).predictions, None)
        == []
    )


def test_a_label_is_compared_by_its_f1() -> None:
    found = compare(pairs_of(predictions(180, 20), predictions(160, 40)), "single")
    refund = found.by_label["refund"]
    assert refund.support == 200
    assert refund.champion == pytest.approx(2 * 160 / (160 + 200))
    assert refund.challenger == pytest.approx(2 * 180 / (180 + 200))
    assert refund.difference.low < refund.challenger - refund.champion < refund.difference.high


def test_examples_of_one_group_are_alike_and_say_less() -> None:
    def width(group_size: int) -> float:
        """Of the interval where six groups of ten are right and the others wrong."""
        pairs = [
            Pair(f"G{number // group_size}", ("a",), ("b",), ("a" if number < 60 else "b",))
            for number in range(100)
        ]
        found = compare(pairs, "single").challenger
        return found.high - found.low

    assert width(group_size=10) > 2 * width(group_size=1)


def test_several_labels_are_compared_by_micro_f1() -> None:
    pairs = [Pair(f"G{number}", ("a", "b"), ("a",), ("a", "b", "c")) for number in range(50)]
    found = compare(pairs, "multi")
    assert found.measure == "micro-F1"
    assert found.champion.value == pytest.approx(2 / 3)
    assert found.challenger.value == pytest.approx(4 / 5)
    assert (found.only_champion, found.only_challenger) == (0, 0)


def test_the_interval_has_no_difference_in_it_as_often_as_it_says() -> None:
    generator = random.Random(11)

    def excludes_zero() -> bool:
        def says() -> tuple[str, ...]:
            return ("a",) if generator.random() < 0.8 else ("b",)

        pairs = [Pair(str(number), ("a",), says(), says()) for number in range(150)]
        difference = compare(pairs, "single").difference
        return difference.low > 0 or difference.high < 0

    assert sum(excludes_zero() for _ in range(60)) <= 8


@pytest.mark.parametrize(
    ("one", "other", "p"), [(0, 0, 1), (1, 0, 1), (5, 5, 1), (0, 6, 0.03125), (10, 2, 0.038574)]
)
def test_mcnemar_is_exact(one: int, other: int, p: float) -> None:
    assert mcnemar(one, other) == pytest.approx(p, abs=1e-5)
    assert mcnemar(other, one) == mcnemar(one, other)


def test_mcnemar_of_thousands_is_a_number() -> None:
    assert 0.9 < mcnemar(2000, 2001) <= 1
    assert mcnemar(1000, 3000) < 1e-100
