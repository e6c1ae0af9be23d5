"""Finding the one item that fails: a batch that fails is halved until the fault stands alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def bisect(
    items: Sequence[Item], work: Callable[[Sequence[Item]], Sequence[Result]]
) -> list[Result | Exception]:
    """The results of `work`, in order; an item that fails on its own gives its exception instead.

    k bad items among n cost about k·log2(n) more calls.
    """
    if not items:
        return []
    try:
        return list(work(items))
    except Exception as error:  # noqa: BLE001 - whatever fails, only the item that causes it may pay
        if len(items) == 1:
            return [error]
    middle = len(items) // 2
    return bisect(items[:middle], work) + bisect(items[middle:], work)
