"""What becomes of dead letters, over ports in memory."""

from __future__ import annotations

import json
import threading
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from fakes import BUCKET, NOW, FakeRawTickets, FakeRows, announce, decode, encode_backfill, ticket

from ticketmill.domain.backfill import Selection
from ticketmill.domain.errors import RejectionCode, TransientFailure
from ticketmill.domain.labels import Status
from ticketmill.domain.message import SQS_MAX_BATCH, BackfillRequest, Extension, Message, Upload, Uploads
from ticketmill.domain.row import Failure, RawVersion, Rejection, TicketRow
from ticketmill.operations.dead_letter import DeadLetter, Reason
from ticketmill.operations.dead_letters import DeadLetters, Redriven
from ticketmill.operations.hold import HOLD_S, Hold
from ticketmill.pipeline.ports import Decode

UNREADABLE = Message("poison", "{}", "receipt-poison", 6, NOW)


@dataclass
class DeadLetterQueue:
    """Visible and in flight, as SQS has them; `gone` is what was deleted."""

    visible: list[Message] = field(default_factory=list)
    in_flight: dict[str, Message] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    held_for_s: set[int | None] = field(default_factory=set)
    extended: list[tuple[str, int]] = field(default_factory=list)
    expires_at_once: bool = False

    def receive(
        self, max_messages: int, wait_s: float, visibility_timeout_s: int | None = None
    ) -> list[Message]:
        assert wait_s > 0, "a short poll may overlook messages"
        self.held_for_s.add(visibility_timeout_s)
        taken, self.visible = self.visible[:max_messages], self.visible[max_messages:]
        if self.expires_at_once:
            self.visible += taken
        else:
            self.in_flight |= {each.message_id: each for each in taken}
        return taken

    def extend(self, messages: Sequence[Message], timeout_s: int) -> Extension:
        assert 1 <= len(messages) <= SQS_MAX_BATCH
        self.extended += [(each.message_id, timeout_s) for each in messages]
        return Extension(frozenset(each.message_id for each in messages), frozenset())

    def acknowledge(self, messages: Sequence[Message]) -> set[str]:
        for message in messages:
            self.in_flight.pop(message.message_id, None)
            self.visible = [each for each in self.visible if each.message_id != message.message_id]
        self.gone += [each.message_id for each in messages]
        return {each.message_id for each in messages}

    def release(self, messages: Sequence[Message], delay_s: int) -> set[str]:
        assert delay_s == 0
        ours = [self.in_flight.pop(each.message_id) for each in messages if each.message_id in self.in_flight]
        self.visible += ours
        return {each.message_id for each in ours}

    def is_empty(self) -> bool:
        return not self.visible and not self.in_flight


class World:
    """A dead-letter queue over fakes; `sent` is what came to the main queue."""

    def __init__(self) -> None:
        self.queue = DeadLetterQueue()
        self.sent: list[str] = []
        self.raw = FakeRawTickets()
        self.rows = FakeRows()
        self.send: Callable[[str], None] = self.sent.append
        self.decode: Decode = decode
        self.batch_messages = 1000
        self.executor = ThreadPoolExecutor(2)

    @property
    def dead_letters(self) -> DeadLetters:
        return DeadLetters(
            queue=self.queue,
            send_many=self.send_many,
            rows=self.rows,
            raw_tickets=self.raw,
            decode=self.decode,
            executor=self.executor,
            max_ticket_bytes=10_000,
            batch_messages=self.batch_messages,
        )

    def send_many(self, bodies: Sequence[str]) -> list[str | None]:
        reasons: list[str | None] = []
        for body in bodies:
            try:
                self.send(body)
                reasons.append(None)
            except TransientFailure as failure:
                reasons.append(str(failure))
        return reasons

    def fill(self, *messages: Message) -> None:
        self.queue.visible += messages

    def look(self) -> list[DeadLetter]:
        with self.dead_letters.hold() as hold:
            return [each for batch in self.dead_letters.batches(hold) for each in batch]

    def reasons(self) -> dict[str, str]:
        return {each.message.message_id: each.reason for each in self.look()}

    def redrive(self, reason: str | None = None) -> Redriven:
        redriven = Redriven()
        with self.dead_letters.hold() as hold:
            for letters in self.dead_letters.batches(hold, sent_until=NOW):
                wanted = [each for each in letters if reason in (None, each.reason)]
                redriven += self.dead_letters.redrive(hold, wanted)
        return redriven

    def write_row(self, ticket_id: str, key: str, status: Status = Status.FAILED, **more: object) -> None:
        found = self.raw.objects.get(key)
        raw = (
            RawVersion.of(found)
            if found
            else RawVersion(bucket=BUCKET, key=key, version_id=None, etag="", last_modified=NOW)
        )
        self.rows.rows[ticket_id] = TicketRow(
            ticket_id=ticket_id,
            status=status,
            raw=raw,
            content_hash="0f",
            processed_at=NOW,
            **more,  # type: ignore[arg-type]
        )

    def visible_ids(self) -> list[str]:
        return [each.message_id for each in self.queue.visible]


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.executor.shutdown()


