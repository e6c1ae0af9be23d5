"""The worker over a queue in memory; its signals are tested on a real process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from fakes import NOW, VISIBILITY_TIMEOUT_S, FakeQueue, announce

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import Message
from ticketmill.pipeline.outcome import Outcome, Result
from ticketmill.worker import worker as worker_module
from ticketmill.worker.worker import Limits, Pace, Worker, WorkerDied, backoff_s

PACE = Pace(
    wait_s=0, visibility_timeout_s=VISIBILITY_TIMEOUT_S, heartbeat_s=0.01, stop_deadline_s=5, worker_threads=3
)
UNTIL_EMPTY = Limits(until_empty=True)

Process = Callable[[Sequence[Message]], list[Outcome]]


def enriched(messages: Sequence[Message]) -> list[Outcome]:
    return [Outcome(message, Result.ENRICHED, message.message_id) for message in messages]


def make_worker(
    queue: FakeQueue, process: Process = enriched, pace: Pace = PACE, limits: Limits = UNTIL_EMPTY
) -> Worker:
    return Worker(queue, process, pace, limits)


def waiting(count: int) -> FakeQueue:
    return FakeQueue([announce("tickets/T.json", message_id=f"m{number}") for number in range(count)])


def names(count: int) -> list[str]:
    return sorted(f"m{number}" for number in range(count))


def wait_until(condition: Callable[[], bool]) -> None:
    by = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < by
        time.sleep(0.002)


def test_it_works_until_the_queue_is_empty_and_counts_what_it_did() -> None:
    queue = waiting(70)
    statistics = make_worker(queue).run()
    assert (statistics.received, statistics.processed) == (70, 70)
    assert sorted(queue.acknowledged) == names(70)
    assert queue.released == []


def test_batches_gather_over_receives_and_stay_within_their_size() -> None:
    sizes: list[int] = []
    first = threading.Event()

    def process(messages: Sequence[Message]) -> list[Outcome]:
        sizes.append(len(messages))
        # the others come while the first batch is at work
        if not first.is_set():
            first.set()
            time.sleep(0.1)
        return enriched(messages)

    make_worker(waiting(100), process, replace(PACE, batch_size=25, worker_threads=1)).run()
    assert sum(sizes) == 100
    assert max(sizes) == 25


def test_lanes_are_at_work_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=10)

    def process(messages: Sequence[Message]) -> list[Outcome]:
        together.wait()
        return enriched(messages)

    assert (
        make_worker(waiting(30), process, replace(PACE, batch_size=10, worker_threads=3)).run().processed
        == 30
    )


def test_only_settled_messages_are_acknowledged_and_failed_ones_come_back_later_each_time() -> None:
    queue = FakeQueue(
        [
            announce("a", message_id="good"),
            announce("b", message_id="new", receive_count=1),
            announce("c", message_id="old", receive_count=4),
        ]
    )

    def process(messages: Sequence[Message]) -> list[Outcome]:
        return [
            Outcome(each, Result.ENRICHED if each.message_id == "good" else Result.FAILED)
            for each in messages
        ]

    statistics = make_worker(queue, process).run()
    assert queue.acknowledged == ["good"]
    assert sorted(queue.released) == [("new", 1), ("old", 8)]
    assert statistics.results[Result.FAILED] == 2


def test_messages_that_the_queue_does_not_confirm_as_deleted_are_counted() -> None:
    queue = waiting(3)
    queue.acknowledge = lambda _messages: {"m0"}  # type: ignore[method-assign,assignment]
    assert make_worker(queue).run().unconfirmed == 2


def test_what_is_at_work_and_what_waits_for_its_turn_stays_invisible_to_others() -> None:
    queue = waiting(20)

    def process(messages: Sequence[Message]) -> list[Outcome]:
        wait_until(lambda: set(queue.extended) >= set(names(20)))
        return enriched(messages)

    make_worker(queue, process, replace(PACE, batch_size=10, worker_threads=1)).run()
    assert sorted(queue.acknowledged) == names(20)


def test_a_lost_lease_is_counted_and_not_acknowledged() -> None:
    queue = waiting(3)

    def process(messages: Sequence[Message]) -> list[Outcome]:
        queue.expired = {"m1"}
        wait_until(lambda: worker.leases.lost == 1)
        return enriched(messages)

    worker = make_worker(queue, process)
    statistics = worker.run()
    assert queue.acknowledged == ["m0", "m2"]
    assert (statistics.lost_leases, statistics.unconfirmed) == (1, 0)


def test_what_is_lost_while_it_waits_is_not_worked_on() -> None:
    queue, seen = waiting(12), list[str]()

    def process(messages: Sequence[Message]) -> list[Outcome]:
        if not seen:
            queue.expired = {"m11"}
            wait_until(lambda: worker.leases.lost == 1)
        seen.extend(message.message_id for message in messages)
        return enriched(messages)

    worker = make_worker(queue, process, replace(PACE, batch_size=10, worker_threads=1))
    worker.run()
    assert sorted(seen) == sorted(set(names(12)) - {"m11"})


def test_told_to_stop_it_hands_back_what_it_has_not_begun_and_finishes_what_it_has() -> None:
    queue, begun = waiting(40), threading.Event()

    def process(messages: Sequence[Message]) -> list[Outcome]:
        begun.set()
        wait_until(lambda: bool(queue.released))
        return enriched(messages)

    worker = make_worker(queue, process, replace(PACE, batch_size=10, worker_threads=1), Limits(for_s=0.3))
    worker.run()
    assert begun.is_set()
    back = [message_id for message_id, _ in queue.released]
    assert {delay for _, delay in queue.released} == {0}
    assert sorted(queue.acknowledged + back + [each.message_id for each in queue.waiting]) == names(40)
    assert len(queue.acknowledged) == 10


def test_what_is_not_finished_by_the_deadline_is_handed_back_and_never_acknowledged() -> None:
    queue, hangs = waiting(5), threading.Event()

    def process(messages: Sequence[Message]) -> list[Outcome]:
        hangs.wait(30)
        return enriched(messages)

    worker = make_worker(queue, process, replace(PACE, stop_deadline_s=0.2), Limits(for_s=0.1))
    worker.run()
    assert worker.unfinished
    assert sorted(queue.released) == [(name, 0) for name in names(5)]
    hangs.set()
    time.sleep(0.05)
    assert queue.acknowledged == []


def test_a_queue_that_hangs_does_not_keep_a_worker_from_stopping_by_its_deadline() -> None:
    queue, hangs = waiting(40), threading.Event()

    def hang(messages: Sequence[Message], _seconds: int) -> Any:
        hangs.wait(60)
        return set()

    queue.extend = queue.release = hang  # type: ignore[method-assign]

    def process(messages: Sequence[Message]) -> list[Outcome]:
        hangs.wait(60)
        return enriched(messages)

    pace = replace(PACE, batch_size=10, worker_threads=1, stop_deadline_s=0.4)
    worker = make_worker(queue, process, pace, Limits(for_s=0.1))
    started = time.monotonic()
    worker.run()
    assert time.monotonic() - started < 30, "it waited for the queue"
    assert worker.unfinished
    assert queue.acknowledged == []
    hangs.set()


def test_what_a_last_receive_brings_after_the_stop_is_handed_back_at_once() -> None:
    queue, asked = waiting(0), threading.Event()

    def late(max_messages: int, wait_s: float, visibility_timeout_s: int) -> list[Message]:
        asked.set()
        time.sleep(0.3)
        return [announce("a", message_id="late")]

    queue.receive = late  # type: ignore[method-assign,assignment]
    make_worker(queue, limits=Limits(for_s=0.1)).run()
    assert asked.is_set()
    assert queue.released == [("late", 0)]
    assert queue.acknowledged == []


def test_it_receives_no_more_than_the_tickets_that_it_may_take() -> None:
    queue = waiting(40)
    statistics = make_worker(queue, limits=Limits(max_tickets=13)).run()
    assert statistics.processed == 13
    assert len(queue.waiting) == 27


def test_a_thread_that_dies_ends_the_worker_and_hands_back_what_is_in_hand(
    caplog: pytest.LogCaptureFixture,
) -> None:
    queue, text = waiting(15), "card " + "4111" * 2

    def process(messages: Sequence[Message]) -> list[Outcome]:
        raise RuntimeError(text)

    with pytest.raises(WorkerDied, match="RuntimeError"):
        make_worker(queue, process, replace(PACE, worker_threads=1, batch_size=10), Limits()).run()
    assert {message_id for message_id, _ in queue.released} >= set(names(10))
    assert queue.acknowledged == []
    assert "worker-0 died of RuntimeError" in caplog.text
    assert text not in caplog.text


def test_a_queue_that_fails_is_asked_again_and_later_each_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker_module, "FIRST_PAUSE_S", 0.01)
    queue = waiting(1)
    receive, failures = queue.receive, 3

    def flaky(max_messages: int, wait_s: float, visibility_timeout_s: int) -> list[Message]:
        nonlocal failures
        if failures:
            failures -= 1
            raise TransientFailure(f"receiving from SQS: failure {failures}")
        return receive(max_messages, wait_s, visibility_timeout_s)

    queue.receive = flaky  # type: ignore[method-assign,assignment]
    worker = make_worker(queue)
    assert worker.run().processed == 1
    assert worker.reached
    assert [f"failure {number}" in caplog.text for number in (2, 1, 0)] == [True] * 3


def test_it_is_unhealthy_while_a_worker_thread_does_not_move(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "HEALTHY_WITHIN_S", 0.05)
    told: list[str | None] = []

    def process(messages: Sequence[Message]) -> list[Outcome]:
        told.append(worker.unhealthy())
        time.sleep(0.1)
        told.append(worker.unhealthy())
        return enriched(messages)

    worker = make_worker(waiting(1), process)
    worker.run()
    assert told[0] is None
    assert told[1] is not None and told[1].startswith("worker-")
    assert worker.unhealthy() is None


@pytest.mark.parametrize(
    ("receive_count", "delay_s"), [(0, 1), (1, 1), (2, 2), (5, 16), (11, 900), (9999, 900)]
)
def test_the_backoff_doubles_up_to_fifteen_minutes(receive_count: int, delay_s: int) -> None:
    assert backoff_s(receive_count) == delay_s


def test_latencies_count_from_the_event_on_the_queue() -> None:
    statistics = make_worker(waiting(5)).run()
    latency_ms = statistics.latency_ms(50)
    assert latency_ms is not None
    assert latency_ms > 1000
    assert announce("x").sent_at < NOW
