"""How the threads of a worker take turns in one interpreter."""

from __future__ import annotations

import sys

TURN_S = 0.0005
"""An encoder thread needs the interpreter for an instant between two micro-batches. By default another thread
may keep it for 5 ms, while a core has nothing to encode."""


def take_short_turns() -> None:
    """Lets no thread of this process keep the interpreter for longer than `TURN_S` while others wait."""
    sys.setswitchinterval(TURN_S)
