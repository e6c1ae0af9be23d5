"""Payloads with parts replaced, taken away or emptied, as no sender should write them."""

from __future__ import annotations

import random
from typing import Any

JUNK: list[Any] = [
    None,
    True,
    0,
    -1,
    1e300,
    "",
    "\ud800",
    "x" * 300,
    [],
    {},
    [[]],
    [None],
    {"a": []},
    "0000-00-00",
]


def mutated(value: Any, random_bytes: random.Random) -> Any:
    """The value with a few of its parts replaced, taken away or put elsewhere."""
    if random_bytes.random() < 0.12:
        return random_bytes.choice(JUNK)
    if isinstance(value, dict):
        return {
            key: mutated(each, random_bytes) for key, each in value.items() if random_bytes.random() > 0.05
        }
    if isinstance(value, list):
        return [mutated(each, random_bytes) for each in value]
    return value
