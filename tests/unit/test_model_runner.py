"""What stands between a heavy model and the pipeline."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ticketmill.circuit_breaker import BreakerState, CircuitBreaker
from ticketmill.domain.errors import TransientFailure
from ticketmill.models.transformers.runner import ModelRunner, Reason


class Doubling:
    """A model that doubles numbers; what `fault` raises for a batch, it raises."""

    resident_mb = 12.5

    def __init__(self) -> None:
        self.seen: list[list[int]] = []
        self.fault: Callable[[Sequence[int]], None] = lambda _items: None

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.seen.append(list(items))
        self.fault(items)
        return [2 * item for item in items]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def model() -> Doubling:
    return Doubling()


def runner_of(
    model: Doubling,
    limit_s: float = 30,
    load: Callable[[], Doubling] | None = None,
    clock: Clock | None = None,
) -> ModelRunner[int, int]:
    breaker = CircuitBreaker(first_pause_s=10, clock=clock or Clock())
    return ModelRunner("sentiment", "tiny", load or (lambda: model), limit_s, threading.Lock(), breaker)


def codes(results: Sequence[int | TransientFailure]) -> list[Any]:
    return [each.code if isinstance(each, TransientFailure) else each for each in results]


def broken(_items: Sequence[int]) -> None:
    raise ValueError("what a ticket says")


def test_a_model_is_loaded_when_it_is_first_needed_and_once(model: Doubling) -> None:
    loads = []
    runner = runner_of(model, load=lambda: loads.append(1) or model)  # type: ignore[func-returns-value]
    assert (runner.health().loaded, loads) == (False, [])
    assert runner.run([1, 2]) == [2, 4]
    assert runner.run([3]) == [6]
    health = runner.health()
    assert (loads, health.loaded, health.resident_mb, health.calls, health.tickets) == ([1], True, 12.5, 2, 3)
    assert health.mean_ms is not None and health.p95_ms is not None


def test_one_bad_item_is_found_by_halves_and_opens_nothing(model: Doubling) -> None:
    runner = runner_of(model)
    model.fault = lambda items: broken(items) if 5 in items else None
    for _ in range(5):
        assert codes(runner.run([1, 3, 5, 7])) == [2, 6, Reason.ERROR, 14]
    assert runner.breaker.state is BreakerState.CLOSED
    assert runner.health().failures == {"error": 5}


def test_three_batches_of_which_nothing_succeeds_open_the_breaker(model: Doubling, clock: Clock) -> None:
    runner = runner_of(model, clock=clock)
    model.fault = broken
    for _ in range(2):
        assert codes(runner.run([1, 2])) == [Reason.ERROR] * 2
        assert runner.breaker.state is BreakerState.CLOSED
    runner.run([1, 2])
    assert runner.breaker.state is BreakerState.OPEN
    model.seen.clear()
    assert codes(runner.run([1, 2])) == [Reason.BREAKER_OPEN] * 2
    assert not model.seen, "an open breaker asks nothing"


def test_a_success_in_between_starts_the_count_anew(model: Doubling) -> None:
    runner = runner_of(model)
    for fault in (broken, broken, lambda _items: None, broken, broken):
        model.fault = fault
        runner.run([1])
    assert runner.breaker.state is BreakerState.CLOSED


def test_after_a_pause_one_batch_tries_and_closes_the_breaker(model: Doubling, clock: Clock) -> None:
    runner = runner_of(model, clock=clock)
    model.fault = broken
    for _ in range(3):
        runner.run([1])
    clock.now += 9.9
    assert codes(runner.run([1])) == [Reason.BREAKER_OPEN]
    clock.now += 0.2
    states = []
    model.fault = lambda _items: states.append((runner.breaker.state, codes(runner.run([9]))))
    assert runner.run([1]) == [2]
    model.fault = lambda _items: None
    assert states == [(BreakerState.PROBING, [Reason.BREAKER_OPEN])], "one probe at a time"
    assert runner.breaker.state is BreakerState.CLOSED
    assert runner.run([4]) == [8]


def test_a_probe_that_fails_doubles_the_pause(model: Doubling, clock: Clock) -> None:
    runner = runner_of(model, clock=clock)
    model.fault = broken
    for _ in range(3):
        runner.run([1])
    clock.now += 10
    assert codes(runner.run([1])) == [Reason.ERROR]
    clock.now += 19
    assert codes(runner.run([1])) == [Reason.BREAKER_OPEN]
    clock.now += 1
    assert codes(runner.run([1])) == [Reason.ERROR]


def test_a_batch_over_its_time_is_not_tried_again_and_nobody_is_let_in_until_it_ends(model: Doubling) -> None:
    release, ended = threading.Event(), threading.Event()
    runner = runner_of(model, limit_s=0.05)
    runner.run([0])

    def hang(_items: Sequence[int]) -> None:
        release.wait(30)
        ended.set()

    model.fault = hang
    model.seen.clear()
    assert codes(runner.run([1, 2, 3, 4])) == [Reason.TIMEOUT] * 4
    assert codes(runner.run([5])) == [Reason.TIMEOUT]
    assert model.seen == [[1, 2, 3, 4]]
    release.set()
    assert ended.wait(30)
    model.fault = lambda _items: None
    while runner.hanging:
        release.wait(0.01)
    assert runner.run([6]) == [12]


def test_a_hanging_model_leaves_the_turn_to_others(model: Doubling) -> None:
    release = threading.Event()
    turn = threading.Lock()
    hanging: ModelRunner[int, int] = ModelRunner("summary", "a", lambda: model, 0.05, turn)
    hanging.run([0])
    other = Doubling()
    model.fault = lambda _items: release.wait(30) and None
    hanging.run([1])
    assert ModelRunner("topics", "b", lambda: other, 30, turn).run([2]) == [4]
    release.set()


def test_the_first_call_may_take_longer_than_the_others(model: Doubling) -> None:
    nothing = threading.Event()
    runner = runner_of(model, limit_s=0.2)
    model.fault = lambda _items: nothing.wait(0.5) and None
    assert runner.run([1]) == [2]
    assert codes(runner.run([1])) == [Reason.TIMEOUT]


def test_a_batch_too_large_for_the_memory_is_done_in_halves(model: Doubling) -> None:
    def small_memory(items: Sequence[int]) -> None:
        if len(items) > 2:
            raise MemoryError

    model.fault = small_memory
    assert runner_of(model).run([1, 2, 3, 4, 5]) == [2, 4, 6, 8, 10]


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 9 bytes")]
)
def test_without_memory_for_one_ticket_the_model_is_let_go_and_loaded_again(
    model: Doubling, error: Exception
) -> None:
    def no_memory(_items: Sequence[int]) -> None:
        raise error

    runner = runner_of(model)
    model.fault = no_memory
    assert codes(runner.run([1, 2])) == [Reason.OUT_OF_MEMORY] * 2
    assert not runner.health().loaded
    model.fault = lambda _items: None
    assert runner.run([1]) == [2]


def test_a_model_that_cannot_be_loaded_is_tried_once_a_batch() -> None:
    loads = []

    def load() -> Doubling:
        loads.append(1)
        raise OSError("no such file")

    runner: ModelRunner[int, int] = ModelRunner("sentiment", "tiny", load, 30, threading.Lock())
    assert codes(runner.run([1, 2, 3, 4])) == [Reason.NOT_LOADED] * 4
    assert len(loads) == 1
    with pytest.raises(OSError, match="no such file"):
        runner.warm([1])


def test_a_wrong_number_of_results_is_a_failure(model: Doubling) -> None:
    class Forgetful(Doubling):
        def __call__(self, items: Sequence[int]) -> list[int]:
            return super().__call__(items)[1:]

    assert codes(runner_of(Forgetful()).run([1, 2])) == [Reason.ERROR] * 2


def test_what_a_model_says_of_a_ticket_is_in_no_log_line(
    model: Doubling, caplog: pytest.LogCaptureFixture
) -> None:
    model.fault = broken
    runner = runner_of(model)
    for _ in range(4):
        runner.run([1])
    assert "ValueError" in caplog.text
    assert "what a ticket says" not in caplog.text
