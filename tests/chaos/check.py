"""What must hold in the end, whatever happened: one sentence for each thing that does not."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError
from scenario import Drop, Scenario

from ticketmill.aws.clients import Clients
from ticketmill.aws.dynamodb import row_from
from ticketmill.aws.sqs import SqsQueue
from ticketmill.deploy.stack import Stack
from ticketmill.domain.effective_row import index_attributes
from ticketmill.domain.errors import RejectionCode
from ticketmill.domain.keys import RESERVED_NAMES, TICKETS_PREFIX
from ticketmill.domain.labels import Status
from ticketmill.domain.row import TicketRow


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and with which ticket."""

    ticket_id: str | None
    what: str

    def __str__(self) -> str:
        return f"{self.ticket_id}: {self.what}" if self.ticket_id else self.what


@dataclass(frozen=True, slots=True)
class Standing:
    """An object as the raw bucket holds it, and the upload that put it there."""

    drop: Drop
    etag: str
    version_id: str | None
    last_modified: datetime


@dataclass
class Check:
    """Looks at the place straight, past the proxy."""

    scenario: Scenario
    clients: Clients
    stack: Stack
    rows: dict[str, TicketRow] = field(default_factory=dict)

    def findings(self) -> list[Finding]:
        """Everything that is wrong in the end."""
        self.rows = {row.ticket_id: row for row in self._scan()}
        found = [*self._queues(), *self._strangers(), *self._index()]
        for ticket_id in self.scenario.stories:
            found += self.of_ticket(ticket_id)
        return found + list(self._orphans())

    def scanned(self) -> list[TicketRow]:
        """All rows as they are now."""
        return list(self._scan())

    def settled(self) -> int:
        """How many tickets are as they should be by now."""
        self.rows = {row.ticket_id: row for row in self._scan()}
        return sum(not list(self.of_ticket(ticket_id)) for ticket_id in self.scenario.stories)

    def of_ticket(self, ticket_id: str) -> Iterator[Finding]:
        """What is wrong with one ticket."""
        row = self.rows.get(ticket_id)
        if row is None:
            yield Finding(ticket_id, "lost: it has no row")
            return
        standing = [self._standing(drop) for drop in self.scenario.last_drops(ticket_id)]
        if not standing:
            complaints = self._rejected(row, RejectionCode.OBJECT_MISSING, f"tickets/{ticket_id}.json")
        else:
            # of two keys in one second the greater one counts
            last = max(standing, key=lambda each: (each.last_modified, each.drop.key))
            complaints = self._as_uploaded(row, last)
        for what in complaints:
            yield Finding(ticket_id, what)

    def _as_uploaded(self, row: TicketRow, last: Standing) -> Iterator[str]:
        if last.drop.code is not None:
            yield from self._rejected(row, last.drop.code, last.drop.key)
            if row.status is Status.REJECTED:
                yield from _version(row, last)
            return
        if row.status is not Status.ENRICHED:
            yield f"status is {row.status}, expected enriched"
            return
        if row.rejection is not None:
            yield f"a rejection ({row.rejection.code}) stands beside its last upload, which is valid"
        yield from _version(row, last)
        yield from self._enrichment(row, last.drop)

    def _rejected(self, row: TicketRow, code: RejectionCode, key: str) -> Iterator[str]:
        """A rejection, alone or beside the good enrichment of an earlier upload."""
        if row.rejection is None:
            yield f"no rejection on record, expected {code}"
        elif (row.rejection.code, row.rejection.key) != (code, key):
            found = f"{row.rejection.code} of {row.rejection.key}"
            yield f"stale rejection: {found}, expected {code} of {key}"
        if row.status is Status.REJECTED:
            if row.enriched_key is not None:
                yield "rejected, yet the row names an enrichment"
            return
        earlier = [drop for drop in self.scenario.drops if drop.ticket_id == row.ticket_id and drop.text]
        made_from = next((drop for drop in earlier if content_hash(drop) == row.content_hash), None)
        if row.status is not Status.ENRICHED or made_from is None:
            yield f"status is {row.status} by content {row.content_hash}, which was never uploaded"
        else:
            yield from self._enrichment(row, made_from)

    def _enrichment(self, row: TicketRow, drop: Drop) -> Iterator[str]:
        """The row's pointer and what it points at, against the upload that both should be made from."""
        expected_hash = content_hash(drop)
        if row.content_hash != expected_hash:
            yield f"stale: content {row.content_hash}, expected {expected_hash}"
        key = row.enriched_key or ""
        prefix = f"tickets/{row.ticket_id}/{expected_hash}-{row.fingerprint}-"
        if not key.startswith(prefix):
            yield f"the row points at {row.enriched_key}, expected {prefix}…"
        enriched = self._object(key) if key else None
        if enriched is None:
            yield f"the row points at {row.enriched_key}, where there is no object"
            return
        if (enriched["ticket_id"], enriched["subject"], enriched["body"]) != (
            row.ticket_id,
            *(drop.text or ()),
        ):
            yield "stale: the enriched object has another text than the last upload"
        enrichment = enriched["enrichment"]
        labels = tuple(enrichment[task]["label"] for task in ("intent", "urgency", "sentiment"))
        if labels != (row.intent, row.urgency, row.sentiment):
            yield f"row and object differ: {(row.intent, row.urgency, row.sentiment)} and {labels}"
        if len(enrichment["embedding"]) != 384 or enrichment["status"] != "enriched":
            yield "the enriched object is not whole"

    def _queues(self) -> Iterator[Finding]:
        queues = {"queue": self.stack.queue_url, "dead-letter queue": self.stack.dead_letter_queue_url}
        for name, url in queues.items():
            depths = SqsQueue(self.clients.sqs, url).depths()
            if depths.total:
                yield Finding(None, f"the {name} is not empty: {depths}")

    def _strangers(self) -> Iterator[Finding]:
        for ticket_id in sorted(set(self.rows) - set(self.scenario.stories)):
            yield Finding(ticket_id, "a row that no upload asked for")

    def _index(self) -> Iterator[Finding]:
        """Every row once under its status, and no row twice."""
        listed: Counter[str] = Counter()
        for key in sorted({index_attributes(row)["status_shard"] for row in self.rows.values()}):
            pages = self.clients.dynamodb.get_paginator("query").paginate(
                TableName=self.stack.table,
                IndexName="by_status",
                KeyConditionExpression="status_shard = :key",
                ExpressionAttributeValues={":key": {"S": key}},
            )
            listed.update(item["ticket_id"]["S"] for page in pages for item in page["Items"])
        for ticket_id in sorted(set(self.rows) | set(listed)):
            if listed[ticket_id] != 1:
                yield Finding(ticket_id, f"listed {listed[ticket_id]} times by its status, expected once")

    def _orphans(self) -> Iterator[Finding]:
        """Enrichments that no row names may be left by killed workers, but only of what was uploaded."""
        uploaded = {
            f"tickets/{drop.ticket_id}/{content_hash(drop)}" for drop in self.scenario.drops if drop.text
        }
        for key in self._enriched_keys:
            if key.rsplit("-", 2)[0] not in uploaded:
                yield Finding(None, f"an enrichment of what was never uploaded: {key}")

    def _standing(self, drop: Drop) -> Standing:
        head = self.clients.s3.head_object(Bucket=self.stack.raw_bucket, Key=drop.key)
        etag = head["ETag"].strip('"')
        if etag != hashlib.md5(drop.content, usedforsecurity=False).hexdigest():
            raise AssertionError(f"the scenario lost track of {drop.key}: the bucket holds another upload")
        return Standing(drop, etag, head.get("VersionId"), head["LastModified"])

    def _scan(self) -> Iterator[TicketRow]:
        pages = self.clients.dynamodb.get_paginator("scan").paginate(
            TableName=self.stack.table, ConsistentRead=True
        )
        for page in pages:
            for item in page["Items"]:
                if not item["ticket_id"]["S"].startswith(RESERVED_NAMES):
                    yield row_from(item)

    @cached_property
    def _enriched_keys(self) -> list[str]:
        pages = self.clients.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.stack.enriched_bucket, Prefix=TICKETS_PREFIX
        )
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def _object(self, key: str) -> dict[str, Any] | None:
        try:
            found = self.clients.s3.get_object(Bucket=self.stack.enriched_bucket, Key=key)
        except ClientError:
            return None
        document: dict[str, Any] = json.loads(found["Body"].read())
        return document


def _version(row: TicketRow, last: Standing) -> Iterator[str]:
    found = (row.raw.key, row.raw.etag, row.raw.version_id, row.raw.last_modified)
    expected = (last.drop.key, last.etag, last.version_id, last.last_modified)
    if found != expected:
        yield f"stale: the row is of {found}, the bucket holds {expected}"


def content_hash(drop: Drop) -> str:
    """As the row spells it."""
    return hashlib.sha256(drop.content).hexdigest()[:32]
