"""Backfills that a message asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from fakes import NOW, FakeRawTickets, announce, decode, encode_backfill, ticket
from world import World

from ticketmill.aws.memory import MemoryCheckpoints
from ticketmill.domain.backfill import Selection
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import BackfillRequest, Message
from ticketmill.operations.backfill import Backfill
from ticketmill.operations.requested_backfill import MAX_WAITING, RequestedBackfill
from ticketmill.pipeline.outcome import Outcome, Result

KEY = "tickets/T1.json"
EVERYTHING = Selection(everything=True)
MISSING = Selection(missing=True)


class Sent:
    """A queue that takes what is sent, but for bodies that contain `refused`."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.requests: list[BackfillRequest] = []
        self.refused: str | None = None
        self.waiting = 0

    def send_many(self, bodies: Sequence[str]) -> list[str | None]:
        return [self._send(body) for body in bodies]

    def _send(self, body: str) -> str | None:
        if self.refused is not None and self.refused in body:
            return "refused"
        if body.startswith("{"):
            request = decode(body)
            assert isinstance(request, BackfillRequest)
            self.requests.append(request)
        else:
            self.keys.append(body)
        return None


@pytest.fixture
def queue() -> Sent:
    return Sent()


@pytest.fixture
def requested(backfill: Backfill, queue: Sent) -> RequestedBackfill:
    return RequestedBackfill(
        backfill_of=backfill,
        checkpoints=MemoryCheckpoints(),
        encode=encode_backfill,
        announce=lambda key, force: f"{key} forced" if force else key,
        send_many=queue.send_many,
        waiting=lambda: queue.waiting,
    )


def message(name: str = "m", receive_count: int = 1) -> Message:
    return Message(name, "", "receipt", receive_count, NOW + timedelta(hours=1))


def fill(raw: FakeRawTickets, count: int) -> None:
    for number in range(count):
        raw.drop(f"tickets/T{number:04}.json", ticket("T"))


