"""The worker's loop over a queue in memory; its signals are tested on a real process."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from fakes import NOW, FakeQueue, announce

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import Message
from ticketmill.entrypoints import worker as worker_module
from ticketmill.entrypoints.worker import Worker, backoff_s
from ticketmill.pipeline.outcome import Outcome, Result


def enriched(messages: Sequence[Message]) -> list[Outcome]:
    return [Outcome(message, Result.ENRICHED, message.message_id) for message in messages]


def make_worker(queue: FakeQueue, process=enriched, batch_size: int = 32) -> Worker:  # type: ignore[no-untyped-def]
    return Worker(queue, process, batch_size=batch_size, wait_s=0, until_empty=True)


def waiting(count: int) -> FakeQueue:
    return FakeQueue([announce("tickets/T.json", message_id=f"m{number}") for number in range(count)])


def test_it_works_until_the_queue_is_empty_and_counts_what_it_did() -> None:
    queue = waiting(70)
    statistics = make_worker(queue).run()
    assert statistics.processed == 70
    assert len(queue.acknowledged) == 70
    assert queue.is_empty()


def test_batches_gather_over_receives_and_stay_within_their_size() -> None:
    sizes: list[int] = []

    def process(messages: Sequence[Message]) -> list[Outcome]:
        sizes.append(len(messages))
        return enriched(messages)

    make_worker(waiting(70), process, batch_size=32).run()
    assert sizes == [32, 32, 6]


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
    assert sorted(queue.handed_back) == [("new", 1), ("old", 8)]
    assert statistics.results[Result.FAILED] == 2


def test_messages_that_the_queue_does_not_confirm_as_deleted_are_counted() -> None:
    queue = waiting(3)
    queue.acknowledge = lambda _messages: {"m0"}  # type: ignore[method-assign,assignment]
    assert make_worker(queue).run().unconfirmed == 2


def test_a_queue_that_fails_is_asked_again_and_later_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(worker_module.time, "sleep", pauses.append)
    queue = waiting(1)
    receive, failures = queue.receive, 3

    def flaky(max_messages: int, wait_s: float) -> list[Message]:
        nonlocal failures
        if failures:
            failures -= 1
            raise TransientFailure("receiving from SQS: ServiceUnavailable")
        return receive(max_messages, wait_s)

    queue.receive = flaky  # type: ignore[method-assign]
    statistics = make_worker(queue).run()
    assert statistics.processed == 1
    assert pauses == [1.0, 2.0, 4.0]


def test_a_queue_that_fails_while_a_batch_gathers_does_not_keep_the_messages_in_hand_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(worker_module.time, "sleep", pauses.append)
    queue = waiting(10)
    receive, calls = queue.receive, 0

    def fails_at_the_second(max_messages: int, wait_s: float) -> list[Message]:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise TransientFailure("receiving from SQS: ServiceUnavailable")
        return receive(max_messages, wait_s)

    queue.receive = fails_at_the_second  # type: ignore[method-assign]
    assert make_worker(queue).run().processed == 10
    assert pauses == []


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
