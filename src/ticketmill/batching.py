"""Working on what comes in order, so that no more is held at once than may be."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def grouped(
    items: Iterable[Item], size: Callable[[Item], int], most: int, most_items: int | None = None
) -> Iterator[list[Item]]:
    """`items` in order, in groups whose sizes sum to `most` and that have `most_items` at the most.

    An item larger than `most` has a group of its own. No group is empty.
    """
    group: list[Item] = []
    held = 0
    for item in items:
        its_size = size(item)
        if group and (held + its_size > most or len(group) == most_items):
            yield group
            group, held = [], 0
        group.append(item)
        held += its_size
    if group:
        yield group


def side_by_side(
    items: Iterable[Item], work: Callable[[Item], Result], threads: int
) -> Iterator[tuple[Item, Result]]:
    """Each item with what `work` makes of it, in order; `threads` of them are worked on at once.

    Items are taken as there is room for them, so that no more than `threads` wait or are worked on. What
    `work` raises is raised when its item's turn comes.
    """
    with ThreadPoolExecutor(threads) as executor:
        under_way: deque[tuple[Item, Future[Result]]] = deque()
        for item in items:
            if len(under_way) == threads:
                first, future = under_way.popleft()
                yield first, future.result()
            under_way.append((item, executor.submit(work, item)))
        for item, future in under_way:
            yield item, future.result()
