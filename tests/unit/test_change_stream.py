"""The table's stream: which records change a ticket, and how a reader finds its way through the shards."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from rows_contract import NOON, row

from ticketmill.aws.change_stream import DynamoChangeStream, change_in
from ticketmill.aws.dynamodb import item_of
from ticketmill.domain.keys import ROUTING_KEY
from ticketmill.domain.labels import Urgency
from ticketmill.domain.row import TicketRow

ARN = "arn:aws:dynamodb:eu-central-1:000000000000:table/t/stream/1"


def record(before: TicketRow | None, after: TicketRow | None, number: int = 1, **more: Any) -> dict[str, Any]:
    images = {"OldImage": before and item_of(before), "NewImage": after and item_of(after)}
    key = (after or before or row()).ticket_id
    found = {
        "Keys": {"ticket_id": {"S": key}},
        "SequenceNumber": str(number),
        "ApproximateCreationDateTime": NOON.timestamp(),
        **{name: image for name, image in images.items() if image is not None},
    }
    return {"eventSource": "aws:dynamodb", "dynamodb": {**found, **more}}


def test_a_record_gives_the_row_before_and_after() -> None:
    changed = row(urgency=Urgency.CRITICAL, revision=2)
    found = change_in(record(row(), changed))
    assert found is not None
    assert found.change.before is not None
    assert (found.change.before.urgency, found.change.after.urgency) == ("high", "critical")
    assert found.at == NOON


def test_a_new_ticket_has_no_row_before() -> None:
    found = change_in(record(None, row()))
    assert found is not None
    assert found.change.before is None


@pytest.mark.parametrize(
    "ignored",
    [
        record(row(), None),
        record(row(), row()),
        record(None, row(), Keys={"ticket_id": {"S": ROUTING_KEY}}),
        record(None, row(), NewImage={"ticket_id": {"S": "TKT-001"}}),
    ],
    ids=["deleted", "a note of a failure", "no ticket", "unreadable"],
)
def test_what_changes_no_ticket_is_left_out(ignored: dict[str, Any]) -> None:
    assert change_in(ignored) is None


class FakeStreams:
    """The client, with one shard; each iterator is the number of records before it."""

    def __init__(self, records: list[dict[str, Any]], trimmed: bool = False, expired: int = 0) -> None:
        self.records = records
        self.trimmed = trimmed
        self.expired = expired
        self.opened: list[str] = []

    def get_shard_iterator(self, ShardIteratorType: str, SequenceNumber: str = "0", **_: str) -> Any:  # noqa: N803
        self.opened.append(ShardIteratorType)
        if self.trimmed and ShardIteratorType == "AFTER_SEQUENCE_NUMBER":
            raise ClientError({"Error": {"Code": "TrimmedDataAccessException"}}, "GetShardIterator")
        return {"ShardIterator": SequenceNumber}

    def get_records(self, ShardIterator: str, Limit: int) -> Any:  # noqa: N803
        if self.expired:
            self.expired -= 1
            raise ClientError({"Error": {"Code": "ExpiredIteratorException"}}, "GetRecords")
        start = int(ShardIterator)
        found = self.records[start : start + min(1, Limit)]
        return {"Records": found, "NextShardIterator": str(start + len(found))}


def test_reading_goes_on_with_one_iterator() -> None:
    streams = FakeStreams([record(None, row(), number=1), record(None, row("T2"), number=2)])
    stream = DynamoChangeStream(streams, ARN)
    first = stream.read("s", None)
    second = stream.read("s", first.position)
    assert [each.changes[0].change.after.ticket_id for each in (first, second)] == ["TKT-001", "T2"]
    assert streams.opened == ["TRIM_HORIZON"]


def test_reading_again_from_before_opens_the_shard_there() -> None:
    streams = FakeStreams([record(None, row(), number=1), record(None, row("T2"), number=2)])
    stream = DynamoChangeStream(streams, ARN)
    stream.read("s", None)
    assert stream.read("s", None).changes[0].change.after.ticket_id == "TKT-001"


def test_an_iterator_that_expired_is_made_again() -> None:
    stream = DynamoChangeStream(FakeStreams([record(None, row())], expired=1), ARN)
    assert stream.read("s", None).records == 1


def test_changes_that_the_stream_no_longer_has_are_said_to_be_lost(caplog: pytest.LogCaptureFixture) -> None:
    stream = DynamoChangeStream(FakeStreams([record(None, row())], trimmed=True), ARN)
    assert stream.read("s", "7").records == 1
    assert "were not routed" in caplog.text
