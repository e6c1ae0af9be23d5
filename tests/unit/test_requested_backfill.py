"""Backfills that a message asks for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from fakes import FakeRawTickets, ticket
from world import World

from ticketmill.domain.backfill import Selection
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import Message
from ticketmill.operations.backfill import Backfill
from ticketmill.operations.scheduled_backfill import MAX_WAITING, Commands
from ticketmill.pipeline.outcome import Result

KEY = "tickets/T1.json"


class Sent:
    """A queue that takes what is sent, but for bodies in `refused`."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.refused: set[str] = set()
        self.waiting = 0

    def send_many(self, bodies: Any) -> list[str | None]:
        self.bodies += [body for body in bodies if body not in self.refused]
        return ["refused" if body in self.refused else None for body in bodies]


@pytest.fixture
def queue() -> Sent:
    return Sent()


@pytest.fixture
def commands(backfill: Backfill, queue: Sent) -> Commands:
    return Commands(
        read=lambda body: Selection.model_validate_json(body) if body.startswith("{") else None,
        write=lambda selection: f"after {selection.after}",
        backfill=backfill,
        announce=lambda key: key,
        send_many=queue.send_many,
        waiting=lambda: queue.waiting,
    )


class TestCommands:
    def test_what_is_chosen_is_announced(
        self, world: World, raw: FakeRawTickets, commands: Commands, queue: Sent
    ) -> None:
        world.process(raw.drop(KEY, ticket("T1")))
        raw.drop("tickets/T2.json", ticket("T2"))
        assert commands.obey('{"missing": true}') == "backfill"
        assert queue.bodies == ["tickets/T2.json"]
        assert commands.obey("[]") is None

    def test_a_long_bucket_is_gone_through_by_messages_of_its_own(
        self, raw: FakeRawTickets, commands: Commands, queue: Sent
    ) -> None:
        for number in range(1001):
            raw.drop(f"tickets/T{number:04}.json", ticket("T"))
        commands.obey('{"everything": true}')
        assert len(queue.bodies) == 1001
        assert queue.bodies[-1] == "after tickets/T0999.json"
        commands.obey('{"everything": true, "after": "tickets/T0999.json"}')
        assert queue.bodies[1001:] == ["tickets/T1000.json"]

    def test_none_begins_while_much_waits_but_one_under_way_goes_on(
        self, raw: FakeRawTickets, commands: Commands, queue: Sent
    ) -> None:
        raw.drop(KEY, ticket("T1"))
        queue.waiting = MAX_WAITING + 1
        commands.obey('{"missing": true}')
        assert queue.bodies == []
        commands.obey('{"missing": true, "after": "tickets/A.json"}')
        assert queue.bodies == [KEY]

    def test_one_that_cannot_be_announced_stops_nothing(
        self, raw: FakeRawTickets, commands: Commands, queue: Sent, caplog: pytest.LogCaptureFixture
    ) -> None:
        for name in ("T1", "T2", "T3"):
            raw.drop(f"tickets/{name}.json", ticket(name))
        queue.refused = {"tickets/T2.json"}
        commands.obey('{"missing": true}')
        assert queue.bodies == ["tickets/T1.json", "tickets/T3.json"]
        assert "1 left out: refused" in caplog.text

    def test_where_it_cannot_be_gone_on_with_the_message_is_redelivered(
        self, raw: FakeRawTickets, commands: Commands, queue: Sent
    ) -> None:
        for number in range(1000):
            raw.drop(f"tickets/T{number:04}.json", ticket("T"))
        queue.refused = {"after tickets/T0999.json"}
        with pytest.raises(TransientFailure, match="refused"):
            commands.obey('{"everything": true}')


class TestPipeline:
    """Messages that announce nothing."""

    def asked(self, world: World, obey: Any) -> tuple[Result, str | None]:
        class Obeying:
            def __init__(self) -> None:
                self.obey = obey

        object.__setattr__(world.pipeline, "commands", Obeying())
        (outcome,) = world.pipeline.process_batch([Message("m", "[]", "r", 1, datetime.now(UTC))])
        return outcome.result, outcome.reason

    def test_a_command_is_done_and_acknowledged(self, world: World) -> None:
        assert self.asked(world, lambda _: "backfill") == (Result.IGNORED, "backfill")
        assert self.asked(world, lambda _: None) == (Result.IGNORED, None)

    def test_one_that_fails_is_left_to_the_queue(self, world: World) -> None:
        def fail(error: Exception) -> Any:
            def obey(_body: str) -> str:
                raise error

            return obey

        assert self.asked(world, fail(TransientFailure("slow", "SlowDown"))) == (Result.FAILED, "SlowDown")
        assert self.asked(world, fail(KeyError("a bug"))) == (Result.FAILED, "fault")

    def test_tickets_of_its_batch_do_not_wait_for_it(self, world: World, raw: FakeRawTickets) -> None:
        message = raw.drop(KEY, ticket("T1"))
        seen: list[bool] = []
        command = Message("m", "[]", "r", 1, datetime.now(UTC))

        class Looking:
            def obey(self, _body: str) -> str:
                seen.append("T1" in world.rows.rows)
                return "backfill"

        object.__setattr__(world.pipeline, "commands", Looking())
        assert len(world.pipeline.process_batch([command, message])) == 2
        assert seen == [True]
