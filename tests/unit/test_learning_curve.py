"""Learning curves over growing shares of the groups."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ticketmill.domain.model_card import Interval
from ticketmill.learning.curve import learning_curve

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


def test_few_groups_give_each_size_once() -> None:
    fits: list[int] = []

    def keep(positions: Sequence[int]) -> Interval:
        fits.append(len(positions))
        return measured(positions)

    learning_curve(["a", "a", "b"], keep)
    assert len(fits) == len(set(fits)) == 2
