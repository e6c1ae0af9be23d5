"""A command that a preloaded process runs ends, reads and writes as one that is started does."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from commands import TICKETMILL

BOTH = pytest.mark.parametrize("installed", [False, True], ids=["preloaded", "installed"])


@pytest.fixture
def command(installed: bool, preloaded: Path) -> Path:
    return TICKETMILL if installed else preloaded / "ticketmill"


def run(command: Path, *arguments: str, **given: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([command, *arguments], capture_output=True, text=True, check=False, **given)


@BOTH
def test_it_has_the_callers_folder_streams_and_variables(command: Path, tmp_path: Path) -> None:
    (tmp_path / "größe.yaml").write_text("[", encoding="utf-8")
    done = run(command, "taxonomy", "check", "größe.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("ticketmill: größe.yaml")

    read = run(command, "taxonomy", "check", "/dev/stdin", input="task: topics\nlabels: 3\n")
    assert (read.returncode, read.stdout) == (3, "")
    assert "labels" in read.stderr

    wrong = run(command, "models", "status", env={**os.environ, "TICKETMILL_THREADS": "0"})
    assert wrong.returncode == 3
    assert "TICKETMILL_THREADS" in wrong.stderr


@BOTH
def test_a_reader_that_has_had_enough_is_no_error(command: Path) -> None:
    script = f"set -o pipefail; {command} schema ticket | head -n 1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "{\n", "")


@BOTH
def test_a_signal_reaches_the_command_and_ends_both(command: Path) -> None:
    waiting = [command, "taxonomy", "check", "/dev/stdin"]
    with subprocess.Popen(waiting, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.terminate()
        assert process.stdout.read() == b"", "nobody has it open any more"
        assert process.wait() == -15


def test_what_python_reads_as_it_starts_needs_a_process_that_starts(preloaded: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('started')")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    for variables, first in ((os.environ, "ticketmill"), ({**os.environ, "PYTHONPATH": path}, "started")):
        assert run(preloaded / "ticketmill", "--version", env=variables).stdout.split()[0] == first
