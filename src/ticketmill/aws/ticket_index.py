"""The indexes of the table: which tickets there are, newest first, without their rows.

by_time    every ticket in one of 16 shards, by time, with its facets: finds and counts by any label
by_status  the same by status and shard, with no other attribute: counts, and finds what few tickets are

The answers of the shards are merged as they are needed. An index lags behind the table for a moment.
"""

from __future__ import annotations

import heapq
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ticketmill.aws.clients import error_code, transient
from ticketmill.domain.errors import SetupError
from ticketmill.domain.facets import facet
from ticketmill.domain.keys import SHARDS, status_shard, utc_text
from ticketmill.domain.labels import Status

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BY_TIME = "by_time"
BY_STATUS = "by_status"
COMMON_STATUS = Status.ENRICHED
"""Nearly all tickets have it: to look through them by status would find no more than to look through all."""

MAX_THREADS = 16
ENTRIES = "entries"
"""Marks the end of a page: how many entries DynamoDB looked through for it."""

Item = Mapping[str, Any]
Labels = Mapping[str, Sequence[str]]
"""By name the labels of which a ticket must have one."""


@dataclass(frozen=True, slots=True)
class _Shard:
    """A query for one key of an index."""

    index: str
    key_name: str
    key: str
    newer_than: str
    older_than: str | None
    more: Mapping[str, Any] = field(default_factory=dict)

    def parameters(self, table: str) -> dict[str, Any]:
        names = {"#key": self.key_name, "#position": "position"}
        values = {":key": {"S": self.key}, ":from": {"S": self.newer_than}}
        condition = "#key = :key AND #position >= :from"
        if self.older_than is not None:
            condition = "#key = :key AND #position BETWEEN :from AND :to"
            values[":to"] = {"S": self.older_than}
        more = dict(self.more)
        return {
            "TableName": table,
            "IndexName": self.index,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": {**names, **more.pop("ExpressionAttributeNames", {})},
            "ExpressionAttributeValues": {**values, **more.pop("ExpressionAttributeValues", {})},
            "ScanIndexForward": False,
            **more,
        }


