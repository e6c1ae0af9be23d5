"""How far the changes are routed, and why deliveries failed, as items of the tickets' table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ticketmill.aws.clients import error_code
from ticketmill.aws.dynamodb import transient
from ticketmill.domain.delivery import DeliveryFailure
from ticketmill.domain.keys import ROUTING_KEY, routing_failure_key, utc_text
from ticketmill.domain.routing_state import RoutingState

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

KEPT_S = 15 * 86_400
"""One day more than a queue keeps a message."""
MAX_MESSAGE_CHARS = 500

_KEY: dict[str, AttributeValueTypeDef] = {"ticket_id": {"S": ROUTING_KEY}}
_CONDITION_FAILED = "ConditionalCheckFailedException"


class DynamoRoutingState:
    """The item `#routing`: who reads the stream, until when, and how far."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def take(
        self, owner: str, stream: str, since: datetime, now: datetime, until: datetime
    ) -> RoutingState | None:
        """Leases the stream to `owner` until then, and gives how far it is routed. None where another has it.

        `since` is when routing begins where it never did.
        """
        with transient("leasing the table's stream"):
            try:
                answer = self._dynamodb.update_item(
                    TableName=self._table,
                    Key=_KEY,
                    UpdateExpression="SET #owner = :owner, #until = :until, "
                    "#since = if_not_exists(#since, :since)",
                    ConditionExpression="attribute_not_exists(#until) OR #until < :now OR #owner = :owner",
                    ExpressionAttributeNames={
                        "#owner": "leased_by",
                        "#until": "leased_until",
                        "#since": "routed_since",
                    },
                    ExpressionAttributeValues={
                        ":owner": {"S": owner},
                        ":until": {"S": utc_text(until)},
                        ":now": {"S": utc_text(now)},
                        ":since": {"S": utc_text(since)},
                    },
                    ReturnValues="ALL_NEW",
                )
            except ClientError as error:
                if error_code(error) != _CONDITION_FAILED:
                    raise
                return None
        item: Any = answer["Attributes"]
        kept = {shard: each["S"] for shard, each in item.get("positions", {"M": {}})["M"].items()}
        is_same = item.get("stream", {"S": stream})["S"] == stream
        return RoutingState(
            stream=stream,
            since=datetime.fromisoformat(item["routed_since"]["S"]),
            positions=kept if is_same else {},
        )

    def save(self, owner: str, state: RoutingState) -> bool:
        """Keeps how far the stream is routed. False where another has leased it since."""
        return self._update(
            owner,
            "SET #stream = :stream, #positions = :positions",
            {"#stream": "stream", "#positions": "positions"},
            {
                ":stream": {"S": state.stream},
                ":positions": {"M": {shard: {"S": each} for shard, each in state.positions.items()}},
            },
        )

    def release(self, owner: str) -> None:
        """Ends the lease, so that another need not wait for it."""
        self._update(owner, "REMOVE #until", {"#until": "leased_until"}, {})

    def _update(
        self, owner: str, change: str, names: dict[str, str], values: dict[str, AttributeValueTypeDef]
    ) -> bool:
        with transient("saving how far the table's stream is routed"):
            try:
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=_KEY,
                    UpdateExpression=change,
                    ConditionExpression="#owner = :owner",
                    ExpressionAttributeNames={"#owner": "leased_by", **names},
                    ExpressionAttributeValues={":owner": {"S": owner}, **values},
                )
            except ClientError as error:
                if error_code(error) != _CONDITION_FAILED:
                    raise
                return False
        return True


class DynamoDeliveryFailures:
    """The last failure of each delivery, an item each. They go by themselves when no message is left."""

    def __init__(
        self,
        dynamodb: DynamoDBClient,
        table: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._now = now

    def note(self, key: str, failure: DeliveryFailure) -> None:
        """Keeps the failure in the place of an earlier one."""
        with transient("noting why a delivery failed"):
            self._dynamodb.put_item(
                TableName=self._table,
                Item={
                    "ticket_id": {"S": routing_failure_key(key)},
                    "code": {"S": failure.code},
                    "message": {"S": failure.message[:MAX_MESSAGE_CHARS]},
                    "attempts": {"N": str(failure.attempts)},
                    "failed_at": {"S": utc_text(failure.failed_at)},
                    "expires_at": {"N": str(int(self._now().timestamp()) + KEPT_S)},
                },
            )

    def get(self, key: str) -> DeliveryFailure | None:
        """The last failure; None where there was none."""
        with transient("reading why a delivery failed"):
            answer = self._dynamodb.get_item(
                TableName=self._table, Key={"ticket_id": {"S": routing_failure_key(key)}}
            )
        item: Any = answer.get("Item")
        if item is None:
            return None
        return DeliveryFailure(
            code=item["code"]["S"],
            message=item["message"]["S"],
            attempts=int(item["attempts"]["N"]),
            failed_at=datetime.fromisoformat(item["failed_at"]["S"]),
        )
