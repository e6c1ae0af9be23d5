"""Redis and PostgreSQL of Debian on free ports, and a Celery worker of ours as a process."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery

from ticketmill.entrypoints.celery.config import configuration
from ticketmill.settings import Settings

FAST = {
    "TICKETMILL_CELERY_RATES": "index=100/s,train=100/s,predict=1000/s,evaluate=100/s",
    "TICKETMILL_JOB_LEASE_S": "4",
    "TICKETMILL_JOB_HEARTBEAT_S": "1",
    "TICKETMILL_LOG_FORMAT": "json",
}
"""Leases of seconds: what a killed worker had is taken over soon."""
_WORDS = """lamp river stone cloud pepper violin garden copper window ladder marble forest candle bridge
pocket engine saddle mirror basket hammer ribbon shadow tunnel meadow barrel lantern harbor cotton island"""
WORDS = _WORDS.split()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def missing(what: str) -> None:
    """A service that is not installed skips a test on a laptop, and fails it in CI."""
    told = f"{what} is not installed: make services"
    if os.environ.get("CI"):
        pytest.fail(told)
    pytest.skip(told)


@dataclass
class Redis:
    """A server of its own; its messages outlive it."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        options = ["--port", str(self.port), "--dir", str(self.folder), "--appendonly", "yes", "--save", ""]
        self.process = subprocess.Popen(
            ["redis-server", *options, "--appendfsync", "always", "--loglevel", "warning"]
        )
        client = redis.Redis(port=self.port)
        until(lambda: _answers(client))
        client.close()

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)


def _answers(client: Any) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


@contextmanager
def running_redis(folder: Path) -> Iterator[Redis]:
    if shutil.which("redis-server") is None:
        missing("redis-server")
    server = Redis(folder, free_port())
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def running_postgres() -> Iterator[str]:
    """The address of a database for Celery's results. PostgreSQL refuses to run as root."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found:
        missing("postgresql")
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    folder, port = Path(tempfile.mkdtemp(prefix="ticketmill-postgres-")), free_port()
    if as_user:
        shutil.chown(folder, "postgres")
    data, options = folder / "data", f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"

    def run(name: str, *arguments: str) -> None:
        command = [*as_user, str(found[-1] / name), *arguments]
        subprocess.run(command, cwd="/", check=True, stdout=subprocess.DEVNULL, timeout=60)

    run("initdb", "-D", str(data), "-U", "celery", "-A", "trust", "--no-sync", "--no-locale", "-E", "UTF8")
    run("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"db+postgresql+psycopg://celery@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class CeleryWorker:
    """A worker as a process, with what it logs."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def children(self) -> list[int]:
        """The processes of its pool."""
        own = self.process.pid
        return [int(pid) for pid in Path(f"/proc/{own}/task/{own}/children").read_text().split()]

    def kill_child(self) -> None:
        for pid in self.children:
            os.kill(pid, signal.SIGKILL)

    def kill(self) -> None:
        """The worker first: it would take up what its pool had."""
        children = self.children
        self.process.kill()
        self.process.wait(10)
        for pid in children:
            os.kill(pid, signal.SIGKILL)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(60)


@contextmanager
def running_worker(environment: Mapping[str, str], log: Path, *options: str) -> Iterator[CeleryWorker]:
    command = [sys.executable, "-m", "ticketmill", "jobs", "worker", "--concurrency", "1", *options]
    with log.open("wb") as lines:
        process = subprocess.Popen(
            command, env={**environment, "PYTHONWARNINGS": "ignore"}, stdout=lines, stderr=lines
        )
    worker = CeleryWorker(process, log)
    try:
        yield worker
    finally:
        if process.poll() is None:
            for pid in worker.children:
                os.kill(pid, signal.SIGKILL)
            process.kill()
            process.wait(10)


def client_of(settings: Settings) -> Celery:
    """A client that knows the broker and the names of tasks alone."""
    app = Celery("client", set_as_current=False)
    app.conf.update(configuration(settings))
    return app


def labelled(field: str, count: int = 60) -> list[dict[str, Any]]:
    """Documents of two labels, half of which judge. No two are near duplicates."""
    found = []
    for number in range(count):
        label = ("router", "printer")[number % 2]
        about = ("The router loses the wireless signal", "The printer jams and smears ink")[number % 2]
        start = number * 7
        words = (WORDS[(start + step * (1 + number % 11)) % len(WORDS)] for step in range(8))
        text = f"{about}, {' '.join(words)}."
        found.append(
            {"id": number, "text": text, "labels": {field: [label]}, "is_training_data": number % 4 > 1}
        )
    return found


def until(holds: Callable[[], Any], timeout_s: float = 90) -> Any:
    """What holds, once it does."""
    deadline = time.monotonic() + timeout_s
    while not (found := holds()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)
    return found
