"""Commands of ours as processes that import nothing: one process has everything loaded, and forks for each.

Most of a command's time goes to imports and to botocore's models of services. `preloaded_commands` gives a
folder with a `ticketmill` (preloaded_client.py) that asks such a process (preloaded_server.py) for a fork.

The fork has the arguments, environment, folder, umask and streams of whoever ran it. It gets their signals,
and they get its exit code. Some variables are read only as Python starts: where one of them differs, the
installed `ticketmill` runs.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER = Path(__file__).with_name("preloaded_server.py")
CLIENT = Path(__file__).with_name("preloaded_client.py")


@contextmanager
def preloaded_commands() -> Iterator[Path]:
    """The folder with a `ticketmill` that starts at once, for as long as the block runs."""
    with tempfile.TemporaryDirectory(prefix="ticketmill-") as name:  # not pytest's: a socket's path is short
        folder = Path(name)
        command = folder / "ticketmill"
        command.write_text(f"#!{sys.executable} -IS\n{CLIENT.read_text(encoding='utf-8')}", encoding="utf-8")
        command.chmod(0o700)
        with subprocess.Popen(
            [sys.executable, SERVER, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the tests
        ) as server:
            assert server.stdin and server.stdout
            assert server.stdout.readline() == b"ready\n"
            yield folder
            server.stdin.close()
