"""What a worker has in flight stays its own, or is known to be lost."""

from __future__ import annotations

import pytest
from fakes import VISIBILITY_TIMEOUT_S, FakeQueue, announce

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import Extension, Message
from ticketmill.worker.leases import Leases


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def held_by(queue: FakeQueue, clock: Clock | None = None) -> tuple[Leases, list[Message]]:
    leases = Leases(queue, VISIBILITY_TIMEOUT_S, clock or Clock())
    messages: list[Message] = []
    while more := leases.receive(10, 0):
        messages += more
    return leases, messages


def waiting(count: int) -> FakeQueue:
    return FakeQueue([announce("a", message_id=f"m{number}") for number in range(count)])


def test_a_heartbeat_extends_everything_in_flight_ten_at_a_time() -> None:
    queue = waiting(25)
    leases, messages = held_by(queue)
    leases.end(messages[3:5])
    leases.extend()
    assert queue.extended == [f"m{number}" for number in range(25) if number not in (3, 4)]


def test_a_receipt_that_has_expired_is_lost_and_counted_once() -> None:
    queue = waiting(3)
    leases, messages = held_by(queue)
    queue.expired = {"m1"}
    leases.extend()
    leases.extend()
    assert leases.lost == 1
    assert [each.message_id for each in leases.held(messages)] == ["m0", "m2"]
    assert [each.message_id for each in leases.end(messages)] == ["m0", "m2"]
    assert len(leases) == 0


def test_a_lease_that_no_heartbeat_could_extend_in_time_is_lost() -> None:
    clock = Clock()
    queue = waiting(2)
    leases, messages = held_by(queue, clock)

    def refuse(messages: object, timeout_s: int) -> Extension:
        raise TransientFailure("extending 2 messages: ServiceUnavailable")

    clock.now = VISIBILITY_TIMEOUT_S - 1
    assert leases.held(messages) == messages
    queue.extend = refuse  # type: ignore[method-assign,assignment]
    leases.extend()
    clock.now = VISIBILITY_TIMEOUT_S
    assert leases.end(messages) == []
    assert leases.lost == 2


def test_an_extension_that_the_queue_does_not_confirm_leaves_the_old_expiry() -> None:
    clock = Clock()
    queue = waiting(3)
    leases, messages = held_by(queue, clock)
    queue.extend = lambda *_: Extension(frozenset({"m0"}), frozenset({"m2"}))  # type: ignore[method-assign]
    clock.now = VISIBILITY_TIMEOUT_S / 2
    leases.extend()
    assert [each.message_id for each in leases.held(messages)] == ["m0", "m1"]
    clock.now = VISIBILITY_TIMEOUT_S
    assert [each.message_id for each in leases.held(messages)] == ["m0"]
    assert leases.lost == 2


def test_a_heartbeat_counts_from_before_it_was_sent() -> None:
    clock = Clock()
    leases, messages = held_by(waiting(1), clock)
    clock.now = VISIBILITY_TIMEOUT_S / 2
    leases.extend()
    clock.now = VISIBILITY_TIMEOUT_S * 1.5 - 1
    assert leases.held(messages) == messages
    clock.now += 1
    assert leases.held(messages) == []


@pytest.mark.parametrize("way", ["end", "end_all"])
def test_what_is_ended_is_not_extended_any_more(way: str) -> None:
    queue = waiting(2)
    leases, messages = held_by(queue)
    given = leases.end(messages) if way == "end" else leases.end_all()
    assert given == messages
    leases.extend()
    assert queue.extended == []
