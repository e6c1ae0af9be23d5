from __future__ import annotations

from collections.abc import Sequence

import pytest

from ticketmill.bisection import bisect


def doubled(items: Sequence[int]) -> list[int]:
    if any(item < 0 for item in items):
        raise ValueError("negative")
    return [item * 2 for item in items]


@pytest.mark.parametrize("bad", [[], [0], [7], [15], [0, 15], [3, 4, 5], list(range(16))])
def test_only_the_items_that_fail_alone_give_an_exception(bad: list[int]) -> None:
    items = [-1 if place in bad else place for place in range(16)]
    for place, result in enumerate(bisect(items, doubled)):
        if place in bad:
            assert isinstance(result, ValueError)
        else:
            assert result == place * 2


def test_no_items_are_no_work() -> None:
    assert bisect([], doubled) == []


def test_one_bad_item_among_many_costs_few_calls() -> None:
    calls = 0

    def counted(items: Sequence[int]) -> list[int]:
        nonlocal calls
        calls += 1
        return doubled(items)

    bisect([*range(500), -1, *range(523)], counted)
    assert calls <= 2 * 10 + 1
