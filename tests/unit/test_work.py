"""`ticketmill work` as a process: how it starts and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

# A thread of the worker dies while another thread of the process hangs with a service.
DIES = """
import sys, threading
sys.path.append({unit!r})
from fakes import FakeQueue, announce
from ticketmill.entrypoints.cli.work import run_or_end
from ticketmill.worker.pace import Pace
from ticketmill.worker.worker import Worker

def process(messages):
    threading.Thread(target=threading.Event().wait).start()
    raise RuntimeError("a bug")

print("answer")
run_or_end(Worker(FakeQueue([announce("a")]), process, Pace(wait_s=0)).run)
"""


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("processes", [1, 2])
def test_a_signal_during_the_start_ends_it_with_exit_code_0(
    signum: signal.Signals, processes: int, tmp_path: Path
) -> None:
    # something that takes connections and never answers: the start hangs there
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "NO_PROXY": "127.0.0.1",
            "XDG_CACHE_HOME": str(tmp_path),
        }
        with subprocess.Popen(
            [sys.executable, "-m", "ticketmill", "work", f"--processes={processes}"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            connections = [silent.accept()[0] for _ in range(processes)]
            process.send_signal(signum)
            _, stderr = process.communicate(timeout=60)
        for connection in connections:
            connection.close()
    assert process.returncode == 0, stderr
    assert "Traceback" not in stderr


def test_where_a_thread_of_the_worker_dies_a_thread_that_hangs_does_not_delay_the_exit() -> None:
    script = DIES.format(unit=str(Path(__file__).parent))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert done.stdout == "answer\n"
    assert "ticketmill: a thread of the worker died of RuntimeError; see the log" in done.stderr
