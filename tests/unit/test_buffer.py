"""The buffer between receiving and processing."""

from __future__ import annotations

import threading
import time

from fakes import announce

from ticketmill.domain.message import Message
from ticketmill.worker.buffer import Buffer


def messages(*numbers: int) -> list[Message]:
    return [announce("a", message_id=f"m{number}") for number in numbers]


def ids(batch: list[Message]) -> list[str]:
    return [message.message_id for message in batch]


def test_a_batch_gathers_what_several_receives_brought() -> None:
    buffer = Buffer(64)
    buffer.put(messages(1, 2), more_expected=True)
    later = threading.Timer(0.05, buffer.put, (messages(3), True))
    later.start()
    assert ids(buffer.take(3, gather_s=30)) == ["m1", "m2", "m3"]


def test_a_batch_does_not_wait_for_others_where_none_are_expected() -> None:
    buffer = Buffer(64)
    buffer.put(messages(1), more_expected=False)
    started = time.monotonic()
    assert ids(buffer.take(32, gather_s=30)) == ["m1"]
    assert time.monotonic() - started < 15


def test_a_batch_does_not_wait_for_ever_for_what_was_expected() -> None:
    buffer = Buffer(64)
    buffer.put(messages(1), more_expected=True)
    assert ids(buffer.take(32, gather_s=0.01)) == ["m1"]


def test_nothing_is_received_that_there_is_no_room_for() -> None:
    buffer = Buffer(12)
    buffer.put(messages(1, 2, 3), more_expected=False)
    has_room = threading.Event()
    waiter = threading.Thread(target=lambda: buffer.wait_for_room(10) and has_room.set())
    waiter.start()
    assert not has_room.wait(0.05)
    buffer.take(1, gather_s=0)
    assert has_room.wait(5)
    waiter.join()


def test_lanes_that_wait_at_once_share_what_comes_and_none_goes_home_empty() -> None:
    buffer = Buffer(64)
    taken: list[list[str]] = []
    worker_threads = [
        threading.Thread(target=lambda: taken.append(ids(buffer.take(1, 0.02)))) for _ in range(4)
    ]
    for lane in worker_threads:
        lane.start()
    buffer.put(messages(1, 2), more_expected=True)
    buffer.put(messages(3, 4), more_expected=False)
    for lane in worker_threads:
        lane.join(5)
    assert sorted(taken) == [["m1"], ["m2"], ["m3"], ["m4"]]


def test_closing_ends_every_wait_gives_back_what_is_left_and_takes_nothing_more() -> None:
    buffer = Buffer(10)
    buffer.put(messages(1, 2), more_expected=False)
    assert ids(buffer.close()) == ["m1", "m2"]
    assert buffer.take(5, gather_s=0) == []
    assert buffer.wait_for_room(10) is False
    assert ids(buffer.put(messages(3), more_expected=False)) == ["m3"]
