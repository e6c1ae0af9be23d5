"""Tests of significance: how often they raise a false alarm, and what they find."""

from __future__ import annotations

import numpy as np
import pytest

from ticketmill.learning.significance import (
    energy_distance_of,
    energy_quantile,
    energy_test,
    holm,
    proportion_test,
    share_test,
    shortfall_test,
)


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_the_energy_distance_is_that_of_its_definition() -> None:
    drawn = rng()
    first, second = drawn.normal(size=(5, 3)), drawn.normal(1, size=(4, 3))

    def mean(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.linalg.norm(a[:, None] - b[None], axis=2).mean())

    expected = 2 * mean(first, second) - mean(first, first) - mean(second, second)
    assert energy_distance_of(first, second) == pytest.approx(expected)


def test_vectors_of_one_distribution_rarely_differ_and_moved_ones_always() -> None:
    drawn = rng()
    same = [energy_test(drawn.normal(size=(60, 4)), drawn.normal(size=(30, 4)), drawn, 99) for _ in range(60)]
    assert sum(each.p_value <= 0.05 for each in same) <= 8
    moved = energy_test(drawn.normal(size=(60, 4)), drawn.normal(1, size=(30, 4)), drawn, 99)
    assert moved.p_value == pytest.approx(0.01)


def test_the_threshold_is_passed_by_about_the_share_that_it_is_made_for() -> None:
    drawn, passed = rng(), 0
    for _ in range(100):
        reference, newest = drawn.normal(size=(120, 4)), drawn.normal(size=(60, 4))
        threshold = energy_quantile(reference, 60, drawn, alpha=0.1, permutations=199)
        passed += energy_distance_of(reference, newest) > threshold
    assert 3 <= passed <= 20


def test_shares_of_labels_are_compared_and_a_new_label_is_found() -> None:
    reference = ["a"] * 60 + ["b"] * 40
    assert share_test(reference, ["a"] * 31 + ["b"] * 19, rng()).p_value > 0.5
    assert share_test(reference, ["a"] * 30 + ["c"] * 20, rng()).p_value == pytest.approx(0.001)


def test_proportions_are_compared_exactly() -> None:
    """Fisher's tea: 3 of 4 against 1 of 4. The one-sided p-value is 17/70."""
    tested = proportion_test((1, 4), (3, 4))
    assert tested.p_value == pytest.approx(2 * 17 / 70)
    assert tested.statistic == 0.5
    assert proportion_test((3, 4), (1, 4)).p_value == pytest.approx(2 * 17 / 70)
    assert proportion_test((0, 50), (0, 50)).p_value == 1.0


def test_fewer_hits_than_promised_are_told_by_the_exact_distribution() -> None:
    assert shortfall_test([0.5] * 4, 0).p_value == pytest.approx(1 / 16)
    assert shortfall_test([0.9, 0.8], 2).p_value == 1.0
    tested = shortfall_test([0.9] * 100, 75)
    assert tested.statistic == pytest.approx(-0.15)
    assert tested.p_value < 0.001


def test_one_alpha_is_shared_by_all_tests() -> None:
    assert holm([0.04, 0.5, 0.5, 0.5], 0.05) == [False] * 4
    assert holm([0.5, 0.012, 0.016, 0.5], 0.05) == [False, True, True, False]
    assert holm([], 0.05) == []
