"""Several worker processes as one: cores, limits and signals are shared out, statistics summed up."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ticketmill.domain.errors import TicketmillError

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.1


class ProcessDied(TicketmillError):
    """A worker process ended by itself, with an exit code that says so."""


class Processes:
    """`count` processes of `ticketmill work` with `flags`, stopped as one.

    A signal is passed on to all of them, a second one too. Where one of them dies the others are stopped.
    """

    def __init__(self, commands: Sequence[Sequence[str]], environments: Sequence[Mapping[str, str]]) -> None:
        self._children = [
            subprocess.Popen(
                [sys.executable, "-m", "ticketmill", *command],
                env={**os.environ, **environment},
                stdout=subprocess.PIPE,
                text=True,
                # Ctrl-C reaches every process of the terminal's group; from us alone it reaches each once
                start_new_session=True,
            )
            for command, environment in zip(commands, environments, strict=True)
        ]

    def run(self) -> list[dict[str, Any]]:
        """The statistics of each, when all have ended. Raises ProcessDied with the first bad exit code."""
        with self._signals():
            stopping = False
            while any(child.poll() is None for child in self._children):
                if not stopping and any(child.poll() for child in self._children):
                    stopping = True
                    self._pass_on(signal.SIGTERM)
                time.sleep(LOOK_EVERY_S)
        answers = [child.communicate()[0] for child in self._children]
        for child in self._children:
            if child.returncode:
                raise ProcessDied(f"worker process {child.pid} ended with exit code {child.returncode}")
        return [json.loads(answer) for answer in answers]

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def pass_on(signum: int, _frame: FrameType | None) -> None:
            self._pass_on(signum)

        previous = {name: signal.signal(name, pass_on) for name in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for name, handler in previous.items():
                signal.signal(name, handler)

    def _pass_on(self, signum: int) -> None:
        for child in self._children:
            if child.poll() is None:
                child.send_signal(signum)


def shares(whole: int, count: int) -> list[int]:
    """`whole` in `count` parts that differ by one at most, the larger first."""
    return [whole // count + (place < whole % count) for place in range(count)]


def summed(statistics: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The statistics of several workers as those of one; of latencies the worst."""
    latencies = [name for name in statistics[0] if name.startswith("latency")]
    total = {name: sum(each[name] for each in statistics) for name in statistics[0] if name not in latencies}
    total["tickets_per_s"] = round(total["tickets_per_s"], 1)
    worst = {
        name: max((each[name] for each in statistics if each[name] is not None), default=None)
        for name in latencies
    }
    return total | worst
