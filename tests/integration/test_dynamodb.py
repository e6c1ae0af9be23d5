from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from ticketmill.aws import dynamodb
from ticketmill.aws.clients import Clients
from ticketmill.aws.dynamodb import DynamoTicketRows
from ticketmill.deploy.stack import Stack
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.labels import Status, Urgency
from ticketmill.domain.row import RawVersion, TicketRow

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def row(ticket_id: str = "TKT-001", received_at: datetime = NOON, **fields: Any) -> TicketRow:
    raw = RawVersion(
        bucket="raw", key=f"tickets/{ticket_id}.json", version_id="v1", etag="e", last_modified=received_at
    )
    defaults: dict[str, Any] = {"status": Status.ENRICHED, "urgency": Urgency.HIGH}
    return TicketRow(
        ticket_id=ticket_id, raw=raw, content_hash="ab", processed_at=NOON, **{**defaults, **fields}
    )


@pytest.fixture
def rows(clients: Clients, stack: Stack) -> DynamoTicketRows:
    return DynamoTicketRows(clients.dynamodb, stack.table)


def test_a_row_is_read_as_it_was_written(rows: DynamoTicketRows) -> None:
    written = row(subject="Grüße 🎻", urgency_confidence=0.8125)
    assert rows.put(written, replaces=None)
    assert rows.get("TKT-001") == written
    assert rows.get("TKT-002") is None


def test_many_rows_are_read_at_once_and_only_those_that_exist(rows: DynamoTicketRows) -> None:
    for number in range(120):
        assert rows.put(row(f"TKT-{number}"), replaces=None)
    wanted = [f"TKT-{number}" for number in range(150)]
    found = rows.get_many([*wanted, "TKT-0"])
    assert set(found) == {f"TKT-{number}" for number in range(120)}
    assert found["TKT-7"].ticket_id == "TKT-7"
    assert rows.get_many([]) == {}


def test_of_two_first_writers_the_second_is_told_that_it_lost(rows: DynamoTicketRows) -> None:
    assert rows.put(row(subject="first"), replaces=None)
    assert not rows.put(row(subject="second"), replaces=None)
    found = rows.get("TKT-001")
    assert found is not None
    assert found.subject == "first"


def test_a_row_is_replaced_only_by_who_has_seen_its_revision(rows: DynamoTicketRows) -> None:
    first = row()
    second = row(subject="second", revision=2)
    assert rows.put(first, replaces=None)
    assert rows.put(second, replaces=first)
    assert not rows.put(row(subject="late", revision=2), replaces=first)
    assert rows.put(row(subject="third", revision=3), replaces=second)


def test_a_row_that_is_gone_is_not_replaced(rows: DynamoTicketRows) -> None:
    assert not rows.put(row(revision=2), replaces=row())
    assert rows.get("TKT-001") is None


def test_a_write_sent_again_because_its_answer_was_lost_is_ours(rows: DynamoTicketRows) -> None:
    first, second = row(), row(subject="second", revision=2)
    assert rows.put(first, replaces=None)
    assert rows.put(first, replaces=None)
    assert rows.put(second, replaces=first)
    assert rows.put(second, replaces=first)


class Throttled:
    """A client that leaves the last key of a batch unread, `times` times."""

    def __init__(self, real: Any, times: int) -> None:
        self._real = real
        self._times = times

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        if not self._times:
            answer: dict[str, Any] = self._real.batch_get_item(RequestItems=RequestItems)
            return answer
        self._times -= 1
        ((table, asked),) = RequestItems.items()
        *read, unread = asked["Keys"]
        answer = {"Responses": {}}
        if read:
            answer = self._real.batch_get_item(RequestItems={table: {**asked, "Keys": read}})
        return {**answer, "UnprocessedKeys": {table: {**asked, "Keys": [unread]}}}


@pytest.fixture
def throttled(
    clients: Clients, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int], DynamoTicketRows]:
    monkeypatch.setattr(dynamodb, "FIRST_BACKOFF_S", 0.001)

    def of(times: int) -> DynamoTicketRows:
        client: Any = Throttled(clients.dynamodb, times)
        return DynamoTicketRows(client, stack.table)

    return of


def test_keys_that_were_left_unread_are_asked_for_again(
    rows: DynamoTicketRows, throttled: Callable[[int], DynamoTicketRows]
) -> None:
    for ticket_id in ("TKT-1", "TKT-2", "TKT-3"):
        rows.put(row(ticket_id), replaces=None)
    assert set(throttled(3).get_many(["TKT-1", "TKT-2", "TKT-3"])) == {"TKT-1", "TKT-2", "TKT-3"}


def test_keys_that_stay_unread_end_in_a_transient_failure(
    throttled: Callable[[int], DynamoTicketRows],
) -> None:
    with pytest.raises(TransientFailure, match="left unread"):
        throttled(1000).get_many(["TKT-1"])


def test_a_failure_of_dynamodb_is_transient_and_names_its_code(clients: Clients) -> None:
    nowhere = DynamoTicketRows(clients.dynamodb, "no-such-table")
    with pytest.raises(TransientFailure, match="writing a row to DynamoDB: ResourceNotFoundException"):
        nowhere.put(row(), replaces=None)