class TestOneMessage:
    def test_what_is_chosen_is_announced(
        self, world: World, raw: FakeRawTickets, requested: RequestedBackfill, queue: Sent
    ) -> None:
        world.process(raw.drop(KEY, ticket("T1")))
        raw.drop("tickets/T2.json", ticket("T2"))
        requested.backfill(BackfillRequest(MISSING), message())
        assert queue.keys == ["tickets/T2.json"]
        assert queue.requests == []

    def test_force_is_passed_on(self, raw: FakeRawTickets, requested: RequestedBackfill, queue: Sent) -> None:
        raw.drop(KEY, ticket("T1"))
        requested.backfill(BackfillRequest(Selection(everything=True, force=True)), message())
        assert queue.keys == [f"{KEY} forced"]

    def test_none_begins_while_much_waits_but_one_under_way_goes_on(
        self, raw: FakeRawTickets, requested: RequestedBackfill, queue: Sent
    ) -> None:
        raw.drop(KEY, ticket("T1"))
        queue.waiting = MAX_WAITING + 1
        requested.backfill(BackfillRequest(MISSING), message())
        assert queue.keys == []
        after = Selection(missing=True, after="tickets/A.json")
        requested.backfill(BackfillRequest(after, run="r", token="t"), message())
        assert queue.keys == [KEY]

    def test_one_that_cannot_be_announced_stops_nothing(
        self,
        raw: FakeRawTickets,
        requested: RequestedBackfill,
        queue: Sent,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        for name in ("T1", "T2", "T3"):
            raw.drop(f"tickets/{name}.json", ticket(name))
        queue.refused = "T2"
        requested.backfill(BackfillRequest(MISSING), message())
        assert queue.keys == ["tickets/T1.json", "tickets/T3.json"]
        assert "1 left out: refused" in caplog.text

    def test_ages_count_from_when_the_message_was_sent_at_every_delivery(
        self, raw: FakeRawTickets, requested: RequestedBackfill, queue: Sent
    ) -> None:
        raw.drop(KEY, ticket("T1"), at=NOW)
        last_hour = BackfillRequest(Selection(everything=True, max_age_s=3600))
        requested.backfill(last_hour, message())
        late = replace(message(receive_count=2), sent_at=NOW + timedelta(hours=1))
        requested.backfill(last_hour, late)
        assert queue.keys == [KEY, KEY]
        requested.backfill(last_hour, replace(message(), sent_at=NOW + timedelta(hours=2)))
        assert queue.keys == [KEY, KEY]


class TestRun:
    """A bucket that takes several messages."""

    def test_each_message_asks_for_what_comes_after_its_own(
        self, raw: FakeRawTickets, requested: RequestedBackfill, queue: Sent
    ) -> None:
        fill(raw, 1001)
        requested.backfill(BackfillRequest(EVERYTHING), message("first"))
        assert len(queue.keys) == 1000
        (rest,) = queue.requests
        assert (rest.selection.after, rest.run) == ("tickets/T0999.json", "first")
        requested.backfill(rest, message("second"))
        assert queue.keys[1000:] == ["tickets/T1000.json"]
        assert queue.requests == [rest]

    def test_the_whole_run_keeps_the_times_of_its_first_message(
        self, raw: FakeRawTickets, requested: RequestedBackfill, queue: Sent
    ) -> None:
        fill(raw, 1001)
        first = message("first")
        requested.backfill(BackfillRequest(Selection(everything=True, max_age_s=3600)), first)
        (rest,) = queue.requests
        assert rest.selection.uploaded_since == first.sent_at - timedelta(hours=1)
        assert rest.selection.max_age_s is None
        requested.backfill(rest, replace(message("second"), sent_at=NOW + timedelta(days=1)))
        assert len(queue.keys) == 1001

    def test_a_message_whose_continuation_could_not_be_sent_sends_it_at_its_next_delivery(
        self, raw: FakeRawTickets, requested: RequestedBackfill, queue: Sent
    ) -> None:
        fill(raw, 1001)
        queue.refused = "selection"
        with pytest.raises(TransientFailure, match="refused"):
            requested.backfill(BackfillRequest(EVERYTHING), message("first"))
        queue.refused, queue.waiting = None, MAX_WAITING + 1  # by what it announced itself
        requested.backfill(BackfillRequest(EVERYTHING), message("first", receive_count=2))
        assert [each.run for each in queue.requests] == ["first"]

    def test_a_message_delivered_again_after_the_run_went_on_does_nothing(
        self, raw: FakeRawTickets, requested: RequestedBackfill, queue: Sent
    ) -> None:
        fill(raw, 2001)
        requested.backfill(BackfillRequest(EVERYTHING), message("first"))
        requested.backfill(queue.requests[0], message("second"))
        announced = len(queue.keys)
        requested.backfill(BackfillRequest(EVERYTHING), message("first", receive_count=2))
        assert (len(queue.keys), len(queue.requests)) == (announced, 2)

    def test_of_two_continuations_one_goes_on(
        self, raw: FakeRawTickets, requested: RequestedBackfill, queue: Sent
    ) -> None:
        """A worker that dies before it acknowledges has its message delivered again, and sends another."""
        fill(raw, 3001)
        for receive_count in (1, 2):
            requested.backfill(BackfillRequest(EVERYTHING), message("first", receive_count))
        one, other = queue.requests
        assert one.token != other.token
        queue.keys.clear()
        queue.requests.clear()
        for each in (one, other):
            requested.backfill(each, message())
        for each in list(queue.requests):
            requested.backfill(each, message())
        for each in queue.requests[1:]:
            requested.backfill(each, message())
        assert [each.selection.after for each in queue.requests] == [
            "tickets/T1999.json",
            "tickets/T2999.json",
        ]
        assert queue.keys == [f"tickets/T{number:04}.json" for number in range(1000, 3001)]

    def test_a_continuation_that_was_redriven_goes_on(
        self, raw: FakeRawTickets, requested: RequestedBackfill, queue: Sent
    ) -> None:
        fill(raw, 2001)
        requested.backfill(BackfillRequest(EVERYTHING), message("first"))
        (second,) = queue.requests
        queue.refused = "selection"
        with pytest.raises(TransientFailure):
            requested.backfill(second, message("second"))
        queue.refused = None
        requested.backfill(second, message("redriven"))
        assert queue.requests[-1].selection.after == "tickets/T1999.json"

    def test_uploads_between_two_deliveries_do_not_end_the_run(
        self, raw: FakeRawTickets, requested: RequestedBackfill, queue: Sent
    ) -> None:
        fill(raw, 1500)
        queue.refused = "selection"
        with pytest.raises(TransientFailure):
            requested.backfill(BackfillRequest(EVERYTHING), message("first"))
        queue.refused = None
        raw.drop("tickets/A.json", ticket("A"))
        requested.backfill(BackfillRequest(EVERYTHING), message("first", receive_count=2))
        (rest,) = queue.requests
        requested.backfill(rest, message("second"))
        assert set(queue.keys) == set(raw.objects)


class Commands:
    """Does what `then` does, and keeps what it was asked for."""

    def __init__(self, then: Exception | None = None) -> None:
        self.then = then
        self.asked: list[BackfillRequest] = []

    def backfill(self, request: BackfillRequest, message: Message) -> None:
        _ = message
        self.asked.append(request)
        if self.then is not None:
            raise self.then


class TestPipeline:
    """Messages that ask for a backfill, in a batch."""

    request = BackfillRequest(MISSING)

    def process(self, world: World, commands: Commands, *others: Message) -> list[Outcome]:
        asking = replace(message("asking"), body=encode_backfill(self.request))
        return replace(world.pipeline, commands=commands).process_batch([asking, *others])

    def test_a_backfill_is_done_and_acknowledged(self, world: World) -> None:
        commands = Commands()
        (outcome,) = self.process(world, commands)
        assert (outcome.result, outcome.reason) == (Result.IGNORED, "backfill")
        assert commands.asked == [self.request]

    @pytest.mark.parametrize(
        ("error", "reason"),
        [(TransientFailure("slow", "SlowDown"), "SlowDown"), (KeyError("a bug"), "fault")],
    )
    def test_one_that_fails_is_left_to_the_queue(self, world: World, error: Exception, reason: str) -> None:
        (outcome,) = self.process(world, Commands(error))
        assert (outcome.result, outcome.reason) == (Result.FAILED, reason)

    def test_tickets_of_its_batch_do_not_wait_for_it(self, world: World, raw: FakeRawTickets) -> None:
        seen: list[bool] = []

        class Looking(Commands):
            def backfill(self, request: BackfillRequest, message: Message) -> None:
                super().backfill(request, message)
                seen.append("T1" in world.rows.rows)

        assert len(self.process(world, Looking(), raw.drop(KEY, ticket("T1")))) == 2
        assert seen == [True]

    def test_a_message_that_asks_for_nothing_is_acknowledged_and_says_why(self, world: World) -> None:
        (outcome,) = world.pipeline.process_batch([announce()])
        assert (outcome.result, outcome.reason) == (Result.IGNORED, "nothing")
