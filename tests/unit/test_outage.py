"""An outage of a service makes no dead letters, and what kills a worker takes no other ticket with it.

The real worker's receiver and processor, driven step by step on a clock that stands still between the steps.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest
from fake_sqs import Clock, FakeSqs
from fakes import FakeEnrichedTickets, ticket
from world import World

from ticketmill.aws.memory import MemoryRawTickets
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import Message, RawObject, Upload
from ticketmill.pipeline.outcome import Outcome, Result
from ticketmill.worker.backoff import Backoff
from ticketmill.worker.pace import Pace
from ticketmill.worker.worker import Worker

OUTAGE_S = 300.0
PACE = Pace(wait_s=0, gather_s=0)
STEADY = Backoff(jitter=lambda: 1.0)


class Store(FakeEnrichedTickets):
    """Answers nothing for the first five minutes."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    @property
    def is_down(self) -> bool:
        return self.clock() < OUTAGE_S

    def put(self, key: str, body: bytes) -> None:
        self.probe()
        super().put(key, body)

    def probe(self) -> None:
        if self.is_down:
            raise TransientFailure("storing an enrichment in S3: ServiceUnavailable", dependency="s3")


@dataclass
class Steps:
    """One worker on one clock."""

    worker: Worker
    clock: Clock

    def receive_all(self) -> None:
        """Receives until there is no room or nothing left, as while every worker thread is busy."""
        before = -1
        while before < (before := self.worker.statistics.received):
            self.worker.receiver.step(timeout_s=0)

    def run(self, until: Callable[[], bool], most_s: float) -> None:
        ends = self.clock.now + most_s
        while not until() and self.clock.now < ends:
            self.receive_all()
            while self.worker.processor.step(timeout_s=0):
                pass
            self.clock.now += 1
            self.worker.leases.extend()


def filled(clock: Clock, world: World, tickets: int, max_receive_count: int) -> FakeSqs:
    queue = FakeSqs(clock, max_receive_count)
    for number in range(tickets):
        message = world.raw.drop(f"tickets/T{number}.json", ticket(f"T{number}"))
        queue.send(message.message_id, message.body)
    return queue


@pytest.mark.parametrize("probe_tells", [True, False], ids=["all of it is down", "only writes are down"])
@pytest.mark.parametrize("tickets", [1, 400])
def test_a_store_that_fails_for_five_minutes_makes_no_dead_letter_and_loses_nothing(
    tickets: int, probe_tells: bool, world: World
) -> None:
    clock = Clock()
    store, queue = Store(clock), filled(clock, world, tickets, max_receive_count=5)
    pipeline = replace(world.pipeline, enriched_tickets=store)
    probe = store.probe if probe_tells else lambda: None
    worker = Worker(queue, pipeline.process_batch, PACE, probes={"s3": probe}, backoff=STEADY, clock=clock)
    Steps(worker, clock).run(until=queue.is_empty, most_s=3600)
    assert queue.dead == []
    assert len(queue.acknowledged) == tickets
    assert set(world.rows.rows) == {f"T{number}" for number in range(tickets)}
    assert len(store.objects) == tickets
    assert clock.now < OUTAGE_S + 120, "it goes on soon after the outage"
    assert worker.statistics.lost_leases == 0


def test_an_outage_that_lasts_gives_what_was_not_started_to_workers_that_it_does_not_hit() -> None:
    clock = Clock()
    queue = FakeSqs(clock)
    for number in range(100):
        queue.send(f"m{number}", json.dumps(number))

    def refuse() -> None:
        raise TransientFailure("asking S3: EndpointConnectionError", dependency="s3")

    def process(messages: Sequence[Message]) -> list[Outcome]:
        return [Outcome(each, Result.FAILED, dependency="s3") for each in messages]

    worker = Worker(queue, process, PACE, probes={"s3": refuse}, backoff=STEADY, clock=clock)
    steps = Steps(worker, clock)
    steps.run(until=lambda: False, most_s=30)
    assert worker.buffer.in_flight > 50, "in a short outage they wait here, and lose no receive"
    steps.run(until=lambda: False, most_s=270)
    assert worker.buffer.in_flight == len(worker.leases) == 0
    assert len(queue.receive(10, 0)) == 10


