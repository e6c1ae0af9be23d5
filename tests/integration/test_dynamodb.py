from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rows_contract import TicketRowsContract, row

from ticketmill.aws.clients import Clients
from ticketmill.aws.dynamodb import DynamoTicketRows, item_of
from ticketmill.deploy.stack import Stack
from ticketmill.domain.errors import TransientFailure


@pytest.fixture
def rows(clients: Clients, stack: Stack) -> DynamoTicketRows:
    return DynamoTicketRows(clients.dynamodb, stack.table)


class TestDynamoTicketRows(TicketRowsContract):
    """The same as in memory, on DynamoDB."""


def raw_item(clients: Clients, stack: Stack, ticket_id: str) -> dict[str, Any]:
    found = clients.dynamodb.get_item(TableName=stack.table, Key={"ticket_id": {"S": ticket_id}})
    return dict(found["Item"])


def test_what_others_put_on_a_row_outlives_every_write(
    rows: DynamoTicketRows, clients: Clients, stack: Stack
) -> None:
    rows.put(row(summary="A summary."), replaces=None)
    clients.dynamodb.update_item(
        TableName=stack.table,
        Key={"ticket_id": {"S": "TKT-001"}},
        UpdateExpression="SET label_urgency = :label",
        ExpressionAttributeValues={":label": {"M": {"label": {"S": "low"}, "by": {"S": "ann"}}}},
    )
    seen = rows.get("TKT-001")
    assert seen is not None
    assert seen.model_extra == {"label_urgency": {"label": "low", "by": "ann"}}
    assert rows.put(row(revision=2), replaces=seen)
    assert rows.put(row(revision=2), replaces=seen), "sent again because its answer was lost"
    item = raw_item(clients, stack, "TKT-001")
    assert item["label_urgency"] == {"M": {"label": {"S": "low"}, "by": {"S": "ann"}}}
    assert "summary" not in item


def test_one_row_that_cannot_be_read_keeps_no_other_from_it(
    rows: DynamoTicketRows, clients: Clients, stack: Stack
) -> None:
    rows.put(row(), replaces=None)
    broken = {**item_of(row("TKT-002")), "windows": {"S": "secret"}}
    clients.dynamodb.put_item(TableName=stack.table, Item=broken)
    found = rows.get_many(["TKT-001", "TKT-002"])
    assert set(found) == {"TKT-001"}
    with pytest.raises(TransientFailure, match="windows") as failure:
        found.row_of("TKT-002")
    assert failure.value.code == "unreadable_row"
    assert "secret" not in str(failure.value)


def test_many_rows_are_read_at_once_and_only_those_that_exist(rows: DynamoTicketRows) -> None:
    for number in range(120):
        assert rows.put(row(f"TKT-{number}"), replaces=None)
    wanted = [f"TKT-{number}" for number in range(150)]
    found = rows.get_many([*wanted, "TKT-0"])
    assert set(found) == {f"TKT-{number}" for number in range(120)}
    assert found["TKT-7"].ticket_id == "TKT-7"
    assert rows.get_many([]) == {}


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
def throttled(clients: Clients, stack: Stack) -> Callable[[int], DynamoTicketRows]:
    def of(times: int) -> DynamoTicketRows:
        client: Any = Throttled(clients.dynamodb, times)
        return DynamoTicketRows(client, stack.table, sleep=lambda _: None)

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
