"""A circuit breaker: what fails again and again is left alone for a while, then probed.

    CLOSED ── `failures_to_open` failures in a row ──▶ OPEN ── pause ──▶ PROBING
       ▲                                                ▲                   │
       └──────────────── a success ─────────────────────┴──── a failure ────┘

The pause doubles with every probe that fails, up to a limit.
See https://martinfowler.com/bliki/CircuitBreaker.html.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from enum import StrEnum


class BreakerState(StrEnum):
    """Whether requests go through."""

    CLOSED = "closed"
    PROBING = "probing"
    OPEN = "open"


class CircuitBreaker:
    """One breaker in front of one dependency. Threads may share it."""

    def __init__(
        self,
        failures_to_open: int = 3,
        first_pause_s: float = 15.0,
        max_pause_s: float = 600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failures_to_open = failures_to_open
        self._first_pause_s = self._pause_s = first_pause_s
        self._max_pause_s = max_pause_s
        self._clock = clock
        self._failures_in_a_row = 0
        self._open_until: float | None = None
        self._probing = False
        self._lock = threading.Lock()

    @property
    def state(self) -> BreakerState:
        """The state now; OPEN also when the pause is over and nobody has probed yet."""
        if self._open_until is None:
            return BreakerState.CLOSED
        return BreakerState.PROBING if self._probing else BreakerState.OPEN

    @property
    def pause_s(self) -> float:
        """The length of the current pause, or of the next one while it is closed."""
        return self._pause_s

    @property
    def remaining_s(self) -> float:
        """Seconds until the pause is over; 0 where no pause runs."""
        return 0.0 if self._open_until is None else max(self._open_until - self._clock(), 0.0)

    def admits(self) -> bool:
        """Whether a request may go through: after a pause one at a time, whose result must be reported."""
        with self._lock:
            if self._open_until is None:
                return True
            if self._probing or self._clock() < self._open_until:
                return False
            self._probing = True
            return True

    def succeeded(self) -> bool:
        """Reports a success; True where it closed an open breaker."""
        with self._lock:
            was_open = self._open_until is not None
            self._failures_in_a_row, self._open_until, self._probing = 0, None, False
            self._pause_s = self._first_pause_s
            return was_open

    def failed(self) -> bool:
        """Reports a failure; True where the breaker is open after it."""
        with self._lock:
            self._probing = False
            self._failures_in_a_row += 1
            if self._open_until is not None:
                self._pause_s = min(self._pause_s * 2, self._max_pause_s)
            if self._failures_in_a_row >= self._failures_to_open:
                self._open_until = self._clock() + self._pause_s
            return self._open_until is not None
