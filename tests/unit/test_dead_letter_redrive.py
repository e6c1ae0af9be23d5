"""What redriving and deleting do to dead letters, over ports in memory."""

from __future__ import annotations

import json
import threading
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from dead_letter_queue import UNREADABLE, DeadLetterWorld, letters
from fakes import NOW

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import SQS_MAX_BATCH, Extension, Message
from ticketmill.operations.dead_letter import Reason
from ticketmill.operations.dead_letters import Redriven
from ticketmill.operations.hold import HOLD_S, Hold


@pytest.fixture
def world() -> Iterator[DeadLetterWorld]:
    made = DeadLetterWorld()
    yield made
    made.executor.shutdown()


def test_redriving_sends_every_body_once_and_unchanged_and_empties_the_queue(world: DeadLetterWorld) -> None:
    messages = [*letters(12), UNREADABLE]
    world.fill(*messages)
    assert world.redrive() == Redriven(moved=13)
    assert sorted(world.sent) == sorted(each.body for each in messages)
    assert world.queue.is_empty()


def test_redriving_by_reason_leaves_the_others_where_they_were(world: DeadLetterWorld) -> None:
    world.fill(*letters(3), UNREADABLE)
    assert world.redrive(Reason.UNREADABLE_MESSAGE) == Redriven(moved=1)
    assert world.sent == [UNREADABLE.body]
    assert sorted(world.visible_ids()) == ["m0", "m1", "m2"]


def test_a_message_that_comes_back_while_it_is_redriven_is_not_sent_a_second_time(
    world: DeadLetterWorld,
) -> None:
    def send(body: str) -> None:
        """A worker fails it at once, and the queue gives it up."""
        world.sent.append(body)
        later = NOW + timedelta(seconds=1)
        world.fill(Message(f"again-{len(world.sent)}", body, "receipt", 1, later))

    world.send = send
    world.batch_messages = 10
    world.fill(*letters(15))
    assert world.redrive() == Redriven(moved=15)
    assert len(world.sent) == 15
    assert len(world.queue.visible) == 15


def test_messages_that_do_not_stay_hidden_are_received_and_sent_once_all_the_same(
    world: DeadLetterWorld,
) -> None:
    world.queue.expires_at_once = True
    world.fill(*letters(7))
    assert world.redrive() == Redriven(moved=7)
    assert sorted(world.sent) == sorted(each.body for each in letters(7))
    assert world.queue.is_empty()


def test_a_message_that_cannot_be_sent_stays_and_stops_no_other(
    world: DeadLetterWorld, caplog: pytest.LogCaptureFixture
) -> None:
    def send(body: str) -> None:
        if "T1" in body:
            raise TransientFailure("sending a message to SQS: InternalError")
        world.sent.append(body)

    world.send = send
    world.fill(*letters(3))
    assert world.redrive() == Redriven(moved=2, unsent=1)
    assert world.visible_ids() == ["m1"]
    assert "message m1 stays: sending a message to SQS: InternalError" in caplog.text