def failure(key: str, code: str = "EncoderFailed") -> Failure:
    return Failure(code=code, message="the encoder failed", attempts=5, key=key, failed_at=NOW)


def letters(count: int) -> list[Message]:
    return [announce(f"tickets/T{number}.json", message_id=f"m{number}") for number in range(count)]


def test_listing_looks_at_every_message_and_leaves_each_where_it_was(world: World) -> None:
    world.fill(*letters(23))
    assert len(world.look()) == 23
    assert sorted(world.visible_ids()) == sorted(each.message_id for each in letters(23))
    assert world.queue.in_flight == {}
    assert (world.queue.gone, world.sent) == ([], [])
    assert world.queue.held_for_s == {HOLD_S}


def test_a_message_that_announces_nothing_known_is_unreadable_and_says_why(world: World) -> None:
    world.fill(UNREADABLE)
    (letter,) = world.look()
    assert letter.reason == Reason.UNREADABLE_MESSAGE
    assert letter.problem == "expected a list of keys"


def test_a_message_that_announces_nothing_to_do_is_settled(world: World) -> None:
    world.fill(announce())
    assert world.reasons() == {"m": Reason.SETTLED}


def test_the_reason_is_the_code_of_the_failure_on_the_row(world: World) -> None:
    world.fill(world.raw.drop("tickets/T1.json", ticket("T1")))
    world.write_row("T1", "tickets/T1.json", failure=failure("tickets/T1.json"))
    (letter,) = world.look()
    assert (letter.reason, letter.findings[0].ticket_id) == ("EncoderFailed", "T1")
    assert "redrive" in letter.next_step


def test_a_ticket_whose_key_is_not_made_of_its_id_is_found_by_its_object(world: World) -> None:
    world.fill(world.raw.drop("tickets/2026/export.json", ticket("T1")))
    world.write_row("T1", "tickets/2026/export.json", failure=failure("tickets/2026/export.json"))
    (letter,) = world.look()
    assert letter.reason == "EncoderFailed"
    assert letter.is_called("T1")
    assert letter.is_called("m1")
    assert not letter.is_called("2026/export")


def test_the_failure_of_another_object_of_the_same_ticket_explains_nothing(world: World) -> None:
    world.fill(world.raw.drop("tickets/T1.json", ticket("T1")))
    world.write_row("T1", "tickets/other.json", failure=failure("tickets/other.json"))
    assert world.reasons() == {"m1": Reason.UNKNOWN}


def test_without_a_row_or_a_word_on_it_the_reason_is_unknown(world: World) -> None:
    world.fill(announce("tickets/T1.json", message_id="no-row"), announce("tickets/T2.json"))
    world.write_row("T2", "tickets/T2.json")
    assert world.reasons() == {"no-row": Reason.UNKNOWN, "m": Reason.UNKNOWN}


def test_a_rejected_upload_is_told_by_the_code_of_its_rejection(world: World) -> None:
    world.fill(world.raw.drop("tickets/T1.json", b"{"))
    rejection = Rejection(
        code=RejectionCode.NOT_JSON, message="…", field=None, key="tickets/T1.json", rejected_at=NOW
    )
    world.write_row("T1", "tickets/T1.json", Status.REJECTED, rejection=rejection)
    (letter,) = world.look()
    assert letter.reason == "not_json"
    assert "upload it again" in letter.next_step


@pytest.mark.parametrize("status", [Status.ENRICHED, Status.PARTIAL])
def test_a_ticket_enriched_in_the_meantime_is_settled(world: World, status: Status) -> None:
    world.fill(world.raw.drop("tickets/T1.json", ticket("T1")))
    world.write_row("T1", "tickets/T1.json", status)
    (letter,) = world.look()
    assert (letter.reason, letter.next_step) == (Reason.SETTLED, "delete it")


def test_an_enrichment_of_an_older_upload_of_the_key_settles_nothing(world: World) -> None:
    world.raw.drop("tickets/T1.json", ticket("T1"))
    world.write_row("T1", "tickets/T1.json", Status.ENRICHED)
    world.fill(world.raw.drop("tickets/T1.json", ticket("T1", body="Still on fire.")))
    assert world.reasons() == {"m2": Reason.UNKNOWN}


def refuse(*_: object) -> None:
    raise TransientFailure("fetching a ticket from S3: InvalidRequest", "InvalidRequest")


def test_an_object_that_the_bucket_refuses_is_not_settled_and_hides_no_other(world: World) -> None:
    world.fill(world.raw.drop("tickets/T1.json", ticket("T1")), announce("tickets/T2.json"), UNREADABLE)
    world.write_row("T1", "tickets/T1.json", Status.ENRICHED, failure=failure("tickets/T1.json", "refused"))
    world.raw.is_current = refuse  # type: ignore[assignment, method-assign]
    world.raw.fetch = refuse  # type: ignore[assignment, method-assign]
    assert world.reasons() == {
        "m1": "refused",
        "m": "InvalidRequest",
        "poison": Reason.UNREADABLE_MESSAGE,
    }


