"""The table of the rows, and how a row becomes an item and comes back."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from pydantic import ValidationError

from ticketmill.aws import clients
from ticketmill.aws.attributes import attribute_of, value_of
from ticketmill.aws.clients import error_code
from ticketmill.domain.effective_row import index_attributes, is_misindexed
from ticketmill.domain.errors import UNREADABLE_ROW, TransientFailure
from ticketmill.domain.records import FIRST_SCHEMA_VERSION
from ticketmill.domain.row import INDEX_ATTRIBUTES, RETIRED_ATTRIBUTES, Failure, FoundRows, TicketRow

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, KeysAndAttributesOutputTypeDef

transient = partial(clients.transient, dependency="dynamodb")

MAX_BATCH_GET = 100
MAX_ATTEMPTS = 6  # of one batch; with the backoff below at most 3 s in all
FIRST_BACKOFF_S = 0.1

DERIVED = frozenset({"received_at", *INDEX_ATTRIBUTES, *RETIRED_ATTRIBUTES})
"""Attributes that are computed from the others, for the indexes."""
FOREIGN = frozenset({"ticket_id", "person"})
"""Fields of the row that the pipeline reads and does not write."""
OWNED = tuple(sorted((TicketRow.model_fields.keys() - FOREIGN) | DERIVED))
"""Attributes that the pipeline writes. All others belong to somebody else, and no write touches them."""

CONDITION_FAILED = "ConditionalCheckFailedException"

Item = dict[str, "AttributeValueTypeDef"]


class DynamoTicketRows:
    """The table of the rows. Every method raises TransientFailure where DynamoDB fails."""

    def __init__(
        self,
        dynamodb: DynamoDBClient,
        table: str,
        first_backoff_s: float = FIRST_BACKOFF_S,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._first_backoff_s = first_backoff_s
        self._sleep = sleep

    def get_many(self, ticket_ids: Iterable[str]) -> FoundRows:
        """The rows that exist, read consistently. One that cannot be read does not keep others from it."""
        wanted = list(dict.fromkeys(ticket_ids))
        rows: dict[str, TicketRow] = {}
        unreadable: dict[str, TransientFailure] = {}
        misindexed: set[str] = set()
        for start in range(0, len(wanted), MAX_BATCH_GET):
            for item in self._get_batch(wanted[start : start + MAX_BATCH_GET]):
                ticket_id = item["ticket_id"]["S"]
                try:
                    rows[ticket_id] = row = row_from(item)
                    if is_misindexed(row, frozenset(item.get("facets", {}).get("SS", ()))):
                        misindexed.add(ticket_id)
                except TransientFailure as failure:
                    unreadable[ticket_id] = failure
        return FoundRows(rows, unreadable, misindexed)

    def get(self, ticket_id: str) -> TicketRow | None:
        """The row of a ticket, read consistently."""
        with transient("reading a row from DynamoDB"):
            answer = self._dynamodb.get_item(
                TableName=self._table, Key={"ticket_id": {"S": ticket_id}}, ConsistentRead=True
            )
        return row_from(answer["Item"]) if "Item" in answer else None

    def put(self, row: TicketRow, replaces: TicketRow | None) -> bool:
        """Writes what the pipeline owns of `row` in the place of `replaces` (None: where no row was).

        `row.revision` must be one more than that of `replaces`. False, and nothing written, where another
        writer came first. A write that arrived though its answer was lost, and was sent again, is ours: True.
        """
        item = item_of(row)
        with transient("writing a row to DynamoDB"):
            try:
                if replaces is None:
                    self._create(item)
                else:
                    self._update(item, replaces.revision)
            except ClientError as error:
                if error_code(error) != CONDITION_FAILED:
                    raise
                current: Any = error.response.get("Item")
                return bool(current) and item_of(row_from(current)) == item_of(row_from(item))
        return True

    def _create(self, item: Item) -> None:
        """Where no item is, nobody's attributes can be lost, and a put takes less CPU time than an update."""
        self._dynamodb.put_item(
            TableName=self._table,
            Item=item,
            ConditionExpression="attribute_not_exists(ticket_id)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    def _update(self, item: Item, revision: int) -> None:
        """Sets what the pipeline owns, removes what it owns and says no more, and leaves all else."""
        sets = ", ".join(f"#{name} = :{name}" for name in OWNED if name in item)
        removes = ", ".join(f"#{name}" for name in OWNED if name not in item)
        self._dynamodb.update_item(
            TableName=self._table,
            Key={"ticket_id": item["ticket_id"]},
            UpdateExpression=f"SET {sets} REMOVE {removes}" if removes else f"SET {sets}",
            ConditionExpression="#revision = :replaced",
            ExpressionAttributeNames=_NAMES,
            ExpressionAttributeValues={
                ":replaced": {"N": str(revision)},
                **{f":{name}": item[name] for name in OWNED if name in item},
            },
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    def note_failure(self, ticket_id: str, failure: Failure, made_from: str | None = None) -> bool:
        """Sets the failure of an existing row, and nothing else. With `made_from` only of a row that was made
        from the object of that key. False where there is no such row."""
        names, values = {"#failure": "failure"}, {":failure": attribute_of(failure)}
        condition = "attribute_exists(ticket_id)"
        if made_from is not None:
            condition = "#raw.#key = :key"
            names |= {"#raw": "raw", "#key": "key"}
            values[":key"] = {"S": made_from}
        with transient("noting a failure in DynamoDB"):
            try:
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key={"ticket_id": {"S": ticket_id}},
                    UpdateExpression="SET #failure = :failure",
                    ConditionExpression=condition,
                    ExpressionAttributeNames=names,
                    ExpressionAttributeValues=values,
                )
            except ClientError as error:
                if error_code(error) != CONDITION_FAILED:
                    raise
                return False
        return True

    def delete(self, ticket_id: str) -> bool:
        """Removes a row with all that anybody wrote on it. False where there was none."""
        with transient("deleting a row from DynamoDB"):
            answer = self._dynamodb.delete_item(
                TableName=self._table, Key={"ticket_id": {"S": ticket_id}}, ReturnValues="ALL_OLD"
            )
        return bool(answer.get("Attributes"))

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
                backoff_s = self._first_backoff_s * 2 ** (attempt - 1)
                self._sleep(backoff_s * random.uniform(0.5, 1))  # noqa: S311
            with transient("reading rows from DynamoDB"):
                answer = self._dynamodb.batch_get_item(RequestItems=keys)
            yield from answer["Responses"].get(self._table, [])
            keys = answer.get("UnprocessedKeys") or {}
            if not keys:
                return
        raise TransientFailure(
            f"reading rows from DynamoDB: some left unread {MAX_ATTEMPTS} times", dependency="dynamodb"
        )


_NAMES = {f"#{name}": name for name in OWNED}


def item_of(row: TicketRow) -> Item:
    """The item of a row: its fields as attributes, and the keys of the indexes.

    None and empty collections are left out, and so is what is no field of a row: it is not the pipeline's to
    write. Times become UTC text of one width, which sorts, and floats are rounded to 4 digits.
    """
    fields = {name: getattr(row, name) for name in TicketRow.model_fields if name != "person"}
    return {
        **{
            name: attribute_of(value)
            for name, value in fields.items()
            if value is not None and value not in ((), {})
        },
        **{name: attribute_of(value) for name, value in index_attributes(row).items()},
        "received_at": attribute_of(row.received_at),
    }


def row_from(item: Mapping[str, AttributeValueTypeDef]) -> TicketRow:
    """The row of an item, of this version, an older or a newer one; what it does not know is kept.

    Raises TransientFailure where this version cannot read it all the same: an update may help.
    """
    fields = {name: value_of(found) for name, found in item.items() if name not in DERIVED}
    try:
        return TicketRow.model_validate({"schema_version": FIRST_SCHEMA_VERSION, **fields})
    except ValidationError as error:
        names = sorted({str(each["loc"][0]) if each["loc"] else "?" for each in error.errors()})
        message = f"a row in DynamoDB cannot be read: {', '.join(names)}; run the newest ticketmill"
        raise TransientFailure(message, UNREADABLE_ROW) from None
