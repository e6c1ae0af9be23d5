"""What signals do to a command. Each script is a process of its own, which is sent real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from ticketmill.entrypoints.signals import stop_on_signal

START = """
import os, signal, sys, threading, time
from ticketmill.entrypoints.signals import stop_on_signal
stopping = threading.Event()
"""

# The lock of the event is held when the signal comes, as it is for an instant in `wait` and in `set`.
LOCKED = """
with stop_on_signal(stopping.set):
    with stopping._cond:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.05)
    print("stopped", stopping.wait(30), flush=True)
"""

TWICE = """
with stop_on_signal(stopping.set, kill=lambda: os.write(1, b"killing")):
    os.kill(os.getpid(), signal.SIGTERM)
    stopping.wait(30)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(30)
"""

# As after SIGSTOP and SIGCONT: the signal arrives in another thread, while the main thread waits for a lock.
ELSEWHERE = """
def strike():
    time.sleep(0.2)
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

with stop_on_signal(stopping.set):
    threading.Thread(target=strike).start()
    print("stopped", stopping.wait(), flush=True)
"""

# Whoever stops the command hangs.
STUBBORN = """
with stop_on_signal(lambda: time.sleep(60)):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)
"""


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", START + script], capture_output=True, text=True, check=False, timeout=60
    )


def test_a_signal_while_the_main_thread_holds_the_lock_of_the_same_event_stops_without_deadlock() -> None:
    done = run(LOCKED)
    assert (done.returncode, done.stdout) == (0, "stopped True\n")
    assert done.stderr == "stopping…\n"


def test_a_second_signal_kills() -> None:
    done = run(TWICE)
    assert done.returncode == 128 + signal.SIGTERM
    assert done.stdout == "killing"
    assert done.stderr == "stopping…\n"


def test_a_signal_that_arrives_in_another_thread_stops_a_main_thread_that_waits() -> None:
    done = run(ELSEWHERE)
    assert (done.returncode, done.stdout) == (0, "stopped True\n")


def test_a_stop_that_hangs_does_not_keep_a_second_signal_from_killing() -> None:
    assert run(STUBBORN).returncode == 128 + signal.SIGINT


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_announces_and_then_stops(signum: signal.Signals) -> None:
    told: list[str] = []
    stopped = threading.Event()

    def stop() -> None:
        told.append("stop")
        stopped.set()

    with stop_on_signal(stop, announce=lambda: told.append("announce")):
        os.kill(os.getpid(), signum)
        assert stopped.wait(30)
    assert told == ["announce", "stop"]


def test_of_nested_contexts_the_inner_one_gets_the_signal() -> None:
    told: list[str] = []
    stopped = threading.Event()
    with (
        stop_on_signal(lambda: told.append("outer"), announce=lambda: None),
        stop_on_signal(stopped.set, announce=lambda: None),
    ):
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopped.wait(30)
    assert told == []


def test_handlers_and_thread_are_gone_after_the_context() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stop_on_signal(lambda: None):
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before
    assert not [thread for thread in threading.enumerate() if thread.name == "signals"]
