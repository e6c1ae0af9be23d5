"""Answers that are kept for a moment: many who ask for the same list at once cost one query."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

MAX_ANSWERS = 256


class Kept(NamedTuple):
    """An answer with its ETag."""

    body: bytes
    etag: str


class Answers:
    """Answers by what was asked. What this process changes is seen at once, see `clear`."""

    def __init__(self, kept_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._kept_s = kept_s
        self._clock = clock
        self._answers: OrderedDict[str, tuple[float, Kept]] = OrderedDict()

    def get(self, asked: str) -> Kept | None:
        """The answer, where there is one that is not too old."""
        made_at, kept = self._answers.get(asked, (None, None))
        return kept if made_at is not None and self._clock() - made_at < self._kept_s else None

    def put(self, asked: str, kept: Kept) -> None:
        """Keeps an answer."""
        self._answers[asked] = (self._clock(), kept)
        while len(self._answers) > MAX_ANSWERS:
            self._answers.popitem(last=False)

    def clear(self) -> None:
        """Forgets all: something has changed."""
        self._answers.clear()
