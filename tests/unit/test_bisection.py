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


class PanicException(BaseException):
    """As pyo3's: no Exception."""


@pytest.mark.parametrize("error", [PanicException("panicked"), MemoryError(), RecursionError()])
def test_what_can_be_caught_of_a_crash_is_the_failure_of_its_item_alone(error: BaseException) -> None:
    def crashes_on_seven(items: Sequence[int]) -> list[int]:
        if 7 in items:
            raise error
        return list(items)

    results = bisect(range(16), crashes_on_seven)
    assert isinstance(results[7], Exception)
    assert [each for each in results if not isinstance(each, Exception)] == [
        number for number in range(16) if number != 7
    ]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()])
def test_what_ends_the_process_is_no_failure_of_an_item(error: BaseException) -> None:
    def ends(items: Sequence[int]) -> list[int]:
        raise error

    with pytest.raises(type(error)):
        bisect([1, 2], ends)
