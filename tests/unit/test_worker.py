"""The worker over a queue in memory; signals are tested on real processes."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from fake_sqs import Clock
from fakes import NOW, VISIBILITY_TIMEOUT_S, FakeQueue, announce

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import Message
from ticketmill.pipeline.outcome import Outcome, Result
from ticketmill.settings import Settings
from ticketmill.worker.backoff import Backoff
from ticketmill.worker.pace import Limits, Pace, pace_of
from ticketmill.worker.worker import Worker, WorkerDied

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
    return Worker(queue, process, pace, limits, backoff=Backoff(20, jitter=lambda: 1.0))


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


def test_worker_threads_are_at_work_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=10)

    def process(messages: Sequence[Message]) -> list[Outcome]:
        together.wait()
        return enriched(messages)

    assert (
        make_worker(waiting(30), process, replace(PACE, batch_size=10, worker_threads=3)).run().processed
        == 30
    )


def test_only_what_succeeded_is_acknowledged_and_failed_ones_come_back_later_each_time() -> None:
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
    assert sorted(queue.released) == [("new", 20), ("old", 160)]
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


def test_on_stop_it_finishes_what_it_has_received_and_leaves_the_rest_on_the_queue() -> None:
    queue, begun, told_to_stop = waiting(60), threading.Event(), threading.Event()

    def process(messages: Sequence[Message]) -> list[Outcome]:
        begun.set()
        assert told_to_stop.wait(30)
        return enriched(messages)

    worker = make_worker(queue, process, replace(PACE, batch_size=10, worker_threads=1), Limits())
    worker.start()
    assert begun.wait(30)
    worker.stop()
    told_to_stop.set()
    worker.join()
    assert queue.released == []
    assert sorted(queue.acknowledged + [each.message_id for each in queue.waiting]) == names(60)
    assert queue.waiting, "it received no more than a batch and one that waits"


def test_it_is_started_stopped_and_joined_from_any_thread() -> None:
    queue, embedded = waiting(30), list[int]()
    worker = make_worker(queue, limits=Limits())

    def embed() -> None:
        worker.start()
        wait_until(lambda: len(queue.acknowledged) == 30)
        worker.stop()
        embedded.append(worker.join().processed)

    host = threading.Thread(target=embed)
    host.start()
    host.join(30)
    assert embedded == [30]


def test_no_more_is_in_flight_than_a_batch_for_each_worker_thread_and_one_that_gathers() -> None:
    pace = replace(PACE, batch_size=10, worker_threads=2)
    queue, most = waiting(100), 0

    def process(messages: Sequence[Message]) -> list[Outcome]:
        nonlocal most
        time.sleep(0.01)
        most = max(most, len(worker.leases))
        return enriched(messages)

    worker = make_worker(queue, process, pace)
    worker.run()
    assert most <= pace.max_in_flight == 30
    assert Pace().max_in_flight == 144


def test_suspects_are_worked_after_the_others_and_one_at_a_time() -> None:
    suspects = [announce("a", message_id=f"s{number}", receive_count=3) for number in range(4)]
    queue = FakeQueue([*suspects[:2], *waiting(20).waiting, *suspects[2:]])
    at_work, together = Counter[str](), list[set[str]]()
    lock = threading.Lock()

    def process(messages: Sequence[Message]) -> list[Outcome]:
        ids = [each.message_id for each in messages]
        with lock:
            at_work.update(ids)
            together.append(set(at_work))
        time.sleep(0.005)
        with lock:
            for message_id in ids:
                del at_work[message_id]
        return enriched(messages)

    make_worker(queue, process).run()
    assert len(queue.acknowledged) == 24
    for number in range(4):
        assert {frozenset(each) for each in together if f"s{number}" in each} == {frozenset({f"s{number}"})}


def test_what_is_not_finished_by_the_deadline_is_released_and_never_acknowledged() -> None:
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


def test_what_a_last_receive_brings_after_the_stop_is_worked_too() -> None:
    queue, asked = waiting(0), threading.Event()

    def late(max_messages: int, wait_s: float, visibility_timeout_s: int) -> list[Message]:
        asked.set()
        time.sleep(0.3)
        return [announce("a", message_id="late")]

    queue.receive = late  # type: ignore[method-assign,assignment]
    make_worker(queue, limits=Limits(for_s=0.1)).run()
    assert asked.is_set()
    assert queue.released == []
    assert queue.acknowledged == ["late"]


def test_it_receives_no_more_than_the_tickets_that_it_may_take() -> None:
    queue = waiting(40)
    statistics = make_worker(queue, limits=Limits(max_tickets=13)).run()
    assert statistics.processed == 13
    assert len(queue.waiting) == 27


def test_a_thread_that_dies_ends_the_worker_and_releases_what_is_in_flight(
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


def test_a_queue_that_fails_is_asked_again_and_later_each_time(caplog: pytest.LogCaptureFixture) -> None:
    queue = waiting(1)
    receive, failures = queue.receive, 3

    def flaky(max_messages: int, wait_s: float, visibility_timeout_s: int) -> list[Message]:
        nonlocal failures
        if failures:
            failures -= 1
            raise TransientFailure(f"receiving from SQS: failure {failures}", dependency="sqs")
        return receive(max_messages, wait_s, visibility_timeout_s)

    queue.receive = flaky  # type: ignore[method-assign,assignment]
    worker = make_worker(queue, pace=replace(PACE, outage_pause_s=0.01))
    assert worker.run().processed == 1
    assert worker.unready() is None
    assert [f"failure {number}" in caplog.text for number in (2, 1, 0)] == [True] * 3


def test_it_is_unhealthy_while_a_thread_does_not_move_for_longer_than_it_may() -> None:
    told: list[str | None] = []
    clock = Clock()

    def process(messages: Sequence[Message]) -> list[Outcome]:
        clock.now = 50.0
        told.append(worker.unhealthy())
        clock.now = 101.0
        told.append(worker.unhealthy())
        return enriched(messages)

    worker = Worker(waiting(1), process, replace(PACE, stuck_after_s=100), UNTIL_EMPTY, clock=clock)
    worker.run()
    assert told[0] is None
    assert told[1] is not None
    assert worker.unhealthy() is None


@pytest.mark.parametrize(
    ("settings", "stuck_after_s"),
    [
        (Settings(), 300),
        (Settings(sentiment="hf:org/model", hub_timeout_s=60), 900),
        (Settings(sentiment="hf:org/model", intent="hf:org/model", hub_timeout_s=60), 1500),
    ],
)
def test_a_thread_may_take_as_long_as_every_named_model_takes_to_load_again(
    settings: Settings, stuck_after_s: float
) -> None:
    assert pace_of(settings).stuck_after_s == stuck_after_s


def test_latencies_count_from_the_event_on_the_queue() -> None:
    statistics = make_worker(waiting(5)).run()
    latency_ms = statistics.latency_ms(50)
    assert latency_ms is not None
    assert latency_ms > 1000
    assert announce("x").sent_at < NOW
