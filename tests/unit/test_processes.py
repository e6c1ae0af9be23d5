"""Several worker processes as one."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest

from ticketmill.worker.processes import ProcessDied, Processes, shares, summed


@pytest.mark.parametrize(("whole", "count", "parts"), [(10, 3, [4, 3, 3]), (2, 4, [1, 1, 0, 0]), (8, 1, [8])])
def test_shares_differ_by_one_at_most_and_add_up(whole: int, count: int, parts: list[int]) -> None:
    assert shares(whole, count) == parts


def test_statistics_add_up_and_latencies_are_the_worst_of_any() -> None:
    one = {"enriched": 3, "tickets_per_s": 10.04, "latency_ms_p50": 20.0, "latency_ms_p95": None}
    other = {"enriched": 4, "tickets_per_s": 5.0, "latency_ms_p50": 30.0, "latency_ms_p95": None}
    assert summed([one, other]) == {
        "enriched": 7,
        "tickets_per_s": 15.0,
        "latency_ms_p50": 30.0,
        "latency_ms_p95": None,
    }


PYTHON = (sys.executable, "-c")
"""In the place of `ticketmill`: each command is a script."""

WAITS = """
import os, pathlib, signal, time
signal.signal(signal.SIGTERM, lambda *_: (print('{}'), exit(0)))
pathlib.Path(os.environ['READY']).touch()
time.sleep(60)
"""


def test_each_process_has_its_own_environment_and_gives_its_statistics() -> None:
    tell = "import json, os; print(json.dumps({'threads': os.environ['TICKETMILL_THREADS']}))"
    told = Processes(
        [[tell], [tell]], [{"TICKETMILL_THREADS": "1"}, {"TICKETMILL_THREADS": "3"}], PYTHON
    ).run()
    assert told == [{"threads": "1"}, {"threads": "3"}]


def test_where_one_process_dies_the_others_are_stopped_and_it_is_told(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    dies = f"import pathlib\nwhile not pathlib.Path({str(ready)!r}).exists(): pass\nexit(3)"
    with pytest.raises(ProcessDied, match="exit code 3"):
        Processes([[WAITS], [dies]], [{"READY": str(ready)}, {}], PYTHON).run()


def test_a_stop_reaches_every_process(tmp_path: Path) -> None:
    ready = [tmp_path / "first", tmp_path / "second"]
    started = Processes([[WAITS], [WAITS]], [{"READY": str(each)} for each in ready], PYTHON)

    def stop_when_ready() -> None:
        while not all(each.exists() for each in ready):
            time.sleep(0.01)
        started.stop()

    threading.Thread(target=stop_when_ready, daemon=True).start()
    assert started.run() == [{}, {}]


def test_a_process_that_is_stopped_before_it_works_gives_no_statistics() -> None:
    assert Processes([["pass"], ["print('{}')"]], [{}, {}], PYTHON).run() == [{}]


def test_a_kill_ends_processes_that_do_not_stop(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    stubborn = WAITS.replace("lambda *_: (print('{}'), exit(0))", "signal.SIG_IGN")
    started = Processes([[stubborn]], [{"READY": str(ready)}], PYTHON)
    while not ready.exists():
        time.sleep(0.01)
    started.kill()
    with pytest.raises(ProcessDied, match="exit code -9"):
        started.run()
