"""Which webhook deliveries were taken in, as items of the tickets' table that expire."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ticketmill.aws.clients import transient
from ticketmill.domain.keys import delivery_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT_S = 90 * 86_400


class DynamoDeliveries:
    """Deliveries under keys that no ticket has. Every method raises TransientFailure where DynamoDB fails."""

    def __init__(self, dynamodb: DynamoDBClient, table: str, clock: Callable[[], float] = time.time) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._clock = clock

    def is_known(self, source: str, delivery_id: str) -> bool:
        """Whether a delivery was noted in the last 90 days."""
        with transient("looking for a webhook's delivery in DynamoDB", dependency="dynamodb"):
            found = self._dynamodb.get_item(
                TableName=self._table,
                Key={"ticket_id": {"S": delivery_key(source, delivery_id)}},
                ConsistentRead=True,
            )
        # DynamoDB may delete an expired item days later
        return "Item" in found and int(found["Item"]["expires_at"]["N"]) > self._clock()

    def note(self, source: str, delivery_id: str) -> None:
        """Notes a delivery."""
        with transient("noting a webhook's delivery in DynamoDB", dependency="dynamodb"):
            self._dynamodb.put_item(
                TableName=self._table,
                Item={
                    "ticket_id": {"S": delivery_key(source, delivery_id)},
                    "expires_at": {"N": str(int(self._clock()) + KEPT_S)},
                },
            )
