"""The label journal in the learning table, and the rows that it is in step with.

pk `label#<ticket id>`, sk the correction's number: a ticket's corrections are one query, and a number is
taken once. One transaction appends corrections and writes what a person says onto the row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ticketmill.aws.attributes import attribute_of, value_of
from ticketmill.aws.clients import error_code
from ticketmill.aws.dynamodb import transient
from ticketmill.domain.effective_row import index_attributes
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.keys import JOURNAL_PREFIX, journal_key, journal_position
from ticketmill.domain.label import Correction
from ticketmill.domain.row import TicketRow

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from ticketmill.aws.dynamodb import Item

_CANCELLED = "TransactionCanceledException"
_ANOTHER_WRITER = frozenset({"ConditionalCheckFailed", "TransactionConflict"})
_KEYS = ("pk", "sk")


class DynamoLabelJournal:
    """The corrections of one place. Every method raises TransientFailure where DynamoDB fails."""

    def __init__(self, dynamodb: DynamoDBClient, learning_table: str, tickets_table: str) -> None:
        self._dynamodb = dynamodb
        self._learning_table = learning_table
        self._tickets_table = tickets_table

    def of_ticket(self, ticket_id: str) -> list[Correction]:
        """A ticket's corrections in the order of their numbers, read consistently."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._learning_table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": journal_key(ticket_id)}},
        )
        with transient("reading the label journal"):
            return [_correction(item) for page in pages for item in page["Items"]]

    def walk(self) -> Iterator[Correction]:
        """Every correction; those of a ticket stand together, in the order of their numbers."""
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._learning_table,
            FilterExpression="begins_with(pk, :prefix)",
            ExpressionAttributeValues={":prefix": {"S": JOURNAL_PREFIX}},
        )
        with transient("scanning the label journal"):
            for page in pages:
                yield from map(_correction, page["Items"])

    def append(self, corrections: Sequence[Correction], row: TicketRow, replaces: TicketRow) -> bool:
        """Appends `corrections` and writes `person`, facets and revision of `row`, both or neither.

        False, and nothing written, where the row is not `replaces` any more, or a number is taken. A write
        that arrived though its answer was lost, and was sent again, is ours: True.
        """
        items = [_item(each) for each in corrections]
        requests: Any = [*map(self._append, items), self._update(row, replaces.revision)]
        with transient("writing a correction to DynamoDB"):
            try:
                self._dynamodb.transact_write_items(TransactItems=requests)
            except ClientError as error:
                if error_code(error) != _CANCELLED:
                    raise
                return _is_ours(_reasons(error), items)
        return True

    def remove(self, ticket_id: str) -> int:
        """Removes a ticket's corrections; how many there were."""
        corrections = self.of_ticket(ticket_id)
        for each in corrections:
            key = {"pk": {"S": journal_key(ticket_id)}, "sk": {"S": journal_position(each.number)}}
            with transient("deleting a correction from DynamoDB"):
                self._dynamodb.delete_item(TableName=self._learning_table, Key=key)
        return len(corrections)

    def _append(self, item: Item) -> dict[str, Any]:
        return {
            "Put": {
                "TableName": self._learning_table,
                "Item": item,
                "ConditionExpression": "attribute_not_exists(pk)",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def _update(self, row: TicketRow, revision: int) -> dict[str, Any]:
        """Sets what a person says and what derives from it; no attribute of the models."""
        values = {"revision": row.revision, **index_attributes(row)}
        if row.person:
            values["person"] = row.person
        sets = ", ".join(f"#{name} = :{name}" for name in values)
        return {
            "Update": {
                "TableName": self._tickets_table,
                "Key": {"ticket_id": {"S": row.ticket_id}},
                "UpdateExpression": f"SET {sets}" + ("" if row.person else " REMOVE #person"),
                "ConditionExpression": "#revision = :replaced",
                "ExpressionAttributeNames": {f"#{name}": name for name in {*values, "person"}},
                "ExpressionAttributeValues": {
                    **{f":{name}": attribute_of(value) for name, value in values.items()},
                    ":replaced": {"N": str(revision)},
                },
            }
        }


def _reasons(error: ClientError) -> list[Mapping[str, Any]]:
    """Why each part of a transaction was cancelled. TransientFailure where no other writer is why."""
    reasons: Any = error.response.get("CancellationReasons", [])
    codes = {each.get("Code", "None") for each in reasons} - {"None"}
    if not codes or codes - _ANOTHER_WRITER:
        code = min(codes - _ANOTHER_WRITER, default=_CANCELLED)
        raise TransientFailure(f"writing a correction to DynamoDB: {code}", code, "dynamodb") from error
    return list(reasons)


def _is_ours(reasons: Sequence[Mapping[str, Any]], items: Sequence[Item]) -> bool:
    """Whether the journal holds these very corrections already."""
    return bool(items) and all(
        reason.get("Item") == item for reason, item in zip(reasons, items, strict=False)
    )


def _item(correction: Correction) -> Item:
    return {
        "pk": {"S": journal_key(correction.ticket_id)},
        "sk": {"S": journal_position(correction.number)},
        **{name: attribute_of(value) for name, value in correction if value is not None and value != ()},
    }


def _correction(item: Mapping[str, Any]) -> Correction:
    return Correction.model_validate(
        {name: value_of(value) for name, value in item.items() if name not in _KEYS}
    )
