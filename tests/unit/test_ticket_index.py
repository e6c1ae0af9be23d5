"""The indexes on a DynamoDB in memory that counts what it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from threading import Lock
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ticketmill.aws.ticket_index import DynamoTicketIndex
from ticketmill.domain.errors import SetupError, TransientFailure
from ticketmill.domain.keys import SHARDS, index_position, index_shard

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LONG_AGO = NOON - timedelta(days=30)
PAGE = 40


@dataclass
class FakeDynamo:
    """Answers queries by pages; notes the requests, and how many entries they would be charged for."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    entries_read: int = 0
    error: str | None = None
    lock: Lock = field(default_factory=Lock)

    def put(self, ticket_id: str, at: datetime, *facets: str, status: str = "enriched") -> None:
        shard = index_shard(ticket_id)
        self.entries.append(
            {
                "ticket_id": {"S": ticket_id},
                "shard": {"S": shard},
                "status_shard": {"S": f"{status}#{shard}"},
                "position": {"S": index_position(at, ticket_id)},
                "facets": {"SS": [*facets, f"status={status}"]},
            }
        )

    def query(self, **asked: Any) -> dict[str, Any]:
        if self.error:
            raise ClientError({"Error": {"Code": "ValidationException", "Message": self.error}}, "Query")
        names, values = asked["ExpressionAttributeNames"], asked["ExpressionAttributeValues"]
        first = values[":from"]["S"]
        last = values.get(":to", {"S": "~"})["S"]
        start = asked.get("ExclusiveStartKey", {"position": {"S": "~"}})["position"]["S"]
        found = sorted(
            (
                entry
                for entry in self.entries
                if entry[names["#key"]] == values[":key"]
                and first <= entry["position"]["S"] <= last
                and entry["position"]["S"] < start
            ),
            key=lambda entry: entry["position"]["S"],
            reverse=True,
        )
        page = found[: asked.get("Limit", PAGE)]
        with self.lock:
            self.asked.append(asked)
            self.entries_read += len(page)
        wanted = {value["S"] for name, value in values.items() if name.startswith(":facet")}
        items = [entry for entry in page if not wanted or wanted & set(entry["facets"]["SS"])]
        answer: dict[str, Any] = {"Items": items, "Count": len(items), "ScannedCount": len(page)}
        if len(page) < len(found):
            answer["LastEvaluatedKey"] = page[-1]
        return answer


@pytest.fixture
def dynamo() -> FakeDynamo:
    return FakeDynamo()


@pytest.fixture
def index(dynamo: FakeDynamo) -> DynamoTicketIndex:
    client: Any = dynamo
    return DynamoTicketIndex(client, "tickets")


