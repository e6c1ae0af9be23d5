"""The workers of a run: real processes that are killed, frozen and stopped, and come back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

STOP_TIMEOUT_S = 45
_WORKER = Path(__file__).with_name("worker.py")


@dataclass
class _Member:
    """A worker's place: the process that fills it now, and what it is expected to end by."""

    name: str
    process: subprocess.Popen[bytes]
    ends_by: set[int] = field(default_factory=set)
    thaws_at: float | None = None
    stops_by: float | None = None


class Crew:
    """`size` workers at any time. Thread-safe: the proxy strikes from threads of its own."""

    def __init__(self, size: int, environment: Mapping[str, str], log_dir: Path) -> None:
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []
        """What no worker may do, whatever befalls it: end by itself, or not stop when told."""
        self._environment = environment
        self._log_dir = log_dir
        self._lock = threading.RLock()
        self._members = {name: self._hire(name) for name in (f"worker-{number}" for number in range(size))}

    @property
    def names(self) -> list[str]:
        return list(self._members)

    def strike(self, name: str, action: str) -> bool:
        """Kills, freezes (for longer than its messages stay in flight) or stops a worker; whether it died."""
        with self._lock:
            member = self._members.get(name)
            if member is None or member.process.poll() is not None:
                return False
            self.counts[action] += 1
            if action == "kill":
                member.ends_by.add(-signal.SIGKILL)
                member.process.kill()
                member.process.wait()
                return True
            if action == "freeze":
                member.process.send_signal(signal.SIGSTOP)
                member.thaws_at = time.monotonic() + 6
            elif member.stops_by is None:
                # one that is still starting knows no signals yet
                member.ends_by |= {0, -signal.SIGTERM}
                member.stops_by = time.monotonic() + STOP_TIMEOUT_S
                member.process.terminate()
            return False

    def tend(self) -> None:
        """Thaws whom it is time for, and puts a new process in the place of each that ended."""
        with self._lock:
            for member in self._members.values():
                self._thaw(member)
                if self._ended(member):
                    self._members[member.name] = self._hire(member.name)

    def dismiss(self) -> None:
        """Stops all, and waits for their last batches."""
        with self._lock:
            for name in self._members:
                self.strike(name, "stop")
            while any(not self._ended(member) for member in self._members.values()):
                for member in self._members.values():
                    self._thaw(member)
                time.sleep(0.05)

    def end(self) -> None:
        """Kills whoever is left."""
        with self._lock:
            for member in self._members.values():
                if member.process.poll() is None:
                    member.process.kill()
                member.process.wait()

    def finish(self) -> None:
        """One more worker, which nobody bothers, until the queue is empty."""
        with (self._log_dir / "last-worker.log").open("ab") as log:
            done = subprocess.run(
                [sys.executable, _WORKER, "work", "--until-empty", "--verbose"],
                env=self._named("last-worker"),
                stdout=log,
                stderr=log,
                check=False,
                timeout=240,
            )
        if done.returncode != 0:
            self.faults.append(f"the last worker ended with status {done.returncode}")

    def logs(self) -> dict[str, list[str]]:
        """The lines of every log, by the worker's name."""
        return {
            path.stem: path.read_text(encoding="utf-8", errors="replace").splitlines()
            for path in sorted(self._log_dir.glob("*worker*.log"))
        }

    def _hire(self, name: str) -> _Member:
        self.counts["started"] += 1
        with (self._log_dir / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, _WORKER, "work", "--verbose"],
                env=self._named(name),
                stdout=log,
                stderr=log,
            )
        return _Member(name, process)

    def _named(self, name: str) -> dict[str, str]:
        return {**os.environ, **self._environment, "AWS_SDK_UA_APP_ID": name}

    def _thaw(self, member: _Member) -> None:
        if member.thaws_at is not None and time.monotonic() >= member.thaws_at:
            member.thaws_at = None
            if member.process.poll() is None:
                member.process.send_signal(signal.SIGCONT)

    def _ended(self, member: _Member) -> bool:
        """Whether the process is gone; notes where it should not be, or should be and is not."""
        code = member.process.poll()
        if code is None and member.stops_by is not None and time.monotonic() >= member.stops_by:
            self.faults.append(f"{member.name} did not stop within {STOP_TIMEOUT_S} s of SIGTERM")
            member.ends_by.add(-signal.SIGKILL)
            member.process.kill()
            code = member.process.wait()
        if code is not None and code not in member.ends_by:
            self.faults.append(f"{member.name} ended by itself with status {code}")
            member.ends_by.add(code)
        return code is not None
