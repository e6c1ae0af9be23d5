"""What process_batch makes of messages, over ports in memory."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from fakes import (
    NOW,
    announce,
    decode,
    ticket,
)
from world import World

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.keys import id_of_key
from ticketmill.domain.labels import Status
from ticketmill.domain.message import Announcement, Message, Uploads
from ticketmill.domain.row import TicketRow
from ticketmill.pipeline.outcome import Result, acknowledgeable

LATER = NOW + timedelta(seconds=5)


def test_a_ticket_gets_a_row_that_points_at_its_full_enrichment(world: World) -> None:
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    assert world.process(message) == {message.message_id: Result.ENRICHED}
    row = world.row("T1")
    stored = json.loads(world.enriched.objects[row.enriched_key or ""])
    assert row.status is Status.ENRICHED
    assert stored["ticket_id"] == "T1"
    assert stored["body"] == "The printer is on fire."
    assert stored["enrichment"]["fingerprint"] == row.fingerprint == "f1"
    assert row.enriched_key == f"tickets/T1/{row.content_hash}-f1-a1.json"
    assert stored["enrichment"]["latency_ms"]["queue"] == 1000.0


def test_the_enrichment_is_stored_before_the_row_says_where_it_is(world: World) -> None:
    order: list[str] = []
    put_object, put_row = world.enriched.put, world.rows.put
    world.enriched.put = lambda key, body: (order.append("object"), put_object(key, body))[1]  # type: ignore[method-assign]
    world.rows.put = lambda row, replaces: (order.append("row"), put_row(row, replaces))[1]  # type: ignore[method-assign]
    world.process(world.raw.drop("tickets/T1.json", ticket("T1")))
    assert order == ["object", "row"]


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
    world.serve("f2")
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
    other.pipeline = replace(
        other.pipeline, raw_tickets=world.raw, rows=world.rows, enriched_tickets=world.enriched
    )
    first = world.raw.drop("tickets/T1.json", ticket("T1", "first"))
    enrich = world.enricher.enrich

    def enrich_slowly(tickets, learned):  # type: ignore[no-untyped-def]
        other.process(world.raw.drop("tickets/T1.json", ticket("T1", "second"), at=second_at))  # type: ignore[arg-type]
        return enrich(tickets, learned)

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
    assert acknowledgeable([message], outcomes) == [message]


def test_a_foreign_record_is_skipped_and_hides_no_ticket_of_its_message(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    message = world.raw.drop("tickets/T1.json", ticket("T1"))

    def with_foreign_record(body: str) -> Announcement:
        announcement = decode(body)
        assert isinstance(announcement, Uploads)
        return replace(announcement, skipped=("expected records of S3",))

    pipeline = replace(world.pipeline, decode=with_foreign_record)
    assert [each.result for each in pipeline.process_batch([message])] == [Result.ENRICHED]
    assert "1 records skipped: expected records of S3" in caplog.text


def test_a_message_of_foreign_records_and_other_events_is_acknowledged(world: World) -> None:
    pipeline = replace(world.pipeline, decode=lambda _body: Uploads((), ("expected records of S3",)))
    (outcome,) = pipeline.process_batch([announce()])
    assert (outcome.result, outcome.reason) == (Result.IGNORED, "foreign_record")


def test_a_message_that_announces_nothing_known_is_left_for_the_dead_letter_queue(world: World) -> None:
    message = Message("odd", '{"hello": 1}', "receipt", 1, NOW)
    outcomes = world.pipeline.process_batch([message])
    assert [(each.result, each.reason) for each in outcomes] == [(Result.FAILED, "unreadable_message")]
    assert acknowledgeable([message], outcomes) == []


def test_a_message_with_several_uploads_is_settled_only_when_all_are(world: World) -> None:
    world.raw.drop("tickets/T1.json", ticket("T1"))
    world.raw.drop("tickets/bad.json", ticket("bad", body="poison"))
    both = announce("tickets/T1.json", "tickets/bad.json", message_id="both")
    outcomes = world.pipeline.process_batch([both])
    assert sorted(outcome.result for outcome in outcomes) == [Result.ENRICHED, Result.FAILED]
    assert acknowledgeable([both], outcomes) == []


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
