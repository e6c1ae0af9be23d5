"""How much a caller may send: bytes in a body, requests in a minute."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from starlette.types import Message, Receive

from ticketmill.entrypoints.web.problems import Problem

MAX_CALLERS = 10_000


class RateLimit:
    """A bucket of tokens for each caller: it holds those of a minute, and fills evenly."""

    def __init__(self, requests_per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = float(requests_per_minute)
        self._per_s = requests_per_minute / 60
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def take(self, caller: str) -> None:
        """Takes a token of the caller's. Raises the problem 429 where there is none."""
        now = self._clock()
        with self._lock:
            tokens, at = self._buckets.pop(caller, (self._capacity, now))
            tokens = min(self._capacity, tokens + (now - at) * self._per_s)
            missing = max(0.0, 1 - tokens)
            self._buckets[caller] = (tokens if missing else tokens - 1, now)
            if len(self._buckets) > MAX_CALLERS:
                self._buckets.popitem(last=False)
        if missing:
            wait_s = math.ceil(missing / self._per_s)
            raise Problem(
                429,
                "too_many_requests",
                f"more than {self._capacity:g} requests in a minute",
                f"try again in {wait_s} s, or raise TICKETMILL_WEB_REQUESTS_PER_MINUTE",
                {"Retry-After": str(wait_s)},
            )


def too_large(max_bytes: int) -> Problem:
    """The problem of a body that is too large."""
    return Problem(
        413,
        "too_large",
        f"expected a body of at most {max_bytes} bytes",
        "send less at once, or raise TICKETMILL_WEB_MAX_BODY_BYTES",
        {"Connection": "close"},
    )


def limited(receive: Receive, max_bytes: int) -> Receive:
    """`receive` that raises the problem 413 when a body turns out to be too large."""
    received = 0

    async def receive_limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > max_bytes:
            raise too_large(max_bytes)
        return message

    return receive_limited