def test_a_ticket_that_fails_for_a_reason_of_its_own_pauses_nothing() -> None:
    clock = Clock()
    queue = FakeSqs(clock, max_receive_count=3)
    for number in range(40):
        queue.send(f"m{number}", json.dumps(number))

    def process(messages: Sequence[Message]) -> list[Outcome]:
        return [
            Outcome(
                each, Result.FAILED if each.message_id == "m7" else Result.ENRICHED, reason="AccessDenied"
            )
            for each in messages
        ]

    worker = Worker(queue, process, PACE, probes={"s3": lambda: None}, backoff=STEADY, clock=clock)
    Steps(worker, clock).run(until=queue.is_empty, most_s=600)
    assert queue.dead == ["m7"]
    assert len(queue.acknowledged) == 39
    assert worker.dependencies.outages == 0


class PanicException(BaseException):
    """As pyo3's, which is no Exception."""


class PanickingRawTickets(MemoryRawTickets):
    """Its client panics on one key."""

    def fetch(self, upload: Upload, max_bytes: int) -> RawObject | None:
        if upload.key == "tickets/T1.json":
            raise PanicException("index out of bounds")
        return super().fetch(upload, max_bytes)


def test_a_panic_of_a_native_client_is_the_failure_of_one_ticket(world: World) -> None:
    raw = PanickingRawTickets(objects=world.raw.objects)
    pipeline = replace(world.pipeline, raw_tickets=raw)
    messages = [world.raw.drop(f"tickets/T{number}.json", ticket(f"T{number}")) for number in range(3)]
    results = {each.message.message_id: each.result for each in pipeline.process_batch(messages)}
    assert list(results.values()).count(Result.ENRICHED) == 2
    assert results[messages[1].message_id] is Result.FAILED


class Crash(BaseException):
    """The process is gone: nothing that it has in flight is acknowledged or released."""


def test_tickets_that_kill_the_process_become_dead_letters_alone() -> None:
    clock = Clock()
    queue = FakeSqs(clock, max_receive_count=10)
    killers = {"m3", "m4", "m90"}
    for number in range(200):
        queue.send(f"m{number}", json.dumps(number))
    alone: set[int] = set()

    def process(messages: Sequence[Message]) -> list[Outcome]:
        alone.update(len(messages) for each in messages if each.receive_count >= 3)
        if killers & {each.message_id for each in messages}:
            raise Crash
        return [Outcome(each, Result.ENRICHED) for each in messages]

    starts = 0
    while not queue.is_empty():
        starts += 1
        steps = Steps(Worker(queue, process, PACE, clock=clock), clock)
        try:
            steps.run(until=queue.is_empty, most_s=3600)
        except Crash:
            clock.now += PACE.visibility_timeout_s + 1
    assert set(queue.dead) == killers
    assert len(queue.acknowledged) == 197
    assert alone == {1}
    assert max(queue.acknowledged.values()) <= 4
    assert starts <= 10 * len(killers) + 1


def test_workers_that_die_right_after_their_start_touch_few_messages() -> None:
    clock = Clock()
    queue = FakeSqs(clock)
    for number in range(200):
        queue.send(f"m{number}", json.dumps(number))
    for _ in range(20):
        worker = Worker(queue, lambda _: [], PACE, clock=clock)
        worker.receiver.step(timeout_s=0)  # and the process is killed
        clock.now += PACE.visibility_timeout_s + 1
    received = FakeSqs.receive(queue, 10, 0)
    assert len(queue.dead) <= 2
    assert sum(each.receive_count > 1 for each in received) <= 2


def test_a_worker_that_is_restarted_again_and_again_releases_nothing_that_it_has_not_tried() -> None:
    clock = Clock()
    queue = FakeSqs(clock, max_receive_count=3)
    for number in range(200):
        queue.send(f"m{number}", json.dumps(number))
    pace = replace(PACE, batch_size=10, worker_threads=1, stop_deadline_s=60)
    while not queue.is_empty():
        told_to_stop = threading.Event()

        def process(messages: Sequence[Message], told: threading.Event = told_to_stop) -> list[Outcome]:
            assert told.wait(30)
            return [Outcome(each, Result.ENRICHED) for each in messages]

        worker = Worker(queue, process, pace, clock=clock)
        worker.start()
        while len(worker.leases) < min(15, 200 - len(queue.acknowledged)):
            threading.Event().wait(0.001)
        worker.stop()
        told_to_stop.set()
        worker.join()
        assert not worker.unfinished
    assert queue.dead == []
    assert len(queue.acknowledged) == 200
    assert set(queue.acknowledged.values()) == {1}
