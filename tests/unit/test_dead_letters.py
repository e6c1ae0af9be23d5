"""Why dead letters are there: the reason of each, over ports in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from dead_letter_queue import UNREADABLE, DeadLetterWorld, failure, letters
from fakes import BUCKET, NOW, announce, encode_backfill, ticket

from ticketmill.domain.backfill import Selection
from ticketmill.domain.errors import RejectionCode, TransientFailure
from ticketmill.domain.labels import Status
from ticketmill.domain.message import BackfillRequest, Message, Upload, Uploads
from ticketmill.domain.row import Rejection
from ticketmill.operations.dead_letter import Reason
from ticketmill.operations.hold import HOLD_S


@pytest.fixture
def world() -> Iterator[DeadLetterWorld]:
    made = DeadLetterWorld()
    yield made
    made.executor.shutdown()


def test_listing_looks_at_every_message_and_leaves_each_where_it_was(world: DeadLetterWorld) -> None:
    world.fill(*letters(23))
    assert len(world.look()) == 23
    assert sorted(world.visible_ids()) == sorted(each.message_id for each in letters(23))
    assert world.queue.in_flight == {}
    assert (world.queue.gone, world.sent) == ([], [])
    assert world.queue.held_for_s == {HOLD_S}


def test_a_message_that_announces_nothing_known_is_unreadable_and_says_why(world: DeadLetterWorld) -> None:
    world.fill(UNREADABLE)
    (letter,) = world.look()
    assert letter.reason == Reason.UNREADABLE_MESSAGE
    assert letter.problem == "expected a list of keys"


def test_a_message_that_announces_nothing_to_do_is_settled(world: DeadLetterWorld) -> None:
    world.fill(announce())
    assert world.reasons() == {"m": Reason.SETTLED}


def test_the_reason_is_the_code_of_the_failure_on_the_row(world: DeadLetterWorld) -> None:
    world.fill(world.raw.drop("tickets/T1.json", ticket("T1")))
    world.write_row("T1", "tickets/T1.json", failure=failure("tickets/T1.json"))
    (letter,) = world.look()
    assert (letter.reason, letter.findings[0].ticket_id) == ("EncoderFailed", "T1")
    assert "redrive" in letter.next_step


def test_a_ticket_whose_key_is_not_made_of_its_id_is_found_by_its_object(world: DeadLetterWorld) -> None:
    world.fill(world.raw.drop("tickets/2026/export.json", ticket("T1")))
    world.write_row("T1", "tickets/2026/export.json", failure=failure("tickets/2026/export.json"))
    (letter,) = world.look()
    assert letter.reason == "EncoderFailed"
    assert letter.is_called("T1")
    assert letter.is_called("m1")
    assert not letter.is_called("2026/export")


def test_a_message_is_called_by_the_id_that_its_helpdesk_gave_the_ticket(world: DeadLetterWorld) -> None:
    world.fill(world.raw.drop("tickets/x.json", ticket("#1042")))
    (letter,) = world.look()
    assert letter.is_called("#1042")
    assert letter.is_called("esc:=231042")
    assert not letter.is_called("1042")


def test_the_failure_of_another_object_of_the_same_ticket_explains_nothing(world: DeadLetterWorld) -> None:
    world.fill(world.raw.drop("tickets/T1.json", ticket("T1")))
    world.write_row("T1", "tickets/other.json", failure=failure("tickets/other.json"))
    assert world.reasons() == {"m1": Reason.UNKNOWN}


def test_without_a_row_or_a_word_on_it_the_reason_is_unknown(world: DeadLetterWorld) -> None:
    world.fill(announce("tickets/T1.json", message_id="no-row"), announce("tickets/T2.json"))
    world.write_row("T2", "tickets/T2.json")
    assert world.reasons() == {"no-row": Reason.UNKNOWN, "m": Reason.UNKNOWN}


def test_a_rejected_upload_is_told_by_the_code_of_its_rejection(world: DeadLetterWorld) -> None:
    world.fill(world.raw.drop("tickets/T1.json", b"{"))
    rejection = Rejection(
        code=RejectionCode.NOT_JSON, message="…", field=None, key="tickets/T1.json", rejected_at=NOW
    )
    world.write_row("T1", "tickets/T1.json", Status.REJECTED, rejection=rejection)
    (letter,) = world.look()
    assert letter.reason == "not_json"
    assert "upload it again" in letter.next_step


@pytest.mark.parametrize("status", [Status.ENRICHED, Status.PARTIAL])
def test_a_ticket_enriched_in_the_meantime_is_settled(world: DeadLetterWorld, status: Status) -> None:
    world.fill(world.raw.drop("tickets/T1.json", ticket("T1")))
    world.write_row("T1", "tickets/T1.json", status)
    (letter,) = world.look()
    assert (letter.reason, letter.next_step) == (Reason.SETTLED, "delete it")


def test_an_enrichment_of_an_older_upload_of_the_key_settles_nothing(world: DeadLetterWorld) -> None:
    world.raw.drop("tickets/T1.json", ticket("T1"))
    world.write_row("T1", "tickets/T1.json", Status.ENRICHED)
    world.fill(world.raw.drop("tickets/T1.json", ticket("T1", body="Still on fire.")))
    assert world.reasons() == {"m2": Reason.UNKNOWN}


def refuse(*_: object) -> None:
    raise TransientFailure("fetching a ticket from S3: InvalidRequest", "InvalidRequest")


def test_an_object_that_the_bucket_refuses_is_not_settled_and_hides_no_other(world: DeadLetterWorld) -> None:
    world.fill(world.raw.drop("tickets/T1.json", ticket("T1")), announce("tickets/T2.json"), UNREADABLE)
    world.write_row("T1", "tickets/T1.json", Status.ENRICHED, failure=failure("tickets/T1.json", "refused"))
    world.raw.is_current = refuse  # type: ignore[assignment, method-assign]
    world.raw.fetch = refuse  # type: ignore[assignment, method-assign]
    assert world.reasons() == {
        "m1": "refused",
        "m": "InvalidRequest",
        "poison": Reason.UNREADABLE_MESSAGE,
    }


def test_a_message_is_settled_only_when_all_of_its_uploads_are(world: DeadLetterWorld) -> None:
    world.raw.drop("tickets/T1.json", ticket("T1"))
    world.write_row("T1", "tickets/T1.json", Status.ENRICHED)
    world.write_row("T2", "tickets/T2.json", failure=failure("tickets/T2.json", "Throttled"))
    world.fill(announce("tickets/T1.json", "tickets/T2.json"))
    assert world.reasons() == {"m": "Throttled"}


def test_a_failed_backfill_is_told_apart_from_what_is_settled(world: DeadLetterWorld) -> None:
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
    world: DeadLetterWorld, code: str, next_step: str
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


def test_records_that_were_skipped_are_told_and_hide_no_other(world: DeadLetterWorld) -> None:
    upload = Upload(BUCKET, "tickets/T1.json", "tickets/T1.json")
    world.decode = lambda _body: Uploads((upload,), skipped=("expected records of S3",))
    world.fill(announce())
    (letter,) = world.look()
    assert letter.skipped == ("expected records of S3",)
    assert [each.ticket_id for each in letter.findings] == ["T1"]
