"""Learning curves over growing shares of the groups."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest

from ticketmill.domain.dataset import Example, Origin
from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.model_card import Interval
from ticketmill.learning.curve import curve_of, learning_curve

GROUPS = [f"g{number // 3}" for number in range(90)]


def measured(positions: Sequence[int]) -> Interval:
    share = len(positions) / len(GROUPS)
    return Interval(value=share, low=share, high=share)


def test_each_point_is_trained_on_more_and_the_last_on_all() -> None:
    curve = learning_curve(GROUPS, measured)
    examples = [point.examples for point in curve]
    assert examples == sorted(set(examples)) and examples[-1] == len(GROUPS)
    assert curve[-1].accuracy.value == 1.0


def test_a_group_is_in_with_all_its_examples_and_in_each_larger_share() -> None:
    seen: list[set[int]] = []

    def keep(positions: Sequence[int]) -> Interval:
        seen.append(set(positions))
        return measured(positions)

    learning_curve(GROUPS, keep)
    for positions in seen:
        taken = {GROUPS[at] for at in positions}
        assert positions == {at for at, group in enumerate(GROUPS) if group in taken}
    assert all(small < large for small, large in pairwise(seen))


def test_a_share_that_is_too_small_to_fit_has_no_point() -> None:
    curve = learning_curve(GROUPS, lambda positions: measured(positions) if len(positions) > 20 else None)
    assert curve[0].examples > 20


def test_a_few_large_groups_give_a_curve_all_the_same() -> None:
    curve = learning_curve(["shop"] * 60 + ["bank"] * 30, measured)
    assert [point.examples for point in curve] == [9, 18, 36, 54, 72, 90]


def test_of_few_examples_each_size_is_fitted_once() -> None:
    fits: list[int] = []

    def keep(positions: Sequence[int]) -> Interval:
        fits.append(len(positions))
        return measured(positions)

    learning_curve(["a", "a", "b"], keep)
    assert fits == sorted(set(fits)) and fits[-1] == 3


def example(number: int) -> Example:
    return Example(
        example_id=f"e{number}",
        labels=("a",),
        group=f"g{number}",
        origin=Origin.FILE,
        content_hash=f"{number}",
    )


def test_the_curve_of_a_dataset_ends_with_what_is_known_of_all_and_leaves_out_what_cannot_be_fitted() -> None:
    sizes: list[int] = []

    def measure(some: Sequence[Example]) -> Interval:
        sizes.append(len(some))
        if len(some) < 10:
            raise LearningRefused(LearningCode.TOO_FEW_LABELS, "too few")
        return Interval(value=0.5, low=0.4, high=0.6)

    of_all = Interval(value=0.9, low=0.8, high=1.0)
    curve = curve_of([example(number) for number in range(30)], measure, of_all)
    assert min(sizes) < 10 and max(sizes) < 30
    assert [point.examples for point in curve] == [size for size in sizes if size >= 10] + [30]
    assert curve[-1].accuracy == of_all


def test_another_refusal_ends_the_curve() -> None:
    def refuse(_: Sequence[Example]) -> Interval:
        raise LearningRefused(LearningCode.ENCODER_CHANGED, "another encoder")

    with pytest.raises(LearningRefused):
        curve_of([example(number) for number in range(30)], refuse, Interval(value=1, low=1, high=1))
