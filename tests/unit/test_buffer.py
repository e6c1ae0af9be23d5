"""The buffer between receiving and processing."""

from __future__ import annotations

import threading
import time

from fakes import announce

from ticketmill.domain.message import Message
from ticketmill.worker.buffer import Buffer, Flow


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
    buffer = Buffer(3)
    buffer.put(messages(1, 2, 3), more_expected=False)
    has_room = threading.Event()
    waiter = threading.Thread(target=lambda: buffer.wait_for_room() and has_room.set())
    waiter.start()
    assert not has_room.wait(0.05)
    batch = buffer.take(1, gather_s=0)
    assert not has_room.wait(0.05), "what is at work takes room, too"
    buffer.done(batch)
    assert has_room.wait(5)
    waiter.join()


def test_threads_that_wait_at_once_share_what_comes_and_none_gets_nothing() -> None:
    buffer = Buffer(64)
    taken: list[list[str]] = []
    worker_threads = [
        threading.Thread(target=lambda: taken.append(ids(buffer.take(1, 0.02)))) for _ in range(4)
    ]
    for thread in worker_threads:
        thread.start()
    buffer.put(messages(1, 2), more_expected=True)
    buffer.put(messages(3, 4), more_expected=False)
    for thread in worker_threads:
        thread.join(5)
    assert sorted(taken) == [["m1"], ["m2"], ["m3"], ["m4"]]


def test_closing_ends_every_wait_gives_back_what_is_left_and_takes_nothing_more() -> None:
    buffer = Buffer(10)
    buffer.put(messages(1, 2), more_expected=False)
    assert ids(buffer.close()) == ["m1", "m2"]
    assert buffer.take(5, gather_s=0) == []
    assert buffer.wait_for_room() == 0
    assert ids(buffer.put(messages(3), more_expected=False)) == ["m3"]


def suspects(*numbers: int) -> list[Message]:
    return [announce("a", message_id=f"s{number}", receive_count=3) for number in numbers]


def test_suspects_come_after_the_others_and_alone_and_nothing_is_received_meanwhile() -> None:
    buffer = Buffer(64)
    buffer.put([*suspects(1, 2), *messages(1, 2)], more_expected=False)
    assert buffer.wait_for_room(0) == 0
    others = buffer.take(10, gather_s=0)
    assert ids(others) == ["m1", "m2"]
    assert buffer.take(10, gather_s=0, timeout_s=0) == [], "the others are still at work"
    buffer.done(others)
    first = buffer.take(10, gather_s=0)
    assert ids(first) == ["s1"]
    assert buffer.take(10, gather_s=0, timeout_s=0) == []
    buffer.done(first)
    second = buffer.take(10, gather_s=0)
    assert ids(second) == ["s2"]
    buffer.put(messages(3), more_expected=False)
    assert buffer.take(10, gather_s=0, timeout_s=0) == [], "a suspect is at work"
    assert buffer.wait_for_room(0) == 0
    buffer.done(second)
    assert ids(buffer.take(10, gather_s=0)) == ["m3"]
    assert buffer.wait_for_room(0) == 10


def test_a_pause_starts_nothing_and_receives_nothing() -> None:
    flow = Flow.PAUSED
    buffer = Buffer(64, lambda: flow)
    buffer.put(messages(1, 2), more_expected=False)
    assert buffer.take(10, gather_s=0, timeout_s=0) == []
    assert buffer.wait_for_room() == 0
    flow = Flow.FULL
    assert ids(buffer.take(10, gather_s=0)) == ["m1", "m2"]


def test_after_a_pause_one_message_is_tried_alone() -> None:
    flow = Flow.ALONE
    buffer = Buffer(64, lambda: flow)
    assert buffer.wait_for_room(0) == 1
    buffer.put(messages(1, 2), more_expected=False)
    assert buffer.wait_for_room(0) == 0
    trial = buffer.take(10, gather_s=0)
    assert ids(trial) == ["m1"]
    assert buffer.take(10, gather_s=0, timeout_s=0) == []
    flow = Flow.FULL
    buffer.done(trial)
    assert ids(buffer.take(10, gather_s=0)) == ["m2"]


def test_a_buffer_that_finishes_gives_out_what_it_has_and_then_ends() -> None:
    buffer = Buffer(64)
    buffer.put(messages(1, 2), more_expected=False)
    buffer.finish()
    assert buffer.wait_for_room() == 0
    assert not buffer.ended
    assert ids(buffer.take(1, gather_s=0)) == ["m1"]
    assert ids(buffer.take(1, gather_s=0)) == ["m2"]
    assert buffer.ended
    assert buffer.take(1, gather_s=0) == []


def test_a_buffer_that_finishes_does_not_wait_for_the_end_of_a_pause() -> None:
    buffer = Buffer(64, lambda: Flow.PAUSED)
    buffer.put(messages(1), more_expected=False)
    buffer.finish()
    assert buffer.ended
    assert ids(buffer.close()) == ["m1"]


def test_a_rest_ends_when_a_full_batch_waits_or_the_worker_stops() -> None:
    buffer = Buffer(64)
    buffer.put(messages(1), more_expected=False)
    started = time.monotonic()
    buffer.rest(0.05, most=2)
    assert time.monotonic() - started >= 0.05
    buffer.put(messages(2), more_expected=False)
    buffer.rest(30, most=2)
    buffer.finish()
    buffer.rest(30, most=3)
    assert time.monotonic() - started < 15
