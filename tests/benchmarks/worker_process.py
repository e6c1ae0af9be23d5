"""`ticketmill work`, or another worker, as a process that is watched through /proc where there is one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TICKETMILL = Path(sys.executable).with_name("ticketmill")
STOP_TIMEOUT_S = 60
_LOG_TAIL_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a worker and the processes below it hold at one moment."""

    rss_mb: float
    peak_rss_mb: float
    threads: int
    sockets: int


class WorkerProcess:
    """A running worker. As a context manager it never outlives the block."""

    def __init__(self, stack: str, *arguments: str, command: Sequence[str] = ("work",)) -> None:
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self.started_at = time.perf_counter()
        self._process = subprocess.Popen(
            [str(TICKETMILL), *command, "--json", *arguments],
            env={**os.environ, "TICKETMILL_STACK": stack},
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()
        self._log.close()

    def check(self) -> None:
        """Ends the benchmark where the worker has ended with a fault."""
        if self._process.poll() not in (None, 0):
            self._log.seek(0)
            tail = self._log.read()[-_LOG_TAIL_CHARS:]
            raise SystemExit(f"the worker ended with status {self._process.returncode}:\n{tail}")

    @property
    def running(self) -> bool:
        self.check()
        return self._process.poll() is None

    def footprint(self) -> Footprint | None:
        """What it holds now; None where that cannot be told: it has ended, or there is no /proc."""
        with suppress(OSError, ValueError, KeyError):
            found = [_footprint(pid) for pid in _family(self._process.pid)]
            return Footprint(
                rss_mb=sum(each.rss_mb for each in found),
                peak_rss_mb=sum(each.peak_rss_mb for each in found),
                threads=sum(each.threads for each in found),
                sockets=sum(each.sockets for each in found),
            )
        return None

    def stop(self) -> dict[str, Any]:
        """Asks it to stop, as Ctrl-C would, and gives its statistics."""
        self._process.send_signal(signal.SIGTERM)
        return self.statistics()

    def statistics(self) -> dict[str, Any]:
        """Waits for its end and gives what it printed."""
        printed, _ = self._process.communicate(timeout=STOP_TIMEOUT_S)
        self.check()
        statistics: dict[str, Any] = json.loads(printed.splitlines()[-1])
        return statistics


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _family(int(child))


def _footprint(pid: int) -> Footprint:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    status = dict(line.split(":", 1) for line in lines)
    return Footprint(
        rss_mb=int(status["VmRSS"].split()[0]) / 1024,
        peak_rss_mb=int(status["VmHWM"].split()[0]) / 1024,
        threads=int(status["Threads"]),
        sockets=sum(_is_socket(link) for link in Path(f"/proc/{pid}/fd").iterdir()),
    )


def _is_socket(link: Path) -> bool:
    with suppress(OSError):  # closed since it was listed
        return str(link.readlink()).startswith("socket:")
    return False
