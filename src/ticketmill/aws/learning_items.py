"""The items of learning in the learning table: pk a partition, sk a position, beside the label journal.

An item holds one document, as JSON text in `record`. Every write is conditional on what it replaces.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ticketmill.aws.clients import error_code
from ticketmill.aws.dynamodb import CONDITION_FAILED, FIRST_BACKOFF_S, MAX_ATTEMPTS, transient
from ticketmill.domain.errors import TransientFailure

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import WriteRequestTypeDef

    from ticketmill.aws.dynamodb import Item

MAX_BATCH_WRITE = 25
BATCHES_AT_ONCE = 8


class DynamoLearningItems:
    """Every method raises TransientFailure where DynamoDB fails."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def get(self, partition: str, position: str) -> str | None:
        """The item, read consistently; None where there is none."""
        with transient("reading the learning table"):
            answer = self._dynamodb.get_item(
                TableName=self._table, Key=_key(partition, position), ConsistentRead=True
            )
        return answer["Item"]["record"]["S"] if "Item" in answer else None

    def latest(self, partition: str, limit: int | None = None) -> list[str]:
        """The items of a partition, the highest position first, read consistently."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            ConsistentRead=True,
            ScanIndexForward=False,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": partition}},
            PaginationConfig={} if limit is None else {"MaxItems": limit, "PageSize": limit},
        )
        with transient("reading the learning table"):
            return [item["record"]["S"] for page in pages for item in page["Items"]]

    def put(self, partition: str, position: str, body: str, replaces: str | None = None) -> bool:
        """Writes an item in the place of `replaces`; without that, where there is none.

        False, and nothing written, where another item is there. A write that arrived though its answer was
        lost, and was sent again, is ours: True.
        """
        item: Item = {**_key(partition, position), "record": {"S": body}}
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if replaces is not None:
            condition = {
                "ConditionExpression": "#record = :replaced",
                "ExpressionAttributeNames": {"#record": "record"},
                "ExpressionAttributeValues": {":replaced": {"S": replaces}},
            }
        with transient("writing to the learning table"):
            try:
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item=item,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **condition,
                )
            except ClientError as error:
                if error_code(error) != CONDITION_FAILED:
                    raise
                found: Any = error.response.get("Item")
                return bool(found == item)
        return True

    def overwrite(self, partition: str, bodies: Mapping[str, str]) -> None:
        """Writes many items, whatever was there: some batches at the same time."""
        puts: list[WriteRequestTypeDef] = [
            {"PutRequest": {"Item": {**_key(partition, position), "record": {"S": body}}}}
            for position, body in bodies.items()
        ]
        batches = [puts[start : start + MAX_BATCH_WRITE] for start in range(0, len(puts), MAX_BATCH_WRITE)]
        with ThreadPoolExecutor(BATCHES_AT_ONCE) as pool:
            for _ in pool.map(self._write, batches):
                pass

    def delete(self, partition: str, position: str) -> None:
        """Deletes an item; one that is not there is no fault."""
        with transient("deleting from the learning table"):
            self._dynamodb.delete_item(TableName=self._table, Key=_key(partition, position))

    def _write(self, puts: Sequence[WriteRequestTypeDef]) -> None:
        left: Sequence[Any] = puts
        for attempt in range(MAX_ATTEMPTS):
            time.sleep(FIRST_BACKOFF_S * 2**attempt if attempt else 0)
            with transient("writing to the learning table"):
                answer = self._dynamodb.batch_write_item(RequestItems={self._table: left})
            left = answer.get("UnprocessedItems", {}).get(self._table, [])
            if not left:
                return
        raise TransientFailure("DynamoDB throttles writes to the learning table", dependency="dynamodb")


def _key(partition: str, position: str) -> Item:
    return {"pk": {"S": partition}, "sk": {"S": position}}
