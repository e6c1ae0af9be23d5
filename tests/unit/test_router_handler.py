"""The Lambda function that routes: what it answers for records of the stream and for messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rows_contract import row
from test_change_stream import record

from ticketmill.domain.change import Change
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import Message
from ticketmill.entrypoints.router_handler import RouterFunction
from ticketmill.operations.delivery import DeliveryOutcome, DeliveryResult


def sqs_record(message_id: str) -> dict[str, Any]:
    attributes = {"ApproximateReceiveCount": "2", "SentTimestamp": "1700000000000"}
    return {
        "eventSource": "aws:sqs",
        "messageId": message_id,
        "receiptHandle": f"r-{message_id}",
        "body": "{}",
        "attributes": attributes,
    }


def never(_: Any) -> Any:
    raise AssertionError("must not be called")


def test_changes_of_tickets_are_sent_on() -> None:
    sent: list[str] = []

    def send(changes: Sequence[Change]) -> int:
        sent.extend(each.after.ticket_id for each in changes)
        return len(changes)

    records = [
        record(None, row(), number=1),
        record(row(), None, number=2),
        record(None, row("T2"), number=3),
    ]
    assert RouterFunction(send, never).invoke(records) == {"batchItemFailures": []}
    assert sent == ["TKT-001", "T2"]


def test_where_they_cannot_be_sent_all_records_come_again() -> None:
    def send(_: Sequence[Change]) -> int:
        raise TransientFailure("the queue is down")

    records = [record(None, row(), number=11), record(None, row("T2"), number=12)]
    answer = RouterFunction(send, never).invoke(records)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "11"}]}


def test_only_messages_that_were_not_delivered_come_again() -> None:
    def deliver(messages: Sequence[Message]) -> list[DeliveryOutcome]:
        first, second = messages
        assert (first.receive_count, first.receipt) == (2, "r-m1")
        return [
            DeliveryOutcome(first, DeliveryResult.DELIVERED),
            DeliveryOutcome(second, DeliveryResult.FAILED, delay_s=20),
        ]

    answer = RouterFunction(never, deliver).invoke([sqs_record("m1"), sqs_record("m2")])
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m2"}]}
