"""Nothing is left in a home folder but ticketmill's own cache, and no dependency reports about its user."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import TICKETMILL

from ticketmill.aws.clients import Clients
from ticketmill.deploy.stack import Stack

RAW = '{"ticket_id": "T1", "subject": "Cannot login", "body": "My password is refused since this morning."}'

Variables = dict[str, str]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def variables(home: Path, bundle_dir: Path) -> Variables:
    """Those of a new user: no CI, no telemetry switches, no cache of somebody else."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(home.parent),
        "TICKETMILL_BUNDLE": str(bundle_dir),
    }


def run(variables: Variables, *arguments: object, stdin: str = "") -> str:
    done = subprocess.run(
        [TICKETMILL, *map(str, arguments)],
        env=variables,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def left_in(home: Path) -> set[str]:
    """The files below a home folder, but for ticketmill's own."""
    files = {path.relative_to(home).as_posix() for path in home.rglob("*") if not path.is_dir()}
    return {name for name in files if not name.startswith(".cache/ticketmill/")}


def test_enriching_and_evaluating_leave_nothing(home: Path, variables: Variables, tmp_path: Path) -> None:
    run(variables, "enrich", "-", stdin=RAW)
    data = tmp_path / "labelled.jsonl"
    lines = [{"text": "I cannot log in", "urgency": "high"}, {"text": "Thank you", "urgency": "low"}]
    data.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    run(variables, "evaluate", "--data", data, "--label", "urgency", "--plots", tmp_path / "plots")
    assert (tmp_path / "plots" / "urgency-confusion.png").exists()
    assert left_in(home) == set()


def test_a_worker_and_its_probes_leave_nothing(
    home: Path, variables: Variables, clients: Clients, stack: Stack, stack_name: str
) -> None:
    clients.s3.put_object(Bucket=stack.raw_bucket, Key="tickets/T1.json", Body=RAW.encode())
    adapters = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with working({**variables, **adapters, "TICKETMILL_STACK": stack_name}, port) as get:
        for path in ("/healthz", "/metrics", "/readyz"):
            assert get(path)
    assert left_in(home) == set()


@contextmanager
def working(variables: Variables, port: int) -> Iterator[Callable[[str], str]]:
    """A worker for as long as the block runs; yields what gets a path of its metrics port."""
    command = [TICKETMILL, "work", "--metrics-port", str(port)]
    with subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, text=True) as worker:
        assert worker.stderr
        told = ""
        for line in worker.stderr:  # until it has enriched the ticket
            told += line
            if "upload enriched" in line:
                break

        def get(path: str) -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
                return str(answer.read(), "utf-8")

        try:
            yield get
        finally:
            worker.terminate()
            worker.stderr.read()
        assert worker.wait(60) == 0, told


@pytest.mark.parametrize("given", [None, "0"])
def test_telemetry_is_off_unless_the_user_says_otherwise(given: str | None) -> None:
    environment = {"PATH": os.environ["PATH"]} | ({"ORT_DISABLE_TELEMETRY": given} if given else {})
    program = "import os, ticketmill; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    done = subprocess.run(
        [TICKETMILL.with_name("python"), "-c", program], env=environment, capture_output=True, text=True
    )
    assert done.stdout.strip() == (given or "1")
