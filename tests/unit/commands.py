"""Our commands: in this process, or in processes of their own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

from ticketmill.entrypoints import cli

TICKETMILL = Path(sys.executable).with_name("ticketmill")

Run = Callable[..., subprocess.CompletedProcess[str]]
"""Runs a command of ours; `code` is the exit code that it must end with."""

WorkOff = Callable[[], dict[str, Any]]
"""Runs a worker until the queue is empty; its statistics."""


def runner_here(environment: Mapping[str, str]) -> Run:
    """Runs commands in this process, which saves the second that it takes to load everything."""

    def run(*arguments: object, code: int = 0, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [*map(str, arguments)]
        given, out, err = (io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8") for text in (stdin, "", ""))
        with (
            mock.patch.dict(os.environ, environment, clear=True),
            mock.patch.object(sys, "stdin", given),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            ended = cli.run(command)
        stdout, stderr = (_written(stream) for stream in (out, err))
        assert ended == code, stderr
        return subprocess.CompletedProcess(command, ended, stdout, stderr)

    return run


def runner_in_processes(environment: Mapping[str, str]) -> Run:
    """Runs each command in a process of its own, as a shell does."""

    def run(*arguments: object, code: int = 0, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [str(TICKETMILL), *map(str, arguments)]
        done = subprocess.run(
            command, env=environment, input=stdin, capture_output=True, text=True, check=False, timeout=90
        )
        assert done.returncode == code, done.stderr
        return done

    return run


def _written(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()
