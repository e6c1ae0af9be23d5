"""Which rejections stand on a row, and for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fakes import (
    NOW,
    announce,
    ticket,
)
from world import World

from ticketmill.domain.errors import RejectionCode
from ticketmill.domain.labels import Status
from ticketmill.pipeline.outcome import Result, acknowledgeable

LATER = NOW + timedelta(seconds=5)
LONG_TEXT = "The customer called and says that the app is down."


@pytest.mark.parametrize(
    ("content", "code", "ticket_id"),
    [
        (b"{not json", RejectionCode.NOT_JSON, "T1"),
        (b"\xff\xfe{", RejectionCode.NOT_UTF8, "T1"),
        ({"body": "A text without an id."}, RejectionCode.SCHEMA, "T1"),
        ({"ticket_id": ["a"], "body": "text"}, RejectionCode.ID_UNUSABLE, "T1"),
        ({"ticket_id": "other", "note": LONG_TEXT}, RejectionCode.TEXT_NOT_FOUND, "other"),
        ({"ticket_id": "#7", "note": LONG_TEXT}, RejectionCode.TEXT_NOT_FOUND, "esc:=237"),
        ([{"ticket_id": "a", "body": "x"}] * 3, RejectionCode.SEVERAL_TICKETS, "T1"),
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
    assert acknowledgeable([message], outcomes) == [message]
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
    assert row.rejection.code is RejectionCode.EMPTY_TEXT


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
