"""How far each run of backfill messages has come, as items of the tickets' table."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ticketmill.aws.clients import error_code, transient
from ticketmill.domain.keys import checkpoint_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT_S = 15 * 86_400
"""One day more than a queue keeps a message."""

# A run may be moved by whoever stands where it is, and again by the message that moved it last.
_CONDITION = (
    "attribute_not_exists(ticket_id) OR at_key = :from_key OR (moved_by = :token AND moved_from = :from_key)"
)


class DynamoCheckpoints:
    """Checkpoints as items of the tickets' table, under keys that no ticket has.

    Where the table expires items by `expires_at`, they go by themselves.
    """

    def __init__(self, dynamodb: DynamoDBClient, table: str, clock: Callable[[], float] = time.time) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._clock = clock

    def advance(self, run: str, token: str, from_key: str, to_key: str) -> bool:
        """See operations.ports.Checkpoints. Raises TransientFailure where DynamoDB fails."""
        with transient("moving the checkpoint of a backfill in DynamoDB", dependency="dynamodb"):
            try:
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item={
                        "ticket_id": {"S": checkpoint_key(run)},
                        "at_key": {"S": to_key},
                        "moved_from": {"S": from_key},
                        "moved_by": {"S": token},
                        "expires_at": {"N": str(int(self._clock()) + KEPT_S)},
                    },
                    ConditionExpression=_CONDITION,
                    ExpressionAttributeValues={":from_key": {"S": from_key}, ":token": {"S": token}},
                )
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
                return False
        return True
