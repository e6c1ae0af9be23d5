"""The emulator of a laptop: ministack, started where nothing answers at a loopback endpoint, and stopped.

What was started is recorded in `emulator-<port>.json` of a state directory: process id, when that process
started, and port. A process id alone could be another program's by the time it is to be stopped.
"""

from __future__ import annotations

import fcntl
import importlib.util
import ipaddress
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from ticketmill.deploy.endpoint import Answering, ask, silent, split_endpoint
from ticketmill.domain.errors import SetupError

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 5  # then SIGKILL
_POLL_S = 0.05
_LOG_TAIL_LINES = 15


@dataclass(frozen=True, slots=True)
class Emulator:
    """What answers at an endpoint; `pid` and `log` only where this very call started it."""

    endpoint_url: str
    pid: int | None = None
    log: Path | None = None

    @property
    def started(self) -> bool:
        return self.pid is not None


@dataclass(frozen=True, slots=True)
class _Record:
    pid: int
    process_started: str
    port: int


def answers(endpoint_url: str, timeout_s: float = 1.0) -> bool:
    """Whether anything speaks HTTP at the endpoint, whatever it says."""
    return ask(endpoint_url, timeout_s).who not in (Answering.NOBODY, Answering.SILENT)


def start(endpoint_url: str, state_dir: Path) -> Emulator:
    """Starts ministack at a loopback endpoint where nothing answers, and waits until it does.

    It outlives the caller and its Ctrl-C; its log is `emulator-<port>.log` in `state_dir`. Of two starts at
    once the second finds what the first started. Raises SetupError where the endpoint is not on this machine,
    what listens there stays silent, ministack is not installed, or it does not come up.
    """
    who = ask(endpoint_url).who
    if who is Answering.SILENT:
        raise silent(endpoint_url)
    if who is not Answering.NOBODY:
        return Emulator(endpoint_url)
    host, port = _loopback(endpoint_url)
    if importlib.util.find_spec("ministack") is None:
        raise SetupError(
            f"nothing answers at {endpoint_url} and the emulator is not installed: "
            "pip install 'ticketmill[local]'"
        )
    state_dir.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(state_dir / f"emulator-{port}.lock"):
        if answers(endpoint_url):
            return Emulator(endpoint_url)
        log = state_dir / f"emulator-{port}.log"
        process = _spawn(host, port, log)
        try:
            if not _came_up(process, endpoint_url, log):
                return Emulator(endpoint_url)
            _write(_record_path(state_dir, port), process.pid, port)
        except BaseException:  # Ctrl-C too: nothing may run on that is not recorded
            process.kill()
            process.wait()
            raise
    # It is meant to outlive us: with a status set, Popen does not warn of a child left running.
    process.returncode = 0
    return Emulator(endpoint_url, process.pid, log)


def stop(endpoint_url: str, state_dir: Path) -> bool:
    """Stops what `start` recorded for this endpoint, nothing else; whether anything was stopped."""
    port = split_endpoint(endpoint_url).port
    if port is None:  # `start` needs one
        return False
    path = _record_path(state_dir, port)
    record = _read(path)
    stopped = record is not None and process_started(record.pid) == record.process_started
    if record is not None and stopped:
        _terminate(record)
    path.unlink(missing_ok=True)
    return stopped


def process_started(pid: int) -> str | None:
    """When a process started, in the system's own words: equal only for the same process.

    None where it runs no more.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (
            None if fields[0] == "Z" else fields[19]
        )  # proc(5): 3 is the state, 22 the start in clock ticks
    except OSError:
        if Path("/proc/self/stat").exists():
            return None
    found = subprocess.run(
        ["/bin/ps", "-o", "lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        env={"LC_ALL": "C"},
    )
    return found.stdout.strip() or None


def _loopback(endpoint_url: str) -> tuple[str, int]:
    """The address and port to listen at. Raises SetupError for an endpoint that is not of this machine."""
    parts = split_endpoint(endpoint_url)
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname or ""
    with suppress(ValueError):
        if parts.scheme == "http" and parts.port and ipaddress.IPv4Address(host).is_loopback:
            return host, parts.port
    raise SetupError(
        f"nothing answers at {endpoint_url}: start what should, or set AWS_ENDPOINT_URL to an address like "
        "http://127.0.0.1:4566 for an emulator on this machine"
    )


def _spawn(host: str, port: int, log: Path) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "GATEWAY_PORT": str(port),
        "BIND_HOST": host,
        # these two listen at every address, whatever the host
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
    }
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "ministack"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _came_up(process: subprocess.Popen[bytes], endpoint_url: str, log: Path) -> bool:
    """Waits until the process answers; False where it ended because another answers in its place."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        answering = answers(endpoint_url)
        if process.poll() is not None:
            if answering:
                return False
            raise SetupError(f"the emulator ended with status {process.returncode}; {_tail(log)}")
        if answering:
            return True
        time.sleep(_POLL_S)
    raise SetupError(f"the emulator did not answer within {START_TIMEOUT_S} s; {_tail(log)}")


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_TAIL_LINES:]
    return "\n".join([f"the end of its log, {log}:", *lines])


def _terminate(record: _Record) -> None:
    """SIGTERM, a few seconds of grace, SIGKILL; done when the process is gone."""
    for signum in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(record.pid, signum)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while time.monotonic() < deadline:
            with suppress(ChildProcessError):  # where it is our own child, nobody else buries it
                os.waitpid(record.pid, os.WNOHANG)
            if process_started(record.pid) != record.process_started:
                return
            time.sleep(_POLL_S)


@contextmanager
def _one_at_a_time(lock: Path) -> Iterator[None]:
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _record_path(state_dir: Path, port: int) -> Path:
    return state_dir / f"emulator-{port}.json"


def _write(path: Path, pid: int, port: int) -> None:
    started = process_started(pid)
    if started is None:
        raise SetupError("the emulator ended as soon as it had started; look at its log beside " + str(path))
    record = _Record(pid=pid, process_started=started, port=port)
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(asdict(record)), encoding="utf-8")
    draft.replace(path)


def _read(path: Path) -> _Record | None:
    """The record; None where there is none or it is not one of ours."""
    with suppress(FileNotFoundError, ValueError, TypeError):
        return _Record(**json.loads(path.read_text(encoding="utf-8")))
    return None
