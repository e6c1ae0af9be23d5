"""Whether threads move."""

from __future__ import annotations

import threading

import pytest
from fake_sqs import Clock

from ticketmill.worker.liveness import Liveness


def test_a_thread_is_stuck_once_its_step_takes_longer_than_it_may() -> None:
    clock = Clock()
    liveness = Liveness(clock)
    with liveness.busy():
        clock.now = 300.0
        assert liveness.stuck(300) is None
        clock.now = 301.0
        assert liveness.stuck(300) == f"{threading.current_thread().name} has not moved for 301 s"
    assert liveness.stuck(300) is None


def test_a_thread_that_waits_between_its_steps_is_not_stuck() -> None:
    clock = Clock()
    liveness = Liveness(clock)
    with liveness.busy():
        pass
    clock.now = 10_000.0
    assert liveness.stuck(300) is None


def test_a_thread_that_dies_stops_the_others_and_is_logged_without_what_it_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    liveness, stopped = Liveness(), threading.Event()
    text = "card " + "4111" * 2

    def work() -> None:
        raise RuntimeError(text)

    thread = liveness.thread("worker-0", work, stopped.set)
    assert thread.daemon
    thread.start()
    thread.join(30)
    assert stopped.is_set()
    assert isinstance(liveness.died_of, RuntimeError)
    assert "worker-0 died of RuntimeError" in caplog.text
    assert text not in caplog.text