def test_a_message_is_settled_only_when_all_of_its_uploads_are(world: World) -> None:
    world.raw.drop("tickets/T1.json", ticket("T1"))
    world.write_row("T1", "tickets/T1.json", Status.ENRICHED)
    world.write_row("T2", "tickets/T2.json", failure=failure("tickets/T2.json", "Throttled"))
    world.fill(announce("tickets/T1.json", "tickets/T2.json"))
    assert world.reasons() == {"m": "Throttled"}


def test_redriving_sends_every_body_once_and_unchanged_and_empties_the_queue(world: World) -> None:
    messages = [*letters(12), UNREADABLE]
    world.fill(*messages)
    assert world.redrive() == Redriven(moved=13)
    assert sorted(world.sent) == sorted(each.body for each in messages)
    assert world.queue.is_empty()


def test_redriving_by_reason_leaves_the_others_where_they_were(world: World) -> None:
    world.fill(*letters(3), UNREADABLE)
    assert world.redrive(Reason.UNREADABLE_MESSAGE) == Redriven(moved=1)
    assert world.sent == [UNREADABLE.body]
    assert sorted(world.visible_ids()) == ["m0", "m1", "m2"]


def test_a_message_that_comes_back_while_it_is_redriven_is_not_sent_a_second_time(world: World) -> None:
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


def test_messages_that_do_not_stay_hidden_are_received_and_sent_once_all_the_same(world: World) -> None:
    world.queue.expires_at_once = True
    world.fill(*letters(7))
    assert world.redrive() == Redriven(moved=7)
    assert sorted(world.sent) == sorted(each.body for each in letters(7))
    assert world.queue.is_empty()


def test_a_message_that_cannot_be_sent_stays_and_stops_no_other(
    world: World, caplog: pytest.LogCaptureFixture
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
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.queue, "acknowledge", lambda _messages: set())
    world.fill(*letters(1))
    assert world.redrive() == Redriven(undeleted=1)
    assert len(world.sent) == 1
    assert world.visible_ids() == ["m0"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
def test_stopped_between_send_and_delete_the_message_is_still_there(
    world: World, monkeypatch: pytest.MonkeyPatch, stop: type[BaseException]
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
    world: World, monkeypatch: pytest.MonkeyPatch
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


def test_a_deleted_message_is_gone_and_the_rest_is_released(world: World) -> None:
    world.fill(*letters(3))
    with world.dead_letters.hold() as hold:
        (batch,) = world.dead_letters.batches(hold)
        assert hold.delete([batch[1].message]) == {"m1"}
    assert world.queue.gone == ["m1"]
    assert sorted(world.visible_ids()) == ["m0", "m2"]


def test_a_failed_backfill_is_told_apart_from_what_is_settled(world: World) -> None:
    request = BackfillRequest(Selection(missing=True), run="run")
    world.fill(Message("m", encode_backfill(request), "receipt", 6, NOW))
    (letter,) = world.look()
    assert (letter.reason, letter.request) == (Reason.BACKFILL_REQUEST, request)
    assert letter.next_step.startswith("redrive it")


@pytest.mark.parametrize(
    ("code", "next_step"),
    [("InvalidObjectState", "restore it"), ("InvalidRequest", "SSE-C"), ("AccessDenied", "s3:GetObject")],
)
def test_what_s3_says_of_an_object_that_it_refuses_is_the_reason(
    world: World, code: str, next_step: str
) -> None:
    """Nobody could read the ticket's id, so that no row tells of its failure."""
    failure = TransientFailure(f"fetching a ticket from S3: {code}", code)

    def refuse(*_: object) -> None:
        raise failure

    world.raw.fetch = refuse  # type: ignore[assignment, method-assign]
    world.fill(announce("tickets/archive/export.json"))
    (letter,) = world.look()
    assert (letter.reason, letter.findings[0].refusal) == (code, failure)
    assert next_step in letter.next_step


def test_records_that_were_skipped_are_told_and_hide_no_other(world: World) -> None:
    upload = Upload(BUCKET, "tickets/T1.json", "tickets/T1.json")
    world.decode = lambda _body: Uploads((upload,), skipped=("expected records of S3",))
    world.fill(announce())
    (letter,) = world.look()
    assert letter.skipped == ("expected records of S3",)
    assert [each.ticket_id for each in letter.findings] == ["T1"]


class TestLongQueue:
    """A queue that does not fit into memory and takes longer than a hold."""

    def test_no_more_than_a_batch_is_explained_at_once_and_all_is_met_once(self, world: World) -> None:
        world.batch_messages = 20
        world.fill(*letters(50))
        with world.dead_letters.hold() as hold:
            batches = [
                [each.message.message_id for each in batch] for batch in world.dead_letters.batches(hold)
            ]
        assert [len(batch) for batch in batches] == [20, 20, 10]
        assert len({message_id for batch in batches for message_id in batch}) == 50
        assert len(world.queue.visible) == 50

    def test_what_is_held_keeps_no_body(self, world: World) -> None:
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

    def test_the_hold_is_extended_in_tens_as_long_as_it_lasts(self, world: World) -> None:
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
        self, world: World, caplog: pytest.LogCaptureFixture
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

    def test_bodies_that_are_too_long_for_one_request_go_by_several(self, world: World) -> None:
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