def fill(dynamo: FakeDynamo, count: int, **fields: Any) -> list[str]:
    """So many tickets, of ten each in one second; their ids, the newest first."""
    for number in range(count):
        dynamo.put(f"T{number:05}", NOON + timedelta(seconds=number // 10), **fields)
    return [f"T{number:05}" for number in reversed(range(count))]


def ids(found: Iterator[tuple[str, str | None]]) -> list[str | None]:
    return [ticket_id for _, ticket_id in found]


def test_the_shards_are_merged_newest_first(dynamo: FakeDynamo, index: DynamoTicketIndex) -> None:
    newest_first = fill(dynamo, 1500)
    assert ids(index.search({}, LONG_AGO)) == newest_first
    assert ids(index.search({}, NOON + timedelta(seconds=100))) == newest_first[:500]


def test_fifty_of_many_are_found_without_reading_the_rest(
    dynamo: FakeDynamo, index: DynamoTicketIndex
) -> None:
    newest_first = fill(dynamo, 5000)
    found = index.search({}, LONG_AGO, expected=50)
    assert ids(islice(found, 50)) == newest_first[:50]
    found.close()
    assert dynamo.entries_read <= 50 * 6
    assert len(dynamo.asked) <= 2 * len(SHARDS)


def test_it_goes_on_after_a_position(dynamo: FakeDynamo, index: DynamoTicketIndex) -> None:
    newest_first = fill(dynamo, 300)
    position = index_position(NOON + timedelta(seconds=12), "T00123")
    assert ids(index.search({}, LONG_AGO, older_than=position)) == newest_first[-123:]
    assert ids(index.search({}, NOON + timedelta(days=1), older_than=position)) == []


def test_labels_are_filtered_by_dynamodb(dynamo: FakeDynamo, index: DynamoTicketIndex) -> None:
    fill(dynamo, 400)
    dynamo.put("rare", LONG_AGO, "urgency=critical")
    assert ids(index.search({"urgency": ("critical", "high"), "topics": ("a",)}, LONG_AGO)) == ["rare"]
    asked = dynamo.asked[0]
    assert asked["IndexName"] == "by_time"
    assert asked["FilterExpression"] == (
        "(contains(#facets, :facet0) OR contains(#facets, :facet1)) AND contains(#facets, :facet2)"
    )
    assert asked["ExpressionAttributeValues"][":facet1"] == {"S": "urgency=high"}


def test_few_are_found_by_their_status_without_reading_the_many(
    dynamo: FakeDynamo, index: DynamoTicketIndex
) -> None:
    fill(dynamo, 2000)
    for number in range(5):
        dynamo.put(f"F{number}", NOON, status="failed")
    dynamo.put("R1", NOON, status="rejected")
    assert ids(index.search({"status": ("failed", "rejected")}, LONG_AGO)) == [
        "R1",
        *(f"F{n}" for n in "43210"),
    ]
    assert dynamo.entries_read == 6


def test_statuses_are_counted_without_a_transfer(dynamo: FakeDynamo, index: DynamoTicketIndex) -> None:
    fill(dynamo, 1000)
    dynamo.put("R1", NOON, status="rejected")
    assert index.count(["enriched", "rejected", "failed"], LONG_AGO) == {
        "enriched": 1000,
        "rejected": 1,
        "failed": 0,
    }
    assert {(asked["IndexName"], asked["Select"]) for asked in dynamo.asked} == {("by_status", "COUNT")}


def test_facets_are_read_of_all_tickets(dynamo: FakeDynamo, index: DynamoTicketIndex) -> None:
    newest_first = fill(dynamo, 1000)
    found = list(index.facets(LONG_AGO))
    assert [facets for _, facets in found] == [["status=enriched"]] * 1000
    assert [position.partition("#")[2] for position, _ in found] == newest_first


def test_facets_of_the_newest_are_read_without_the_rest(dynamo: FakeDynamo, index: DynamoTicketIndex) -> None:
    fill(dynamo, 5000)
    found = index.facets(LONG_AGO, most_entries=100)
    assert len(list(islice(found, 100))) == 100
    found.close()
    assert dynamo.entries_read <= 100 + len(SHARDS) * 70


def test_a_search_for_what_is_rare_ends_and_goes_on_where_it_ended(
    dynamo: FakeDynamo, index: DynamoTicketIndex
) -> None:
    fill(dynamo, 4000)
    dynamo.put("rare", LONG_AGO, "urgency=critical")
    dynamo.put("newer", NOON + timedelta(days=1), "urgency=critical")
    found: list[str] = []
    older_than: str | None = None
    for _ in range(100):
        before = dynamo.entries_read
        *tickets, (older_than, last) = index.search(
            {"urgency": ("critical",)}, LONG_AGO, older_than, most_entries=400
        )
        assert dynamo.entries_read - before <= 400 + len(SHARDS) * 20
        found += [ticket_id for _, ticket_id in tickets if ticket_id]
        if last is not None:
            found.append(last)
            break
    assert found == ["newer", "rare"]


@pytest.mark.parametrize(
    "told", ["The table does not have the specified index: by_time", "Invalid index: by_time for table: t"]
)
def test_a_table_without_the_index_asks_for_the_upgrade(
    dynamo: FakeDynamo, index: DynamoTicketIndex, told: str
) -> None:
    dynamo.error = told
    with pytest.raises(SetupError, match=r"no index by_time: upgrade the stack \(docs/deploy.md"):
        list(index.search({}, LONG_AGO))


def test_a_failure_of_dynamodb_is_transient(dynamo: FakeDynamo, index: DynamoTicketIndex) -> None:
    dynamo.error = "no"
    for asking in (lambda: list(index.facets(LONG_AGO)), lambda: index.count(["failed"], LONG_AGO)):
        with pytest.raises(TransientFailure, match="querying DynamoDB: ValidationException"):
            asking()
