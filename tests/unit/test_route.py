"""The routing process: it reads and delivers until it is stopped, and a bug ends it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from fakes import NOW, FakeQueue
from routing_samples import message, rule, rules
from test_change_feed import FakeStates, FakeStream
from test_delivery import FakeFailures, FakeTarget

from ticketmill.domain.change import Change
from ticketmill.domain.errors import TransientFailure
from ticketmill.operations.change_feed import ChangeFeed, ChangeSender
from ticketmill.operations.delivery import Deliverer
from ticketmill.operations.route import RoutingProcess
from ticketmill.operations.routing import Router

RULES = rules(rule("a"))


@dataclass
class World:
    """A process over fakes: what the feed sends stands on the queue of the deliverer."""

    executor: ThreadPoolExecutor
    stream: FakeStream = field(default_factory=FakeStream)
    queue: FakeQueue = field(default_factory=FakeQueue)
    target: FakeTarget = field(default_factory=FakeTarget)

    def send_many(self, bodies: Sequence[str]) -> list[str | None]:
        with self.queue.lock:
            start = len(self.queue.waiting)
            self.queue.waiting += [
                message(body, message_id=f"m{start + number}") for number, body in enumerate(bodies)
            ]
        return [None] * len(bodies)

    def process(self, send: Callable[[Sequence[Change]], int] | None = None) -> RoutingProcess:
        sender = ChangeSender(Router(RULES), self.send_many)
        feed = ChangeFeed(self.stream, FakeStates(), send or sender.send, "a", since=NOW)
        deliverer = Deliverer(
            RULES, lambda _rule: self.target, self.queue, FakeFailures(), self.executor, lambda _receives: 0
        )
        return RoutingProcess(feed, deliverer, self.queue, wait_s=0.01, poll_s=0.01, failure_pause_s=0.01)


@pytest.fixture
def world() -> World:
    return World(ThreadPoolExecutor(2))


def test_until_empty_routes_and_delivers_all_and_returns(world: World) -> None:
    for revision in range(1, 6):
        world.stream.add(revision)
    process = world.process()
    process.run_until_empty()
    assert sorted(each.revision for each in world.target.sent) == [1, 2, 3, 4, 5]
    assert (process.counts["records"], process.counts["delivered"]) == (5, 5)


def test_it_runs_until_it_is_stopped(world: World) -> None:
    world.stream.add(1)
    process = world.process()
    running = threading.Thread(target=process.run)
    running.start()
    while not world.target.sent and running.is_alive():
        running.join(0.01)
    process.stop()
    running.join(10)
    assert not running.is_alive()


def test_a_service_that_fails_is_tried_again(world: World) -> None:
    world.stream.add(1)
    attempts: list[int] = []

    def fails_first(changes: Sequence[Change]) -> int:
        attempts.append(len(changes))
        if len(attempts) == 1:
            raise TransientFailure("the queue is down")
        process.stop()
        return len(changes)

    process = world.process(fails_first)
    process.run()
    assert attempts[:2] == [1, 1]


def test_a_bug_ends_the_process_and_is_raised(world: World) -> None:
    world.stream.add(1)

    def bug(_: Sequence[Change]) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        world.process(bug).run()
