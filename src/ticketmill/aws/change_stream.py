"""The stream of the tickets' table: every change of a row, with the row before and after it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ticketmill.aws import clients
from ticketmill.aws.clients import error_code
from ticketmill.aws.dynamodb import row_from
from ticketmill.domain.change import Change
from ticketmill.domain.effective_row import EffectiveRow, effective
from ticketmill.domain.errors import SetupError, TransientFailure
from ticketmill.domain.keys import RESERVED_NAMES
from ticketmill.domain.routing_state import ChangePage, Shard, TimedChange

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

transient = partial(clients.transient, dependency="dynamodb")

MAX_RECORDS = 500

log = logging.getLogger(__name__)


def stream_of(dynamodb: DynamoDBClient, table: str) -> str:
    """The ARN of a table's stream. SetupError where it has none of both images."""
    with clients.at_setup(f"looking for the stream of table {table}", "check its name"):
        found = dynamodb.describe_table(TableName=table)["Table"]
    specification = found.get("StreamSpecification", {})
    arn = found.get("LatestStreamArn")
    if not arn or not specification.get("StreamEnabled"):
        raise SetupError(
            f"table {table} has no stream: run `ticketmill up` or `ticketmill deploy`; "
            "for a table of your own: "
            f"aws dynamodb update-table --table-name {table} "
            "--stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES"
        )
    if specification.get("StreamViewType") != "NEW_AND_OLD_IMAGES":
        raise SetupError(f"the stream of table {table} lacks images: it needs NEW_AND_OLD_IMAGES")
    return arn


class DynamoChangeStream:
    """Reads the stream by shards. Every method raises TransientFailure where DynamoDB fails."""

    def __init__(self, streams: Any, stream: str) -> None:
        self._streams = streams
        self.name = stream
        self._iterators: dict[str, tuple[str | None, str]] = {}
        """By shard the position that the iterator goes on after, and the iterator."""

    def shards(self) -> list[Shard]:
        """The shards that DynamoDB still keeps."""
        found: list[Shard] = []
        last: dict[str, str] = {}
        while True:
            with transient("listing the shards of the table's stream"):
                answer = self._streams.describe_stream(StreamArn=self.name, **last)["StreamDescription"]
            found += [Shard(each["ShardId"], each.get("ParentShardId")) for each in answer["Shards"]]
            if "LastEvaluatedShardId" not in answer:
                return found
            last = {"ExclusiveStartShardId": answer["LastEvaluatedShardId"]}

    def read(self, shard_id: str, after: str | None) -> ChangePage:
        """The records after a position; None is the oldest one that is kept."""
        known = self._iterators.pop(shard_id, None)
        iterator = known[1] if known and known[0] == after else self._iterator(shard_id, after)
        with transient("reading the table's stream"):
            try:
                answer = self._streams.get_records(ShardIterator=iterator, Limit=MAX_RECORDS)
            except ClientError as error:
                if error_code(error) not in ("ExpiredIteratorException", "TrimmedDataAccessException"):
                    raise
                iterator = self._iterator(shard_id, after)
                answer = self._streams.get_records(ShardIterator=iterator, Limit=MAX_RECORDS)
        records = answer["Records"]
        position = records[-1]["dynamodb"]["SequenceNumber"] if records else after
        following = answer.get("NextShardIterator")
        if following:
            self._iterators[shard_id] = (position, following)
        changes = tuple(found for each in records if (found := change_in(each)) is not None)
        return ChangePage(changes, len(records), position, is_last=following is None)

    def _iterator(self, shard_id: str, after: str | None) -> str:
        start: dict[str, str] = {"ShardIteratorType": "TRIM_HORIZON"}
        if after is not None:
            start = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after}
        shard = {"StreamArn": self.name, "ShardId": shard_id}
        with transient("opening a shard of the table's stream"):
            try:
                iterator: str = self._streams.get_shard_iterator(**shard, **start)["ShardIterator"]
            except ClientError as error:
                if error_code(error) != "TrimmedDataAccessException":
                    raise
                log.warning("changes of over 24 hours ago were not routed: the stream keeps them no longer")
                start = {"ShardIteratorType": "TRIM_HORIZON"}
                iterator = self._streams.get_shard_iterator(**shard, **start)["ShardIterator"]
        return iterator


def change_in(record: Mapping[str, Any]) -> TimedChange | None:
    """The change of a ticket in a stream record, also as Lambda hands it over.

    None for items that are no ticket's row, deletions, notes of failures, and a row that cannot be read.
    """
    found = record["dynamodb"]
    ticket_id = found["Keys"]["ticket_id"]["S"]
    if ticket_id.startswith(RESERVED_NAMES) or "NewImage" not in found:
        return None
    try:
        after = _row(found["NewImage"])
        before = _row(found["OldImage"]) if "OldImage" in found else None
    except TransientFailure as failure:  # waiting for a newer version would keep all later changes waiting
        log.error("a change of ticket %s is not routed: %s", ticket_id, failure)
        return None
    if before is not None and before.revision == after.revision:
        return None
    return TimedChange(Change(before, after), _moment(found["ApproximateCreationDateTime"]))


def _row(image: Mapping[str, Any]) -> EffectiveRow:
    return effective(row_from(image))


def _moment(given: datetime | float) -> datetime:
    """botocore gives a time, Lambda seconds."""
    return given if isinstance(given, datetime) else datetime.fromtimestamp(given, UTC)