def test_a_message_whose_deletion_is_not_confirmed_is_counted_and_stays(
    world: DeadLetterWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.queue, "acknowledge", lambda _messages: set())
    world.fill(*letters(1))
    assert world.redrive() == Redriven(undeleted=1)
    assert len(world.sent) == 1
    assert world.visible_ids() == ["m0"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
def test_stopped_between_send_and_delete_the_message_is_still_there(
    world: DeadLetterWorld, monkeypatch: pytest.MonkeyPatch, stop: type[BaseException]
) -> None:
    def acknowledge(_messages: Sequence[Message]) -> set[str]:
        raise stop

    monkeypatch.setattr(world.queue, "acknowledge", acknowledge)
    world.fill(*letters(12))
    with pytest.raises(stop):
        world.redrive()
    assert len(world.sent) == SQS_MAX_BATCH
    assert len(world.queue.visible) == 12


def test_stopped_while_receiving_what_came_before_is_released(
    world: DeadLetterWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive = world.queue.receive

    def stopped_at_the_second(*arguments: int, **more: int) -> list[Message]:
        if world.queue.in_flight:
            raise KeyboardInterrupt
        return receive(*arguments, **more)

    monkeypatch.setattr(world.queue, "receive", stopped_at_the_second)
    world.fill(*letters(12))
    with pytest.raises(KeyboardInterrupt):
        world.look()
    assert len(world.queue.visible) == 12


def test_a_deleted_message_is_gone_and_the_rest_is_released(world: DeadLetterWorld) -> None:
    world.fill(*letters(3))
    with world.dead_letters.hold() as hold:
        (batch,) = world.dead_letters.batches(hold)
        assert hold.delete([batch[1].message]) == {"m1"}
    assert world.queue.gone == ["m1"]
    assert sorted(world.visible_ids()) == ["m0", "m2"]


class TestLongQueue:
    """A queue that does not fit into memory and takes longer than a hold."""

    def test_no_more_than_a_batch_is_explained_at_once_and_all_is_met_once(
        self, world: DeadLetterWorld
    ) -> None:
        world.batch_messages = 20
        world.fill(*letters(50))
        with world.dead_letters.hold() as hold:
            batches = [
                [each.message.message_id for each in batch] for batch in world.dead_letters.batches(hold)
            ]
        assert [len(batch) for batch in batches] == [20, 20, 10]
        assert len({message_id for batch in batches for message_id in batch}) == 50
        assert len(world.queue.visible) == 50

    def test_what_is_held_keeps_no_body(self, world: DeadLetterWorld) -> None:
        receive = world.queue.receive

        def long_bodies(*arguments: int, **more: int) -> list[Message]:
            return [replace(each, body="k" * 200_000) for each in receive(*arguments, **more)]

        world.queue.receive = long_bodies  # type: ignore[assignment, method-assign]
        world.fill(*letters(50))
        with world.dead_letters.hold() as hold:
            tracemalloc.start()
            hold.receive(50, received=lambda _count: None)
            kept, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert kept < 200_000

    def test_the_hold_is_extended_in_tens_as_long_as_it_lasts(self, world: DeadLetterWorld) -> None:
        world.fill(*letters(25))
        extended = threading.Event()
        extend = world.queue.extend

        def extend_and_tell(messages: Sequence[Message], timeout_s: int) -> Extension:
            answer = extend(messages, timeout_s)
            if len(world.queue.extended) >= 50:
                extended.set()
            return answer

        world.queue.extend = extend_and_tell  # type: ignore[method-assign]
        with Hold(world.queue, extend_every_s=0.001) as hold:
            hold.receive(25, received=lambda _count: None)
            assert extended.wait(timeout=60)
        assert set(world.queue.extended) == {(each.message_id, HOLD_S) for each in letters(25)}

    def test_an_extension_that_fails_ends_nothing(
        self, world: DeadLetterWorld, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(*_: object) -> Extension:
            raise TransientFailure("extending 10 messages: InternalError")

        world.queue.extend = fail  # type: ignore[assignment, method-assign]
        world.fill(*letters(15))
        with world.dead_letters.hold() as hold:
            hold.receive(15, received=lambda _count: None)
            hold.extend()
        assert caplog.text.count("InternalError") == 2
        assert len(world.queue.visible) == 15

    def test_bodies_that_are_too_long_for_one_request_go_by_several(self, world: DeadLetterWorld) -> None:
        requests: list[int] = []
        send_many = world.send_many

        def count(bodies: Sequence[str]) -> list[str | None]:
            requests.append(sum(map(len, bodies)))
            return send_many(bodies)

        world.fill(*(replace(each, body=json.dumps(["k" * 60_000])) for each in letters(9)))
        with world.dead_letters.hold() as hold:
            (batch,) = world.dead_letters.batches(hold)
            redriven = replace(world.dead_letters, send_many=count).redrive(hold, batch)
        assert redriven == Redriven(moved=9)
        assert max(requests) <= 262_144
        assert len(requests) == 3
