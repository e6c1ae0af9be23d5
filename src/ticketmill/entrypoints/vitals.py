"""Whether the worker is ready and alive: what its probes are told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

# Longer than anything that a loop waits for: a receive of 20 s, a pause of 30 s, a batch of the longest
# tickets, a service that answers at the last of the SDK's attempts.
STALLED_AFTER_S = 300.0


class Vitals:
    """What the worker needs and has, and when each of its loops last moved. Threads may share it."""

    def __init__(
        self,
        *needs: str,
        stalled_after_s: float = STALLED_AFTER_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lacking = dict.fromkeys(needs, "not reached yet")
        self._moved_at: dict[str, float] = {}
        self._stalled_after_s = stalled_after_s
        self._clock = clock
        self._lock = threading.Lock()

    def has(self, need: str) -> None:
        """`need` is there."""
        with self._lock:
            self._lacking.pop(need, None)

    def lacks(self, need: str, reason: str) -> None:
        """`need` is not there, or no longer."""
        with self._lock:
            self._lacking[need] = reason

    def beat(self, loop: str) -> None:
        """`loop` moved; from the first beat on it is expected to go on."""
        with self._lock:
            self._moved_at[loop] = self._clock()

    def ended(self, loop: str) -> None:
        """`loop` came to its end, and no beat is expected any more."""
        with self._lock:
            self._moved_at.pop(loop, None)

    def ready(self) -> str | None:
        """None where everything needed is there, else what is missing."""
        with self._lock:
            return "; ".join(f"{need}: {reason}" for need, reason in self._lacking.items()) or None

    def healthy(self) -> str | None:
        """None while every loop moves, else which ones stand still and for how long."""
        with self._lock:
            now = self._clock()
            idle_s = {loop: now - moved_at for loop, moved_at in self._moved_at.items()}
        stalled = [
            f"{loop} has not moved for {idle:.0f} s"
            for loop, idle in idle_s.items()
            if idle > self._stalled_after_s
        ]
        return "; ".join(stalled) or None
