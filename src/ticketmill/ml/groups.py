"""Grouping what comes in order, so that no more is held at once than may be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


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
