"""What a worker under watch tells: over fakes, as `ticketmill work` puts it together."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from fakes import FakeQueue, announce

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import Message
from ticketmill.entrypoints.watch import Watch
from ticketmill.entrypoints.worker import Worker
from ticketmill.pipeline.outcome import Outcome, Result
from ticketmill.settings import Settings


@pytest.fixture
def watch() -> Watch:
    return Watch(Settings(metrics_port=None, emf=False))


def value(watch: Watch, name: str, **labels: str) -> float | None:
    return watch.metrics.registry.get_sample_value(f"ticketmill_{name}", labels)


def enriched(messages: Sequence[Message]) -> list[Outcome]:
    return [Outcome(message, Result.ENRICHED, message.message_id) for message in messages]


def work(watch: Watch, queue: FakeQueue, process: Callable[[Sequence[Message]], list[Outcome]]) -> None:
    Worker(
        watch.over_queue(queue), watch.over_batches(process), batch_size=32, wait_s=0, until_empty=True
    ).run()


def test_a_worker_under_watch_works_as_ever_and_is_counted(
    watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    queue = FakeQueue([announce("a", message_id=f"m{number}") for number in range(40)])
    with caplog.at_level(logging.INFO):
        work(watch, queue, enriched)
    assert len(queue.acknowledged) == 40
    assert value(watch, "received_total") == 40
    assert value(watch, "tickets_total", result="enriched") == 40
    assert value(watch, "batch_tickets_count") == 2
    assert caplog.messages.count("upload enriched") == 40


def test_it_is_ready_with_its_bundle_and_a_queue_that_answers(watch: Watch) -> None:
    queue = watch.over_queue(FakeQueue())
    watch.vitals.has("bundle")
    assert watch.vitals.ready() == "queue: not reached yet"
    queue.receive(10, 0)
    assert watch.vitals.ready() is None


def test_it_is_not_ready_while_the_queue_does_not_answer(watch: Watch) -> None:
    fake = FakeQueue()
    queue = watch.over_queue(fake)
    watch.vitals.has("bundle")
    queue.receive(10, 0)
    receive = fake.receive

    def fail(_max_messages: int, _wait_s: float) -> list[Message]:
        raise TransientFailure("receiving: connection refused")

    fake.receive = fail  # type: ignore[method-assign]
    with pytest.raises(TransientFailure):
        queue.receive(10, 0)
    assert watch.vitals.ready() == "queue: the last receive failed"
    fake.receive = receive  # type: ignore[method-assign]
    queue.receive(10, 0)
    assert watch.vitals.ready() is None


def test_what_is_in_hand_is_told_while_it_is_and_no_longer(watch: Watch) -> None:
    seen: list[tuple[float | None, float | None]] = []

    def process(messages: Sequence[Message]) -> list[Outcome]:
        seen.append((value(watch, "in_flight"), value(watch, "queue_age_seconds")))
        return enriched(messages)

    sent_at = datetime.now(UTC) - timedelta(seconds=90)
    work(watch, FakeQueue([Message("m1", "[]", "r1", 1, sent_at)]), process)
    ((in_flight, age_s),) = seen
    assert in_flight == 1
    assert age_s == pytest.approx(90, abs=20)
    assert (value(watch, "in_flight"), value(watch, "queue_age_seconds")) == (0, 0)


def test_what_was_in_hand_of_a_batch_that_raised_is_let_go(watch: Watch) -> None:
    def process(_messages: Sequence[Message]) -> list[Outcome]:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        watch.over_batches(process)([announce("a")])
    assert value(watch, "in_flight") == 0


def test_without_a_reader_no_service_is_asked_for_numbers(watch: Watch) -> None:
    asked: list[int] = []
    watch.poll("queue_depth", lambda: asked.append(1) or 1.0)
    watch.metrics.scrape()
    assert not asked


def test_with_a_reader_a_scrape_has_what_the_service_said_last() -> None:
    with Watch(Settings(metrics_port=None, emf=True)) as watch:
        watch.poll("queue_depth", lambda: 17.0)
        deadline = time.monotonic() + 5
        while value(watch, "queue_depth") is None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert value(watch, "queue_depth") == 17
