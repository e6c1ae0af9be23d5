"""Rows that an older version wrote get what the indexes hold, without being enriched again."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ticketmill.aws.clients import error_code, transient
from ticketmill.aws.dynamodb import row_from
from ticketmill.domain.effective_row import index_attributes
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.row import INDEX_ATTRIBUTES, RETIRED_ATTRIBUTES, TicketRow

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_CONDITION_FAILED = "ConditionalCheckFailedException"

logger = logging.getLogger(__name__)


def reindex(dynamodb: DynamoDBClient, table: str) -> Iterator[bool]:
    """Goes through the table; for each row of an older version, whether it is in the indexes now.

    A row that somebody else writes meanwhile is left to them; one that cannot be read is named in the log.
    """
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table,
        # what has no content hash is no row, as the item of the serving decisions
        FilterExpression="attribute_exists(content_hash)"
        " AND (attribute_not_exists(facets) OR attribute_exists(status_day))",
    )
    with transient("scanning DynamoDB"):
        for page in pages:
            for item in page["Items"]:
                try:
                    row = row_from(item)
                except TransientFailure as failure:
                    logger.warning("ticket %s is left out: %s", item["ticket_id"].get("S"), failure)
                    yield False
                else:
                    yield _index(dynamodb, table, row)


def _index(dynamodb: DynamoDBClient, table: str, row: TicketRow) -> bool:
    """Sets the attributes of the indexes; False where the row has changed."""
    attributes = index_attributes(row)
    values: dict[str, Any] = {
        f":{name}": {"S": value} if isinstance(value, str) else {"SS": sorted(value)}
        for name, value in attributes.items()
    }
    sets = ", ".join(f"#{name} = :{name}" for name in INDEX_ATTRIBUTES)
    try:
        dynamodb.update_item(
            TableName=table,
            Key={"ticket_id": {"S": row.ticket_id}},
            UpdateExpression=f"SET {sets} REMOVE {', '.join(RETIRED_ATTRIBUTES)}",
            ConditionExpression="revision = :revision",
            ExpressionAttributeNames={f"#{name}": name for name in INDEX_ATTRIBUTES},
            ExpressionAttributeValues={**values, ":revision": {"N": str(row.revision)}},
        )
    except ClientError as error:
        if error_code(error) != _CONDITION_FAILED:
            raise
        return False
    return True
