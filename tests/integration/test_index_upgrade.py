"""From the four indexes of version 1 to the two of today, one index an update, with its rows in the table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from upgrade_indexes import NEW, OLD, STEPS, TEMPLATE, template_of

from ticketmill.aws.clients import Clients
from ticketmill.aws.dynamodb import DynamoTicketRows
from ticketmill.aws.reindex import reindex
from ticketmill.aws.ticket_index import DynamoTicketIndex
from ticketmill.deploy.stack import CAPABILITIES, Stack, find_stack, wait
from ticketmill.domain.errors import SetupError
from ticketmill.queries.filters import Filters
from ticketmill.queries.tickets import TicketQueries

UPLOADED = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
SINCE = UPLOADED - timedelta(days=7)


def old_item(ticket_id: str, **more: dict[str, Any]) -> dict[str, Any]:
    """A row as version 1 wrote it."""
    raw = {
        "bucket": {"S": "raw"},
        "key": {"S": f"tickets/{ticket_id}.json"},
        "version_id": {"S": "v1"},
        "etag": {"S": "e"},
        "last_modified": {"S": "2026-11-21T09:30:00.000000Z"},
    }
    return {
        "ticket_id": {"S": ticket_id},
        "status": {"S": "enriched"},
        "revision": {"N": "3"},
        "raw": {"M": raw},
        "content_hash": {"S": "0f"},
        "urgency": {"S": "high"},
        "processed_at": {"S": "2026-11-21T09:30:01.000000Z"},
        "received_at": {"S": "2026-11-21T09:30:00.000000Z"},
        "urgency_day": {"S": "high#2026-11-21"},
        "status_day": {"S": "enriched#2026-11-21"},
        **more,
    }


@pytest.fixture
def old_stack(clients: Clients, stack_name: str, parameters: dict[str, str]) -> Iterator[Stack]:
    """As version 1 deployed it."""
    if parameters:
        pytest.skip("the table is at another endpoint, and not a part of the stack")
    body = template_of(0, TEMPLATE.read_text(encoding="utf-8"))
    clients.cloudformation.create_stack(StackName=stack_name, TemplateBody=body, Capabilities=CAPABILITIES)
    wait(clients, stack_name)
    yield find_stack(clients, stack_name)
    clients.cloudformation.delete_stack(StackName=stack_name)


def indexes(clients: Clients, stack: Stack) -> set[str]:
    table = clients.dynamodb.describe_table(TableName=stack.table)["Table"]
    return {index["IndexName"] for index in table["GlobalSecondaryIndexes"]}


def queries(clients: Clients, stack: Stack) -> TicketQueries:
    index = DynamoTicketIndex(clients.dynamodb, stack.table)
    return TicketQueries(index, DynamoTicketRows(clients.dynamodb, stack.table))


def test_a_stack_of_version_1_is_upgraded_step_by_step(
    clients: Clients, old_stack: Stack, stack_name: str
) -> None:
    stack, template = old_stack, TEMPLATE.read_text(encoding="utf-8")
    for ticket_id in ("T1", "T2", "T3"):
        clients.dynamodb.put_item(TableName=stack.table, Item=old_item(ticket_id))
    with pytest.raises(SetupError, match="has no index by_time: upgrade the stack"):
        queries(clients, stack).list(Filters(), SINCE)

    steps = [template_of(step, template) for step in range(1, len(STEPS))]
    for number, body in enumerate([*steps, template], start=1):
        clients.cloudformation.update_stack(
            StackName=stack_name, TemplateBody=body, Capabilities=CAPABILITIES
        )
        wait(clients, stack_name)
        assert indexes(clients, stack) == (set(STEPS[number]) if number < len(STEPS) else set(NEW))
        if number == 2:
            assert list(reindex(clients.dynamodb, stack.table)) == [True] * 3

    page = queries(clients, stack).list(Filters({"urgency": ("high",)}), SINCE)
    assert {row.ticket_id for row in page.rows} == {"T1", "T2", "T3"}
    assert queries(clients, stack).count_statuses(SINCE)["enriched"] == 3
    item = clients.dynamodb.get_item(TableName=stack.table, Key={"ticket_id": {"S": "T1"}})["Item"]
    assert not item.keys() & set(OLD)
    assert item["revision"] == {"N": "3"}
    assert list(reindex(clients.dynamodb, stack.table)) == []


def test_a_row_that_cannot_be_read_is_named_and_left(
    clients: Clients, stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    clients.dynamodb.put_item(TableName=stack.table, Item=old_item("T1", processed_at={"S": "later"}))
    clients.dynamodb.put_item(TableName=stack.table, Item=old_item("T2"))
    assert sorted(reindex(clients.dynamodb, stack.table)) == [False, True]
    assert "ticket T1 is left out: a row in DynamoDB cannot be read: processed_at" in caplog.text
    assert [row.ticket_id for row in queries(clients, stack).list(Filters(), SINCE).rows] == ["T2"]


def test_a_row_that_changes_meanwhile_is_left_to_its_writer(clients: Clients, stack: Stack) -> None:
    clients.dynamodb.put_item(TableName=stack.table, Item=old_item("T1"))

    class Writing:
        """Another writer comes before each update."""

        def __getattr__(self, name: str) -> Any:
            return getattr(clients.dynamodb, name)

        def update_item(self, **asked: Any) -> Any:
            newer = old_item("T1", revision={"N": "4"})
            clients.dynamodb.put_item(TableName=stack.table, Item=newer)
            return clients.dynamodb.update_item(**asked)

    client: Any = Writing()
    assert list(reindex(client, stack.table)) == [False]
