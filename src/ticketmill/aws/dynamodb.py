"""The table of the rows, and how a row becomes an item and comes back."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from pydantic import ValidationError

from ticketmill.aws.clients import error_code, transient
from ticketmill.domain.errors import UNREADABLE_ROW, TransientFailure
from ticketmill.domain.keys import utc_text
from ticketmill.domain.row import TicketRow

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, KeysAndAttributesOutputTypeDef

MAX_BATCH_GET = 100
MAX_ATTEMPTS = 6  # of one batch; with the backoff below at most 3 s in all
FIRST_BACKOFF_S = 0.1

_DIGITS = 4  # of confidences and milliseconds: more would only lengthen the rows
_CONDITION_FAILED = "ConditionalCheckFailedException"

Item = dict[str, "AttributeValueTypeDef"]


class DynamoTicketRows:
    """The table of the rows. Every method raises TransientFailure where DynamoDB fails."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def get_many(self, ticket_ids: Iterable[str]) -> dict[str, TicketRow]:
        """The rows that exist, read consistently."""
        wanted = list(dict.fromkeys(ticket_ids))
        rows: dict[str, TicketRow] = {}
        for start in range(0, len(wanted), MAX_BATCH_GET):
            for item in self._get_batch(wanted[start : start + MAX_BATCH_GET]):
                row = row_from(item)
                rows[row.ticket_id] = row
        return rows

    def get(self, ticket_id: str) -> TicketRow | None:
        """The row of a ticket, read consistently."""
        with transient("reading a row from DynamoDB"):
            answer = self._dynamodb.get_item(
                TableName=self._table, Key={"ticket_id": {"S": ticket_id}}, ConsistentRead=True
            )
        return row_from(answer["Item"]) if "Item" in answer else None

    def put(self, row: TicketRow, replaces: TicketRow | None) -> bool:
        """Writes `row` in the place of `replaces` (None: where no row was).

        `row.revision` must be one more than that of `replaces`. False, and nothing written, where another
        writer came first. A write that arrived though its answer was lost, and was sent again, is ours: True.
        """
        item = item_of(row)
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(ticket_id)"}
        if replaces is not None:
            condition = {
                "ConditionExpression": "#revision = :replaced",
                "ExpressionAttributeNames": {"#revision": "revision"},
                "ExpressionAttributeValues": {":replaced": {"N": str(replaces.revision)}},
            }
        with transient("writing a row to DynamoDB"):
            try:
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item=item,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **condition,
                )
            except ClientError as error:
                if error_code(error) != _CONDITION_FAILED:
                    raise
                standing: Any = error.response.get("Item")
                return bool(standing) and row_from(standing) == row_from(item)
        return True

    def _get_batch(self, ticket_ids: list[str]) -> Iterator[Item]:
        """The items of up to 100 ids. DynamoDB may leave some unread; those are asked for again."""
        keys: Mapping[str, KeysAndAttributesOutputTypeDef] = {
            self._table: {
                "Keys": [{"ticket_id": {"S": ticket_id}} for ticket_id in ticket_ids],
                "ConsistentRead": True,
            }
        }
        for attempt in range(MAX_ATTEMPTS):
            if attempt:
                time.sleep(FIRST_BACKOFF_S * 2 ** (attempt - 1) * random.uniform(0.5, 1))  # noqa: S311
            with transient("reading rows from DynamoDB"):
                answer = self._dynamodb.batch_get_item(RequestItems=keys)
            yield from answer["Responses"].get(self._table, [])
            keys = answer.get("UnprocessedKeys") or {}
            if not keys:
                return
        raise TransientFailure(f"reading rows from DynamoDB: some left unread {MAX_ATTEMPTS} times")


def item_of(row: TicketRow) -> Item:
    """The item of a row: its fields as attributes, and the keys of the indexes.

    None and empty collections are left out, times become UTC text of one width, which sorts, and floats are
    rounded to 4 digits.
    """
    fields = {name: value for name, value in row if value is not None and value not in ((), {})}
    return {
        **{name: _attribute(value) for name, value in fields.items()},
        **{name: _attribute(value) for name, value in row.index_attributes().items()},
        "received_at": _attribute(row.received_at),
    }


def row_from(item: Mapping[str, AttributeValueTypeDef]) -> TicketRow:
    """The row of an item; attributes that are no fields of a row are passed over.

    Raises TransientFailure where another version wrote what this one cannot read: an update may mend it.
    """
    known = {name: _value(found) for name, found in item.items() if name in TicketRow.model_fields}
    try:
        return TicketRow.model_validate(known)
    except ValidationError as error:
        names = sorted({str(fault["loc"][0]) if fault["loc"] else "?" for fault in error.errors()})
        raise TransientFailure(
            f"a row in DynamoDB cannot be read: {', '.join(names)}", UNREADABLE_ROW
        ) from None


def _attribute(value: Any) -> AttributeValueTypeDef:
    match value:
        case str():
            return {"S": str(value)}  # an enum's value, where it is one
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case float():
            return {"N": str(round(value, _DIGITS))}
        case datetime():
            return {"S": utc_text(value)}
        case frozenset():
            return {"SS": sorted(value)}
        case dict():
            return {"M": {name: _attribute(inner) for name, inner in value.items()}}
        case list() | tuple():
            return {"L": [_attribute(inner) for inner in value]}
        case _:  # a part of the row that is a model of its own
            return {"M": {name: _attribute(inner) for name, inner in value}}


def _value(attribute: AttributeValueTypeDef) -> Any:
    (kind, value), *_ = attribute.items()
    match kind:
        case "N":
            digits = str(value)
            return int(digits) if digits.lstrip("-").isdigit() else float(digits)
        case "NULL":
            return None
        case "L":
            return [_value(inner) for inner in attribute["L"]]
        case "M":
            return {name: _value(inner) for name, inner in attribute["M"].items()}
        case _:
            return value
