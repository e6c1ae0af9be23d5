"""Several worker processes as one: cores and limits are shared out, statistics summed up."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ticketmill.domain.errors import TicketmillError

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.1


class ProcessDied(TicketmillError):
    """A worker process ended by itself, with an exit code that says so."""


class Processes:
    """One process for each command, stopped as one. Where one of them dies the others are stopped."""

    def __init__(
        self,
        commands: Sequence[Sequence[str]],
        environments: Sequence[Mapping[str, str]],
        program: Sequence[str] = (sys.executable, "-m", "ticketmill"),
    ) -> None:
        self._children = [
            subprocess.Popen(
                [*program, *command],
                env={**os.environ, **environment},
                stdout=subprocess.PIPE,
                text=True,
                # Ctrl-C reaches every process of the terminal's group; from us alone it reaches each once
                start_new_session=True,
            )
            for command, environment in zip(commands, environments, strict=True)
        ]

    def run(self) -> list[dict[str, Any]]:
        """The statistics of each that gave some, when all have ended.

        One that was stopped before it began to work gives none. Raises ProcessDied with the first bad exit
        code.
        """
        stopping = False
        while any(child.poll() is None for child in self._children):
            if not stopping and any(child.poll() for child in self._children):
                stopping = True
                self.stop()
            time.sleep(LOOK_EVERY_S)
        answers = [child.communicate()[0] for child in self._children]
        for child in self._children:
            if child.returncode:
                raise ProcessDied(f"worker process {child.pid} ended with exit code {child.returncode}")
        return [json.loads(answer) for answer in answers if answer]

    def stop(self) -> None:
        """Asks every process to stop."""
        for child in self._children:
            child.terminate()

    def kill(self) -> None:
        """Ends every process at once. A signal handler may call it."""
        for child in self._children:
            child.kill()


def shares(whole: int, count: int) -> list[int]:
    """`whole` in `count` parts that differ by one at most, the larger first."""
    return [whole // count + (index < whole % count) for index in range(count)]


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
