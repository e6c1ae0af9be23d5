"""What process_batch makes of messages, over ports in memory."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from fakes import (
    NOW,
    FakeEnrichedTickets,
    FakeEnricher,
    FakeRawTickets,
    FakeRows,
    announce,
    read_event,
    ticket,
)

from ticketmill.domain.enrichment import Enrichment
from ticketmill.domain.errors import RejectionCode, TransientFailure
from ticketmill.domain.labels import Status
from ticketmill.domain.message import Message, RawObject, Upload, id_of_key
from ticketmill.domain.row import TicketRow
from ticketmill.domain.ticket import Ticket
from ticketmill.pipeline.outcome import Result, settled
from ticketmill.pipeline.process import Pipeline

LATER = NOW + timedelta(seconds=5)


class World:
    """A pipeline over fakes, and what it left behind."""

    def __init__(self) -> None:
        self.raw = FakeRawTickets()
        self.enriched = FakeEnrichedTickets()
        self.rows = FakeRows()
        self.enricher = FakeEnricher()
        self.pipeline = Pipeline(
            raw_tickets=self.raw,
            enriched_tickets=self.enriched,
            rows=self.rows,
            read_event=read_event,
            enricher=self.enricher,
            executor=ThreadPoolExecutor(4),
            max_ticket_bytes=10_000,
            clock=lambda: NOW,
        )

    def process(self, *messages: Message) -> dict[str, Result]:
        """The result of each message, by its id."""
        return {each.message.message_id: each.result for each in self.pipeline.process_batch(messages)}

    def row(self, ticket_id: str) -> TicketRow:
        return self.rows.rows[ticket_id]

    def rejection_code(self, ticket_id: str) -> RejectionCode | None:
        rejection = self.row(ticket_id).rejection
        return rejection and rejection.code

    def meanwhile(self, drop: Callable[[], Message]) -> None:
        """Lets another worker see an upload through, between the next read of an object and its write."""
        fetch = self.raw.fetch

        def overtaken(upload: Upload, max_bytes: int) -> RawObject | None:
            found = fetch(upload, max_bytes)
            self.raw.fetch = fetch  # type: ignore[method-assign]
            self.process(drop())
            return found

        self.raw.fetch = overtaken  # type: ignore[method-assign]


@pytest.fixture
def world() -> World:
    return World()


def test_a_ticket_gets_a_row_that_points_at_its_full_enrichment(world: World) -> None:
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    assert world.process(message) == {message.message_id: Result.ENRICHED}
    row = world.row("T1")
    stored = json.loads(world.enriched.objects[row.enriched_key or ""])
    assert row.status is Status.ENRICHED
    assert stored["ticket_id"] == "T1"
    assert stored["body"] == "The printer is on fire."
    assert stored["enrichment"]["fingerprint"] == row.fingerprint == "f1"
    assert row.enriched_key == f"tickets/T1/{row.content_hash}-f1.json"
    assert stored["enrichment"]["latency_ms"]["queue"] == 1000.0


def test_the_enrichment_is_stored_before_the_row_says_where_it_is(world: World) -> None:
    order: list[str] = []
    put_object, put_row = world.enriched.put, world.rows.put
    world.enriched.put = lambda key, body: (order.append("object"), put_object(key, body))[1]  # type: ignore[method-assign]
    world.rows.put = lambda row, replaces: (order.append("row"), put_row(row, replaces))[1]  # type: ignore[method-assign]
    world.process(world.raw.drop("tickets/T1.json", ticket("T1")))
    assert order == ["object", "row"]


def test_without_its_object_no_row_is_written_and_the_message_is_left(world: World) -> None:
    def refuse(key: str, body: bytes) -> None:
        raise TransientFailure("storing an enrichment in S3: SlowDown")

    world.enriched.put = refuse  # type: ignore[method-assign]
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    outcomes = world.pipeline.process_batch([message])
    assert [outcome.result for outcome in outcomes] == [Result.FAILED]
    assert settled([message], outcomes) == []
    assert world.row("T1").status is Status.FAILED
    assert world.row("T1").enriched_key is None


def test_a_failed_attempt_leaves_its_reason_on_the_row_until_another_succeeds(world: World) -> None:
    put = world.enriched.put

    def refuse(key: str, body: bytes) -> None:
        raise TransientFailure("storing an enrichment in S3: SlowDown", "SlowDown")

    world.enriched.put = refuse  # type: ignore[method-assign]
    message = replace(world.raw.drop("tickets/T1.json", ticket("T1")), receive_count=3)
    world.process(message)
    failure = world.row("T1").failure
    assert failure is not None
    assert (failure.code, failure.attempts, failure.key) == ("SlowDown", 3, "tickets/T1.json")
    assert failure.message == "storing an enrichment in S3: SlowDown"
    world.enriched.put = put  # type: ignore[method-assign]
    assert world.process(message)["m1"] is Result.ENRICHED
    assert (world.row("T1").status, world.row("T1").failure) == (Status.ENRICHED, None)


def test_a_failed_attempt_keeps_a_good_row_and_a_duplicate_of_what_made_it_clears_the_reason(
    world: World,
) -> None:
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    world.process(message)
    fetch = world.raw.fetch

    def time_out(upload: Upload, max_bytes: int) -> RawObject | None:
        raise TransientFailure("fetching a ticket from S3: ReadTimeoutError", "ReadTimeoutError")

    world.raw.fetch = time_out  # type: ignore[method-assign]
    world.process(message)
    row = world.row("T1")
    assert row.status is Status.ENRICHED
    assert row.failure is not None and row.failure.code == "ReadTimeoutError"
    world.raw.fetch = fetch  # type: ignore[method-assign]
    assert world.process(message)["m1"] is Result.DUPLICATE
    assert world.row("T1").failure is None


def test_a_ticket_that_failed_before_its_object_could_be_read_can_still_be_rejected(world: World) -> None:
    fetch = world.raw.fetch

    def time_out(upload: Upload, max_bytes: int) -> RawObject | None:
        raise TransientFailure("fetching a ticket from S3: ReadTimeoutError")

    message = world.raw.drop("tickets/T1.json", b"not json", at=NOW - timedelta(hours=1))
    world.raw.fetch = time_out  # type: ignore[method-assign]
    world.process(message)
    world.raw.fetch = fetch  # type: ignore[method-assign]
    assert world.process(message)["m1"] is Result.REJECTED
    assert world.row("T1").status is Status.REJECTED


def test_a_reason_that_cannot_be_written_leaves_the_message_to_the_queue_all_the_same(world: World) -> None:
    def refuse(row: TicketRow, replaces: TicketRow | None) -> bool:
        raise TransientFailure("writing a row to DynamoDB: ThrottlingException")

    world.rows.put = refuse  # type: ignore[method-assign]
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    assert world.process(message) == {"m1": Result.FAILED}
    assert world.rows.rows == {}


def test_large_tickets_are_read_one_at_a_time(world: World) -> None:
    world.pipeline = replace(world.pipeline, large_bytes=1000)
    enrich, together = world.enricher.enrich, []

    def record(tickets: Sequence[Ticket]) -> list[Enrichment]:
        together.append([each.ticket_id for each in tickets])
        return enrich(tickets)

    world.enricher.enrich = record  # type: ignore[method-assign]
    drops = [
        world.raw.drop(f"tickets/{name}.json", ticket(name, body="x" * size))
        for name, size in (("L1", 2000), ("S1", 10), ("L2", 3000), ("S2", 10))
    ]
    assert set(world.process(*drops).values()) == {Result.ENRICHED}
    assert together == [["S1", "S2"], ["L1"], ["L2"]]


def test_a_ticket_that_breaks_the_model_fails_alone(world: World) -> None:
    messages = [world.raw.drop(f"tickets/T{n}.json", ticket(f"T{n}")) for n in range(9)]
    poison = world.raw.drop("tickets/bad.json", ticket("bad", body="poison"))
    results = world.process(*messages[:4], poison, *messages[4:])
    assert results.pop(poison.message_id) is Result.FAILED
    assert set(results.values()) == {Result.ENRICHED}
    assert sorted(world.enricher.seen) == [f"T{n}" for n in range(9)]
    assert world.row("bad").status is Status.FAILED
    failure = world.row("bad").failure
    assert failure is not None and failure.code == "fault"
    assert "poison" not in failure.message


def test_the_log_of_a_failure_names_the_ticket_and_never_quotes_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        world.process(world.raw.drop("tickets/bad.json", ticket("bad", body="poison 4111 1111")))
    assert "tickets/bad.json" in caplog.text
    assert "RuntimeError" in caplog.text
    assert "4111" not in caplog.text


def test_a_key_cannot_forge_a_line_of_the_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        world.process(world.raw.drop("tickets/x\n2026 CRITICAL forged.json", b"{"))
    assert "forged" in caplog.text
    assert not any(line.startswith("2026 CRITICAL") for line in caplog.text.splitlines())


@pytest.mark.parametrize(
    ("content", "code", "ticket_id"),
    [
        (b"{not json", RejectionCode.NOT_JSON, "T1"),
        (b"\xff\xfe{", RejectionCode.NOT_UTF8, "T1"),
        ({"ticket_id": "T1", "body": ["a", "list"]}, RejectionCode.SCHEMA, "T1"),
        ({"ticket_id": "other", "body": 1.5, "subject": True}, RejectionCode.SCHEMA, "other"),
        ({"ticket_id": "a/b", "body": "text"}, RejectionCode.ID_UNUSABLE, "T1"),
        ({"ticket_id": "T1", "body": " \n"}, RejectionCode.EMPTY_TEXT, "T1"),
        ({"ticket_id": "T1", "body": "x" * 20_000}, RejectionCode.TOO_LARGE, "T1"),
    ],
)
def test_a_ticket_that_can_never_succeed_is_recorded_with_its_reason_and_acknowledged(
    world: World, content: object, code: RejectionCode, ticket_id: str
) -> None:
    message = world.raw.drop("tickets/T1.json", content)
    outcomes = world.pipeline.process_batch([message])
    assert [(each.result, each.reason) for each in outcomes] == [(Result.REJECTED, code)]
    assert settled([message], outcomes) == [message]
    row = world.row(ticket_id)
    assert row.status is Status.REJECTED
    assert row.rejection is not None
    assert (row.rejection.code, row.rejection.key) == (code, "tickets/T1.json")
    assert world.enriched.objects == {}


def test_an_announced_object_that_is_not_there_is_rejected(world: World) -> None:
    assert world.process(announce("tickets/gone.json")) == {"m": Result.REJECTED}
    rejection = world.row("gone").rejection
    assert rejection is not None
    assert rejection.code is RejectionCode.OBJECT_MISSING


def test_an_upload_after_its_announcement_clears_the_rejection_whatever_the_clocks_say(world: World) -> None:
    """S3 counts whole seconds, so an object can look older than when it was found missing."""
    world.process(announce("tickets/T1.json"))
    world.process(world.raw.drop("tickets/T1.json", ticket("T1"), at=NOW - timedelta(seconds=1)))
    assert world.row("T1").status is Status.ENRICHED
    assert world.row("T1").rejection is None


def test_a_bad_upload_after_its_announcement_is_rejected_for_its_own_reason(world: World) -> None:
    world.process(announce("tickets/T1.json"))
    message = world.raw.drop("tickets/T1.json", b"{", at=NOW - timedelta(seconds=1))
    assert world.process(message) == {message.message_id: Result.REJECTED}
    rejection = world.row("T1").rejection
    assert rejection is not None
    assert rejection.code is RejectionCode.NOT_JSON


def test_an_object_deleted_after_its_enrichment_leaves_the_row_as_it_is(world: World) -> None:
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    world.process(message)
    before = world.row("T1")
    del world.raw.objects["tickets/T1.json"]
    assert world.process(message) == {message.message_id: Result.SUPERSEDED}
    assert world.row("T1") == before


def test_a_rejection_never_overwrites_a_good_enrichment_and_is_noted_beside_it(world: World) -> None:
    world.process(world.raw.drop("tickets/T1.json", ticket("T1")))
    good = world.row("T1")
    world.process(world.raw.drop("tickets/T1.json", {"ticket_id": "T1", "body": []}, at=LATER))
    row = world.row("T1")
    assert row.status is Status.ENRICHED
    assert row.enriched_key == good.enriched_key
    assert row.rejection is not None
    assert row.rejection.code is RejectionCode.SCHEMA


def test_a_good_upload_after_a_rejected_one_clears_the_rejection(world: World) -> None:
    world.process(world.raw.drop("tickets/T1.json", b"{"))
    world.process(world.raw.drop("tickets/T1.json", ticket("T1"), at=LATER))
    assert world.row("T1").status is Status.ENRICHED
    assert world.row("T1").rejection is None


def test_the_former_content_uploaded_again_clears_the_rejection_of_what_came_between(world: World) -> None:
    world.process(world.raw.drop("tickets/T1.json", ticket("T1")))
    world.process(world.raw.drop("tickets/T1.json", b"{", at=NOW + timedelta(seconds=2)))
    world.process(world.raw.drop("tickets/T1.json", ticket("T1"), at=LATER))
    assert world.row("T1").status is Status.ENRICHED
    assert world.row("T1").rejection is None


def test_an_enrichment_that_comes_late_keeps_the_rejection_of_a_later_upload(world: World) -> None:
    world.process(world.raw.drop("tickets/T1.json", ticket("T1")))
    late = world.raw.drop("tickets/T1.json", ticket("T1", body="Another text."), at=LATER)
    world.meanwhile(lambda: world.raw.drop("tickets/T1.json", b"{", at=LATER))
    assert world.process(late) == {late.message_id: Result.ENRICHED}
    assert world.rejection_code("T1") is RejectionCode.NOT_JSON


def test_a_rejection_that_comes_late_never_replaces_that_of_a_later_upload(world: World) -> None:
    world.process(world.raw.drop("tickets/T1.json", ticket("T1")))
    late = world.raw.drop("tickets/T1.json", b"{", at=LATER)
    world.meanwhile(lambda: world.raw.drop("tickets/T1.json", b"[]", at=LATER))
    assert world.process(late) == {late.message_id: Result.SUPERSEDED}
    assert world.rejection_code("T1") is RejectionCode.SCHEMA


def test_an_object_that_was_missing_a_moment_ago_keeps_its_own_rejection(world: World) -> None:
    world.meanwhile(lambda: world.raw.drop("tickets/T1.json", b"{"))
    assert world.process(announce("tickets/T1.json")) == {"m": Result.SUPERSEDED}
    assert world.rejection_code("T1") is RejectionCode.NOT_JSON


def test_a_duplicate_is_acknowledged_without_running_the_model(world: World) -> None:
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    world.process(message)
    writes = world.rows.writes
    assert world.process(message) == {message.message_id: Result.DUPLICATE}
    assert world.enricher.seen == ["T1"]
    assert world.rows.writes == writes


def test_two_messages_of_one_upload_in_one_batch_run_the_model_once(world: World) -> None:
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    again = announce("tickets/T1.json", message_id="again")
    assert world.process(message, again) == {
        message.message_id: Result.ENRICHED,
        "again": Result.ENRICHED,
    }
    assert world.enricher.seen == ["T1"]


def test_another_bundle_enriches_the_same_upload_anew(world: World) -> None:
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    world.process(message)
    world.enricher.fingerprint = "f2"
    assert world.process(message) == {message.message_id: Result.ENRICHED}
    assert world.row("T1").fingerprint == "f2"
    assert len(world.enriched.objects) == 2


def test_the_same_content_uploaded_again_runs_no_model_but_is_known_as_the_newest(world: World) -> None:
    world.process(world.raw.drop("tickets/T1.json", ticket("T1")))
    again = world.raw.drop("tickets/T1.json", ticket("T1"), at=LATER)
    assert world.process(again) == {again.message_id: Result.DUPLICATE}
    assert world.enricher.seen == ["T1"]
    assert world.row("T1").raw.last_modified == LATER


def test_a_newer_upload_replaces_the_row(world: World) -> None:
    world.process(world.raw.drop("tickets/T1.json", ticket("T1", "first")))
    world.process(world.raw.drop("tickets/T1.json", ticket("T1", "second"), at=LATER))
    row = world.row("T1")
    assert json.loads(world.enriched.objects[row.enriched_key or ""])["body"] == "second"
    assert row.revision == 2


@pytest.mark.parametrize("second_at", [NOW, LATER])
def test_a_worker_that_read_the_older_upload_never_overwrites_the_newer_row(
    world: World, second_at: object
) -> None:
    """The other worker reads and writes the second upload while this one still encodes the first."""
    other = World()
    other.raw, other.rows, other.enriched = world.raw, world.rows, world.enriched
    object.__setattr__(other.pipeline, "raw_tickets", world.raw)
    object.__setattr__(other.pipeline, "rows", world.rows)
    object.__setattr__(other.pipeline, "enriched_tickets", world.enriched)
    first = world.raw.drop("tickets/T1.json", ticket("T1", "first"))
    enrich = world.enricher.enrich

    def enrich_slowly(tickets):  # type: ignore[no-untyped-def]
        other.process(world.raw.drop("tickets/T1.json", ticket("T1", "second"), at=second_at))  # type: ignore[arg-type]
        return enrich(tickets)

    world.enricher.enrich = enrich_slowly  # type: ignore[method-assign]
    assert world.process(first) == {first.message_id: Result.SUPERSEDED}
    row = world.row("T1")
    assert json.loads(world.enriched.objects[row.enriched_key or ""])["body"] == "second"


def test_two_keys_with_one_ticket_id_in_one_batch_end_with_the_newer_upload(world: World) -> None:
    newer = world.raw.drop("tickets/b/T1.json", ticket("T1", "newer"), at=LATER)
    older = world.raw.drop("tickets/a/T1.json", ticket("T1", "older"))
    results = world.process(newer, older)
    row = world.row("T1")
    assert json.loads(world.enriched.objects[row.enriched_key or ""])["body"] == "newer"
    assert results[newer.message_id] is Result.ENRICHED


def test_a_test_event_is_acknowledged_and_dropped(world: World) -> None:
    message = announce()
    outcomes = world.pipeline.process_batch([message])
    assert [outcome.result for outcome in outcomes] == [Result.IGNORED]
    assert settled([message], outcomes) == [message]


def test_a_message_that_announces_nothing_known_is_left_for_the_dead_letter_queue(world: World) -> None:
    message = Message("odd", '{"hello": 1}', "receipt", 1, NOW)
    outcomes = world.pipeline.process_batch([message])
    assert [(each.result, each.reason) for each in outcomes] == [(Result.FAILED, "unreadable_message")]
    assert settled([message], outcomes) == []


def test_a_message_with_several_uploads_is_settled_only_when_all_are(world: World) -> None:
    world.raw.drop("tickets/T1.json", ticket("T1"))
    world.raw.drop("tickets/bad.json", ticket("bad", body="poison"))
    both = announce("tickets/T1.json", "tickets/bad.json", message_id="both")
    outcomes = world.pipeline.process_batch([both])
    assert sorted(outcome.result for outcome in outcomes) == [Result.ENRICHED, Result.FAILED]
    assert settled([both], outcomes) == []


def test_a_table_that_cannot_be_read_fails_the_batch_and_runs_no_model(world: World) -> None:
    def refuse(ticket_ids: object) -> dict[str, TicketRow]:
        raise TransientFailure("reading rows from DynamoDB: ThrottlingException")

    world.rows.get_many = refuse  # type: ignore[method-assign,assignment]
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    assert world.process(message) == {message.message_id: Result.FAILED}
    assert world.enricher.seen == []


@pytest.mark.parametrize(
    ("key", "ticket_id"),
    [("tickets/T1.json", "T1"), ("tickets/a/T1.json", "a/T1"), ("tickets/.json", "tickets/.json")],
)
def test_a_ticket_without_an_id_is_called_by_its_key(key: str, ticket_id: str) -> None:
    assert id_of_key(key) == ticket_id


def test_an_outcome_tells_how_long_each_stage_took_and_how_much_the_encoder_read(world: World) -> None:
    (outcome,) = world.pipeline.process_batch([world.raw.drop("tickets/T1.json", ticket("T1"))])
    assert set(outcome.stage_ms) == {"queue", "fetch", "encode", "heads", "store"}
    assert (outcome.stage_ms["queue"], outcome.stage_ms["encode"]) == (1000.0, 1.0)
    assert outcome.stage_ms["fetch"] >= 0
    assert outcome.tokens == 1


def test_a_slow_fetch_and_a_slow_store_show_where_the_time_went(world: World) -> None:
    fetch, put = world.raw.fetch, world.enriched.put
    world.raw.fetch = lambda *given: (time.sleep(0.02), fetch(*given))[1]  # type: ignore[method-assign]
    world.enriched.put = lambda *given: (time.sleep(0.04), put(*given))[1]  # type: ignore[method-assign]
    (outcome,) = world.pipeline.process_batch([world.raw.drop("tickets/T1.json", ticket("T1"))])
    assert outcome.stage_ms["fetch"] >= 20
    assert outcome.stage_ms["store"] >= 40


def test_an_upload_that_fails_tells_the_stages_that_it_reached(world: World) -> None:
    def refuse(key: str, body: bytes) -> None:
        raise TransientFailure("storing an enrichment in S3: SlowDown")

    world.enriched.put = refuse  # type: ignore[method-assign]
    rejected = world.raw.drop("tickets/T1.json", b"{")
    stopped = world.raw.drop("tickets/T2.json", ticket("T2"))
    reached = {
        each.ticket_id: set(each.stage_ms) for each in world.pipeline.process_batch([rejected, stopped])
    }
    assert reached == {"T1": {"fetch"}, "T2": {"queue", "fetch", "encode", "heads", "store"}}


def test_work_that_two_messages_announce_is_told_once(world: World) -> None:
    first = world.raw.drop("tickets/T1.json", ticket("T1"))
    again = announce("tickets/T1.json", message_id="again")
    outcomes = world.pipeline.process_batch([first, again])
    assert [(each.result, each.tokens, bool(each.stage_ms)) for each in outcomes] == [
        (Result.ENRICHED, 1, True),
        (Result.ENRICHED, None, False),
    ]


def test_outcomes_can_be_members_of_a_set(world: World) -> None:
    outcomes = world.pipeline.process_batch([world.raw.drop("tickets/T1.json", ticket("T1"))])
    assert len({*outcomes, *outcomes}) == 1
