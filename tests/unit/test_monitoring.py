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
from ticketmill.worker.backoff import Backoff
from ticketmill.worker.dependencies import Probe
from ticketmill.worker.pace import Limits, Pace
from ticketmill.worker.worker import Worker

PACE = Pace(
    wait_s=0,
    visibility_timeout_s=VISIBILITY_TIMEOUT_S,
    heartbeat_s=0.01,
    stop_deadline_s=5,
    outage_pause_s=0.001,
    max_outage_pause_s=0.001,
)

Process = Callable[[Sequence[Message]], list[Outcome]]


@pytest.fixture
def watch() -> Monitoring:
    return Monitoring(Settings(metrics_port=None, emf=False))


def value(watch: Monitoring, name: str, **labels: str) -> float | None:
    return watch.metrics.registry.get_sample_value(f"ticketmill_{name}", labels)


def enriched(messages: Sequence[Message]) -> list[Outcome]:
    return [Outcome(message, Result.ENRICHED, message.message_id) for message in messages]


def under(
    watch: Monitoring,
    queue: FakeQueue,
    process: Process = enriched,
    until_empty: bool = True,
    probes: dict[str, Probe] | None = None,
) -> Worker:
    limits = Limits(until_empty=until_empty, for_s=None if until_empty else 0.2)
    worker = Worker(queue, process, PACE, limits, watch.batch_done, probes=probes, backoff=Backoff(0))
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
    under(watch, queue, until_empty=False).run()
    # a receive that fails pauses receiving; by the next one the pause is over
    assert told[0] == "the queue has not answered yet"
    assert told[1] == "the queue has not answered yet"
    assert told[2:5] == [None, None, None]


def test_what_is_in_flight_is_told_while_it_is_and_no_longer(watch: Monitoring) -> None:
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
        assert ask("/readyz") == (503, "the queue has not answered yet")
        worker.run()
        assert ask("/readyz") == (200, None)


def test_a_dependency_that_is_down_is_named_until_it_works_again(watch: Monitoring) -> None:
    told: list[tuple[str | None, float | None]] = []

    def probe() -> None:
        told.append((watch.unready(), value(watch, "dependency_open", dependency="s3")))
        if len(told) < 3:
            raise TransientFailure("asking S3: ServiceUnavailable", dependency="s3")

    def process(messages: Sequence[Message]) -> list[Outcome]:
        if told:
            return enriched(messages)
        queue.waiting += messages  # it is redelivered
        return [Outcome(each, Result.FAILED, dependency="s3") for each in messages]

    queue = FakeQueue([announce("a")])
    statistics = under(watch, queue, process, probes={"s3": probe, "dynamodb": lambda: None}).run()
    # the breaker leaves its open state for the time of a probe
    assert len(told) == 3
    assert statistics.processed == 1
    assert statistics.outages == 1
    assert watch.unready() is None
    assert value(watch, "dependency_open", dependency="s3") == 0
    assert value(watch, "dependency_open", dependency="dynamodb") == 0


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