class DynamoTicketIndex:
    """The indexes of one table.

    Every method raises TransientFailure where DynamoDB fails, and SetupError where the table lacks an index.
    """

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def search(
        self,
        labels: Labels,
        since: datetime,
        older_than: str | None = None,
        expected: int = 50,
        most_entries: int | None = None,
    ) -> Generator[tuple[str, str | None], None, None]:
        """Position and id of tickets that may have `labels`, the newest first; their rows say if they do.

        `older_than` is the position after which to go on. About `expected` tickets will be asked for. With
        `most_entries` the search ends when about so many were looked through, and the last that it gives then
        is the position where it ended, with None.
        """
        page = {"Limit": expected // len(SHARDS) * 2 + 8}
        filtered = _filter(labels)
        if filtered and most_entries is not None:
            filtered["Limit"] = most_entries // len(SHARDS) // 2 + 1
        wanted = labels.get("status", ())
        if wanted and COMMON_STATUS not in wanted:
            keys = [status_shard(status, shard) for status in wanted for shard in SHARDS]
            shards = self._shards(BY_STATUS, "status_shard", keys, since, older_than, page)
        else:
            keys = list(SHARDS)
            shards = self._shards(BY_TIME, "shard", keys, since, older_than, filtered or page)
        looked_through = 0
        with closing(self._merged(shards)) as items:
            for item in items:
                position = item["position"]["S"]
                if ENTRIES in item:
                    looked_through += item[ENTRIES]
                    if most_entries is not None and looked_through >= most_entries:
                        yield position, None
                        return
                elif position != older_than:
                    yield position, item["ticket_id"]["S"]

    def facets(
        self, since: datetime, older_than: str | None = None, most_entries: int | None = None
    ) -> Generator[tuple[str, list[str]], None, None]:
        """Position and facets of every ticket, the newest first. About `most_entries` will be asked for."""
        more = {} if most_entries is None else {"Limit": most_entries // len(SHARDS) + 64}
        shards = self._shards(BY_TIME, "shard", SHARDS, since, older_than, more)
        with closing(self._merged(shards, read_ahead=most_entries is None)) as items:
            for item in items:
                if ENTRIES not in item and item["position"]["S"] != older_than:
                    yield item["position"]["S"], item["facets"]["SS"]

    def count(self, statuses: Iterable[str], since: datetime) -> dict[str, int]:
        """How many tickets have each status; nothing of them is transferred."""
        counts = dict.fromkeys(statuses, 0)
        keys = {status_shard(status, shard): status for status in counts for shard in SHARDS}
        shards = self._shards(BY_STATUS, "status_shard", keys, since, None, {"Select": "COUNT"})

        def counted(shard: _Shard) -> int:
            return sum(page["Count"] for page in self._pages(shard, Event()))

        with ThreadPoolExecutor(MAX_THREADS) as executor:
            for status, count in zip(keys.values(), executor.map(counted, shards), strict=True):
                counts[status] += count
        return counts

    def _shards(
        self,
        index: str,
        key_name: str,
        keys: Iterable[str],
        since: datetime,
        older_than: str | None,
        more: Mapping[str, Any],
    ) -> list[_Shard]:
        start = utc_text(since)
        if older_than is not None and older_than < start:  # DynamoDB refuses an empty range
            return []
        return [_Shard(index, key_name, key, start, older_than, more) for key in keys]

    def _merged(self, shards: Sequence[_Shard], read_ahead: bool = False) -> Generator[Item, None, None]:
        """The items of all shards, the newest first. The first pages are fetched side by side.

        Later ones are fetched when they are needed, or with `read_ahead` while those before are worked on.
        """
        stop = Event()
        executor = ThreadPoolExecutor(MAX_THREADS)
        try:
            streams = [self._stream(shard, executor, stop, read_ahead) for shard in shards]
            for stream in streams:
                next(stream)  # starts its first request
            yield from heapq.merge(*streams, key=lambda item: item["position"]["S"], reverse=True)
        finally:
            stop.set()
            executor.shutdown(wait=False, cancel_futures=True)

    def _stream(
        self, shard: _Shard, executor: ThreadPoolExecutor, stop: Event, read_ahead: bool
    ) -> Iterator[Any]:
        pages = (_entries(page) for page in self._pages(shard, stop))
        upcoming = executor.submit(next, pages, None)
        yield None
        while (items := upcoming.result()) is not None:
            if read_ahead:
                upcoming = executor.submit(next, pages, None)
            yield from items
            if not read_ahead:
                upcoming = executor.submit(next, pages, None)

    def _pages(self, shard: _Shard, stop: Event) -> Iterator[Mapping[str, Any]]:
        """The answers to a query, one after the other, until `stop`."""
        parameters = shard.parameters(self._table)
        while not stop.is_set():
            with transient("querying DynamoDB"), _needs_index(self._table, shard.index):
                answer = self._dynamodb.query(**parameters)
            yield answer
            if "LastEvaluatedKey" not in answer:
                return
            parameters["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _entries(page: Mapping[str, Any]) -> list[Item]:
    """The items of a page, and where another one follows, its end."""
    last = page.get("LastEvaluatedKey")
    end = [{"position": last["position"], ENTRIES: page["ScannedCount"]}] if last else []
    return [*page["Items"], *end]


def _filter(labels: Labels) -> dict[str, Any]:
    """A filter of the query that leaves tickets with one of `labels` of every name; empty without any."""
    values: dict[str, Any] = {}
    groups: list[str] = []
    for name, wanted in labels.items():
        if not wanted:
            continue
        either: list[str] = []
        for label in wanted:
            values[f":facet{len(values)}"] = {"S": facet(name, label)}
            either.append(f"contains(#facets, :facet{len(values) - 1})")
        groups.append(f"({' OR '.join(either)})" if len(either) > 1 else either[0])
    if not groups:
        return {}
    return {
        "FilterExpression": " AND ".join(groups),
        "ExpressionAttributeNames": {"#facets": "facets"},
        "ExpressionAttributeValues": values,
    }


@contextmanager
def _needs_index(table: str, index: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        # AWS: "The table does not have the specified index"; others: "Invalid index"
        if error_code(error) == "ValidationException" and " index" in str(error):
            raise SetupError(
                f"table {table} has no index {index}: upgrade the stack (docs/deploy.md, Upgrade)"
            ) from error
        raise
