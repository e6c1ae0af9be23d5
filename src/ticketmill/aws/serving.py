"""The serving decisions, in an item of their own in the table of the rows."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ticketmill.aws.clients import error_code
from ticketmill.aws.dynamodb import transient
from ticketmill.domain.keys import SERVING_KEY, utc_text
from ticketmill.domain.serving import NO_SERIAL, ServingDecision, ServingHistory

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_KEY: dict[str, AttributeValueTypeDef] = {"ticket_id": {"S": SERVING_KEY}}


class DynamoServingDecisions:
    """The item `#serving`: the current serial, and the latest decision for each bundle by its fingerprint.

    Every method raises TransientFailure where DynamoDB fails.
    """

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def history(self) -> ServingHistory:
        """All decisions so far, read consistently."""
        with transient("reading the serving decisions from DynamoDB"):
            answer = self._dynamodb.get_item(TableName=self._table, Key=_KEY, ConsistentRead=True)
        kept: Any = answer.get("Item", {}).get("decisions", {}).get("M", {})
        return ServingHistory({name: _decision(name, each["M"]) for name, each in kept.items()})

    def add(self, decision: ServingDecision) -> bool:
        """Adds the decision that follows the current one. False, and nothing written, where another did."""
        attributes = _attributes(decision)
        is_first = decision.serial == NO_SERIAL + 1
        request: dict[str, Any] = {
            "UpdateExpression": "SET #serial = :serial, #decisions.#fingerprint = :decision",
            "ConditionExpression": "#serial = :before",
            "ExpressionAttributeNames": {
                "#serial": "serial",
                "#decisions": "decisions",
                "#fingerprint": decision.fingerprint,
            },
            "ExpressionAttributeValues": {
                ":serial": {"N": str(decision.serial)},
                ":before": {"N": str(decision.serial - 1)},
                ":decision": {"M": attributes},
            },
        }
        if is_first:
            request = {
                "UpdateExpression": "SET #serial = :serial, #decisions = :decisions",
                "ConditionExpression": "attribute_not_exists(ticket_id)",
                "ExpressionAttributeNames": {"#serial": "serial", "#decisions": "decisions"},
                "ExpressionAttributeValues": {
                    ":serial": {"N": str(decision.serial)},
                    ":decisions": {"M": {decision.fingerprint: {"M": attributes}}},
                },
            }
        with transient("writing a serving decision to DynamoDB"):
            try:
                self._dynamodb.update_item(TableName=self._table, Key=_KEY, **request)
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
                return False
        return True


def _attributes(decision: ServingDecision) -> dict[str, AttributeValueTypeDef]:
    attributes: dict[str, AttributeValueTypeDef] = {"serial": {"N": str(decision.serial)}}
    if decision.decided_at is not None:
        attributes["decided_at"] = {"S": utc_text(decision.decided_at)}
    if decision.decided_by is not None:
        attributes["decided_by"] = {"S": decision.decided_by}
    return attributes


def _decision(fingerprint: str, attributes: Any) -> ServingDecision:
    decided_at = attributes.get("decided_at")
    return ServingDecision(
        serial=int(attributes["serial"]["N"]),
        fingerprint=fingerprint,
        decided_at=datetime.fromisoformat(decided_at["S"]) if decided_at else None,
        decided_by=attributes.get("decided_by", {}).get("S"),
    )
