"""When a message that failed is visible again: later after each receive."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ticketmill.domain.message import Message

MAX_DELAY_S = 900


def _jitter() -> float:
    return random.uniform(0.75, 1.5)  # noqa: S311 - spreads retries, no secret


@dataclass(frozen=True, slots=True)
class Backoff:
    """The delay of a retry: the base, doubled with each receive, times jitter, 900 s at the most.

    With the default base of 20 s the first retry comes after 15 to 30 s.
    """

    base_s: float = 20.0
    jitter: Callable[[], float] = _jitter

    def delay_s(self, receive_count: int) -> int:
        """Whole seconds until a message that was received so often is visible again."""
        doublings = min(max(receive_count - 1, 0), MAX_DELAY_S.bit_length())
        return min(round(self.base_s * (1 << doublings) * self.jitter()), MAX_DELAY_S)

    def groups(self, messages: Iterable[Message]) -> dict[int, list[Message]]:
        """`messages` by their delays.

        Messages that were received equally often share a delay, so that few requests release them all.
        """
        by_receives: dict[int, list[Message]] = {}
        for message in messages:
            by_receives.setdefault(message.receive_count, []).append(message)
        by_delay: dict[int, list[Message]] = {}
        for receive_count, group in by_receives.items():
            by_delay.setdefault(self.delay_s(receive_count), []).extend(group)
        return by_delay
