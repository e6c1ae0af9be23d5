"""What a worker under watch tells: over fakes, as `ticketmill work` puts it together."""

from __future__ import annotations

import json
import logging
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from fakes import VISIBILITY_TIMEOUT_S, FakeQueue, announce

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import Message
from ticketmill.pipeline.outcome import Outcome, Result
from ticketmill.settings import Settings
from ticketmill.telemetry.monitoring import Monitoring
from ticketmill.worker import worker as worker_module
from ticketmill.worker.worker import Limits, Pace, Worker

PACE = Pace(wait_s=0, visibility_timeout_s=VISIBILITY_TIMEOUT_S, heartbeat_s=0.01, stop_deadline_s=5)

Process = Callable[[Sequence[Message]], list[Outcome]]


@pytest.fixture
def watch() -> Monitoring:
    return Monitoring(Settings(metrics_port=None, emf=False))


def value(watch: Monitoring, name: str, **labels: str) -> float | None:
    return watch.metrics.registry.get_sample_value(f"ticketmill_{name}", labels)


def enriched(messages: Sequence[Message]) -> list[Outcome]:
    return [Outcome(message, Result.ENRICHED, message.message_id) for message in messages]


def under(
    watch: Monitoring, queue: FakeQueue, process: Process = enriched, until_empty: bool = True
) -> Worker:
    limits = Limits(until_empty=until_empty, for_s=None if until_empty else 0.2)
    worker = Worker(queue, process, PACE, limits, watch.batch_done)
    watch.over(worker)
    return worker


def test_a_worker_under_watch_works_as_ever_and_is_counted(
    watch: Monitoring, caplog: pytest.LogCaptureFixture
) -> None:
    queue = FakeQueue([announce("a", message_id=f"m{number}") for number in range(40)])
    with caplog.at_level(logging.INFO):
        under(watch, queue).run()
    assert len(queue.acknowledged) == 40
    assert value(watch, "received_total") == 40
    assert value(watch, "tickets_total", result="enriched") == 40
    assert value(watch, "batch_tickets_sum") == 40
    assert caplog.messages.count("upload enriched") == 40


def test_lost_leases_and_unconfirmed_deletions_are_counted(watch: Monitoring) -> None:
    queue = FakeQueue([announce("a", message_id=f"m{number}") for number in range(3)])

    def process(messages: Sequence[Message]) -> list[Outcome]:
        queue.expired = {"m1"}
        while not worker.leases.lost:
            time.sleep(0.002)
        return enriched(messages)

    worker = under(watch, queue, process)
    queue.acknowledge = lambda _messages: {"m0"}  # type: ignore[method-assign,assignment]
    worker.run()
    assert (value(watch, "lost_leases_total"), value(watch, "unconfirmed_total")) == (1, 1)


def test_it_is_ready_once_a_worker_has_its_bundle_and_its_queue_answers(watch: Monitoring) -> None:
    assert watch.unready() == "the bundle is not loaded yet"
    queue, told = FakeQueue(), list[str | None]()
    receive, answers = queue.receive, iter([False, True, False, True])

    def flaky(max_messages: int, wait_s: float, visibility_timeout_s: int) -> list[Message]:
        told.append(watch.unready())
        if not next(answers, True):
            raise TransientFailure("receiving from SQS: ConnectionRefusedError")
        return receive(max_messages, wait_s, visibility_timeout_s)

    queue.receive = flaky  # type: ignore[method-assign,assignment]
    worker = under(watch, queue, until_empty=False)
    worker_module.FIRST_PAUSE_S, kept = 0.001, worker_module.FIRST_PAUSE_S
    try:
        worker.run()
    finally:
        worker_module.FIRST_PAUSE_S = kept
    silent = "the queue did not answer the last receive"
    assert told[:5] == [silent, silent, None, silent, None]


def test_what_is_in_hand_is_told_while_it_is_and_no_longer(watch: Monitoring) -> None:
    seen: list[tuple[float | None, float | None]] = []

    def process(messages: Sequence[Message]) -> list[Outcome]:
        seen.append((value(watch, "in_flight"), value(watch, "queue_age_seconds")))
        return enriched(messages)

    sent_at = datetime.now(UTC) - timedelta(seconds=90)
    under(watch, FakeQueue([Message("m1", "[]", "r1", 1, sent_at)]), process).run()
    ((in_flight, age_s),) = seen
    assert in_flight == 1
    assert age_s == pytest.approx(90, abs=20)
    assert (value(watch, "in_flight"), value(watch, "queue_age_seconds")) == (0, 0)


def test_the_probes_over_http_say_what_the_worker_says() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def ask(path: str) -> tuple[int, str | None]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                return answer.status, json.load(answer).get("reason")
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)["reason"]

    with Monitoring(Settings(metrics_port=port, emf=False)) as watch:
        assert ask("/healthz") == (200, None)
        assert ask("/readyz") == (503, "the bundle is not loaded yet")
        worker = under(watch, FakeQueue())
        assert ask("/readyz") == (503, "the queue did not answer the last receive")
        worker.run()
        assert ask("/readyz") == (200, None)


def test_without_a_reader_no_service_is_asked_for_numbers(watch: Monitoring) -> None:
    asked: list[int] = []
    watch.poll("queue_depth", lambda: asked.append(1) or 1.0)
    watch.metrics.scrape()
    assert not asked


def test_with_a_reader_a_scrape_has_what_the_service_said_last() -> None:
    with Monitoring(Settings(metrics_port=None, emf=True)) as watch:
        watch.poll("queue_depth", lambda: 17.0)
        deadline = time.monotonic() + 5
        while value(watch, "queue_depth") is None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert value(watch, "queue_depth") == 17
