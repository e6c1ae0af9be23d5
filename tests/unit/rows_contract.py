"""What every table of rows keeps to: DynamoDB and its sister in memory run these tests alike."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Protocol

from ticketmill.domain.labels import Status, Urgency
from ticketmill.domain.row import Failure, RawVersion, TicketRow
from ticketmill.operations.ports import ErasableRows
from ticketmill.pipeline.ports import TicketRows

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
FAILURE = Failure(
    code="SlowDown",
    message="storing an enrichment in S3: SlowDown",
    attempts=2,
    key="tickets/TKT-001.json",
    failed_at=NOON,
)


def row(ticket_id: str = "TKT-001", received_at: datetime = NOON, **fields: Any) -> TicketRow:
    raw = RawVersion(
        bucket="raw", key=f"tickets/{ticket_id}.json", version_id="v1", etag="e", last_modified=received_at
    )
    defaults: dict[str, Any] = {"status": Status.ENRICHED, "urgency": Urgency.HIGH}
    return TicketRow(
        ticket_id=ticket_id, raw=raw, content_hash="ab", processed_at=NOON, **{**defaults, **fields}
    )


def stored(rows: TicketRows, ticket_id: str = "TKT-001") -> TicketRow:
    found = rows.get_many([ticket_id]).row_of(ticket_id)
    assert found is not None
    return found


class ErasableTicketRows(TicketRows, ErasableRows, Protocol):
    """Rows that can be removed."""


class TicketRowsContract:
    """A subclass gives the fixture `rows`, an empty table."""

    def test_a_row_is_read_as_it_was_written(self, rows: TicketRows) -> None:
        written = row(subject="Grüße 🎻", urgency_confidence=0.8125, serving_serial=3)
        assert rows.put(written, replaces=None)
        assert rows.get_many(["TKT-001", "TKT-002"]) == {"TKT-001": written}
        assert rows.get_many(["TKT-002"]).row_of("TKT-002") is None
        assert rows.get_many([]) == {}

    def test_of_two_first_writers_the_second_is_told_that_it_lost(self, rows: TicketRows) -> None:
        assert rows.put(row(subject="first"), replaces=None)
        assert not rows.put(row(subject="second"), replaces=None)
        assert stored(rows).subject == "first"

    def test_a_row_is_replaced_only_by_who_has_seen_its_revision(self, rows: TicketRows) -> None:
        first = row()
        second = row(subject="second", revision=2)
        assert rows.put(first, replaces=None)
        assert rows.put(second, replaces=first)
        assert not rows.put(row(subject="late", revision=2), replaces=first)
        assert rows.put(row(subject="third", revision=3), replaces=second)
        assert stored(rows).subject == "third"

    def test_a_row_that_is_gone_is_not_replaced(self, rows: TicketRows) -> None:
        assert not rows.put(row(revision=2), replaces=row())
        assert rows.get_many(["TKT-001"]) == {}

    def test_a_write_sent_again_because_its_answer_was_lost_is_ours(self, rows: TicketRows) -> None:
        first, second = row(), row(subject="second", urgency_confidence=0.123456, revision=2)
        assert rows.put(first, replaces=None)
        assert rows.put(first, replaces=None)
        assert rows.put(second, replaces=first)
        assert rows.put(second, replaces=first)

    def test_what_a_row_no_longer_says_is_gone(self, rows: TicketRows) -> None:
        first = row(summary="A summary.", tags=("vip",), failure=FAILURE)
        assert rows.put(first, replaces=None)
        assert rows.put(row(revision=2), replaces=first)
        found = stored(rows)
        assert (found.summary, found.tags, found.failure) == (None, (), None)

    def test_a_failure_is_noted_beside_all_that_a_row_says(self, rows: TicketRows) -> None:
        first = row(subject="first")
        rows.put(first, replaces=None)
        assert rows.note_failure("TKT-001", FAILURE)
        assert stored(rows) == first.model_copy(update={"failure": FAILURE})

    def test_a_note_does_not_keep_a_writer_from_replacing_the_row_that_it_saw(self, rows: TicketRows) -> None:
        first = row()
        rows.put(first, replaces=None)
        rows.note_failure("TKT-001", FAILURE)
        assert rows.put(row(revision=2), replaces=first)
        assert stored(rows).failure is None

    def test_a_failure_is_noted_on_no_row_that_is_not_there_or_of_another_key(self, rows: TicketRows) -> None:
        assert not rows.note_failure("TKT-001", FAILURE)
        assert rows.get_many(["TKT-001"]) == {}
        rows.put(row(), replaces=None)
        assert not rows.note_failure("TKT-001", FAILURE, made_from="tickets/other.json")
        assert stored(rows).failure is None
        assert rows.note_failure("TKT-001", FAILURE, made_from="tickets/TKT-001.json")
        assert stored(rows).failure == FAILURE

    def test_a_deleted_row_is_gone_and_can_be_made_again(self, rows: ErasableTicketRows) -> None:
        rows.put(row(), replaces=None)
        rows.put(row("TKT-002"), replaces=None)
        assert rows.delete("TKT-001")
        assert not rows.delete("TKT-001")
        assert set(rows.get_many(["TKT-001", "TKT-002"])) == {"TKT-002"}
        assert rows.put(row(), replaces=None)
