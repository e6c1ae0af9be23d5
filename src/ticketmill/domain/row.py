"""The row of a ticket: what DynamoDB keeps, everything but embedding, body and scores."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field

from ticketmill.domain.enrichment import (
    Confidence,
    Enrichment,
    LatencyMs,
    TopicPrediction,
)
from ticketmill.domain.errors import RejectionCode, TicketRejected, TransientFailure
from ticketmill.domain.facets import FACET, facets_of
from ticketmill.domain.keys import index_position, index_shard, status_shard
from ticketmill.domain.labels import Sentiment, Source, Status, Urgency
from ticketmill.domain.message import RawObject
from ticketmill.domain.records import SCHEMA_VERSION, Open, Record
from ticketmill.domain.ticket import Ticket

# A row may have 400 KB: the long parts of a ticket are cut here and stand whole in S3.
MAX_SUBJECT_CHARS = 500
MAX_FIELD_CHARS = 256
MAX_TAGS = 50

INDEX_ATTRIBUTES = ("shard", "status_shard", "position", "facets")
"""What `index_attributes` gives."""
RETIRED_ATTRIBUTES = ("urgency_day", "intent_day", "sentiment_day", "status_day")
"""The keys of the indexes of version 1, which no index has any more."""

FIRST_PARTIAL_RETRY = timedelta(hours=1)
MAX_PARTIAL_RETRY = timedelta(days=7)


class RawVersion(Record):
    """Which version of which object a row was made from; `last_modified` orders two versions."""

    bucket: str
    key: str
    version_id: str | None
    etag: str
    last_modified: datetime

    @classmethod
    def of(cls, raw: RawObject) -> RawVersion:
        return cls(
            bucket=raw.bucket,
            key=raw.key,
            version_id=raw.version_id,
            etag=raw.etag,
            last_modified=raw.last_modified,
        )

    def is_same(self, other: RawVersion | None) -> bool:
        """Whether both are one version, whatever else a newer ticketmill noted of it."""
        return other is not None and all(
            getattr(self, name) == getattr(other, name) for name in RawVersion.model_fields
        )


class Rejection(Record):
    """Why an upload was turned down; `key` is the object that was, `raw` the version of it.

    `raw` is None where there was no object at all.
    """

    code: Open[RejectionCode]
    message: str
    field: str | None
    key: str
    raw: RawVersion | None = None
    rejected_at: datetime

    @classmethod
    def of(cls, error: TicketRejected, raw: RawObject, now: datetime) -> Rejection:
        version = None if error.code is RejectionCode.OBJECT_MISSING else RawVersion.of(raw)
        return cls(
            code=error.code,
            message=error.message,
            field=error.field,
            key=raw.key,
            raw=version,
            rejected_at=now,
        )


class Failure(Record):
    """Why the last attempt at an upload failed; `attempts` counts its deliveries."""

    code: str
    message: str
    attempts: int
    key: str
    failed_at: datetime


class TicketRow(Record):
    """One row, as the pipeline writes it. What others and newer versions put on it is in `model_extra`.

    `revision` grows with every write but that of a failure's note: a writer names the revision it replaces.
    `serving_serial` is that of the latest serving decision that the enrichment holds for (0: of none).
    `partial_attempts` counts the enrichments in a row that stayed partial, of one upload by one bundle.
    """

    ticket_id: str
    schema_version: int = SCHEMA_VERSION
    status: Annotated[Open[Status], FACET]
    revision: int = 1
    raw: RawVersion
    content_hash: str
    enriched_key: str | None = None
    rejection: Rejection | None = None
    failure: Failure | None = None

    subject: str = ""
    customer_id: Annotated[str | None, FACET] = None
    created_at: datetime | None = None
    source: str | None = None
    tags: Annotated[tuple[str, ...], FACET] = ()
    stated_priority: Open[Urgency] | None = None

    intent: Annotated[str | None, FACET] = None
    intent_confidence: Confidence | None = None
    intent_source: Open[Source] | None = None
    urgency: Annotated[Open[Urgency] | None, FACET] = None
    urgency_confidence: Confidence | None = None
    urgency_source: Open[Source] | None = None
    priority_conflict: bool | None = None
    sentiment: Annotated[Open[Sentiment] | None, FACET] = None
    sentiment_confidence: Confidence | None = None
    sentiment_source: Open[Source] | None = None
    topics: Annotated[tuple[TopicPrediction, ...], FACET] = ()
    summary: str | None = None
    summary_display: str | None = None
    summary_source: Open[Source] | None = None
    language: Annotated[str | None, FACET] = None
    language_confidence: Confidence | None = None
    tokens: int | None = None
    truncated: bool | None = None
    windows: int | None = None
    needs_review: Annotated[bool | None, FACET] = None
    review_reasons: tuple[str, ...] = ()
    failed_stages: tuple[str, ...] = ()
    fallbacks: dict[str, str] = Field(default_factory=dict)
    fingerprint: str | None = None
    serving_serial: int = 0
    partial_attempts: int = 0
    models: dict[str, str] = Field(default_factory=dict)
    latency_ms: LatencyMs | None = None
    processed_at: datetime

    @property
    def received_at(self) -> datetime:
        """When the ticket came in: its upload, which no second run changes."""
        return self.raw.last_modified

    def index_attributes(self) -> dict[str, Any]:
        """What the indexes hold of this row: its shard, its position in time, and its facets."""
        shard = index_shard(self.ticket_id)
        return {
            "shard": shard,
            "status_shard": status_shard(self.status, shard),
            "position": index_position(self.received_at, self.ticket_id),
            "facets": facets_of(self),
        }


class FoundRows(dict[str, TicketRow]):
    """Rows by ticket id. `unreadable` has the ids whose rows this version cannot read, and why."""

    def __init__(
        self, rows: Mapping[str, TicketRow], unreadable: Mapping[str, TransientFailure] | None = None
    ) -> None:
        super().__init__(rows)
        self.unreadable = dict(unreadable or {})

    def row_of(self, ticket_id: str) -> TicketRow | None:
        """The row of a ticket, None where it has none. TransientFailure where it cannot be read."""
        if ticket_id in self.unreadable:
            raise self.unreadable[ticket_id]
        return self.get(ticket_id)


def partial_retry_due(row: TicketRow, now: datetime) -> bool:
    """Whether a partial row may be enriched again: after an hour, then after twice as long each time, at most
    after seven days."""
    doublings = min(max(row.partial_attempts, 1) - 1, 16)
    wait = min(FIRST_PARTIAL_RETRY * 2**doublings, MAX_PARTIAL_RETRY)
    return row.status == Status.PARTIAL and now - row.processed_at >= wait


def enriched_row(
    ticket: Ticket,
    enrichment: Enrichment,
    raw: RawObject,
    enriched_key: str,
    predictions: Mapping[str, Any],
) -> TicketRow:
    """The row of an enriched ticket; its enrichment stands at `enriched_key`.

    `predictions` are the attributes that the tasks keep, see `tasks.table.row_attributes`.
    """
    return TicketRow(
        ticket_id=ticket.ticket_id,
        status=enrichment.status,
        raw=RawVersion.of(raw),
        content_hash=raw.content_hash,
        enriched_key=enriched_key,
        subject=ticket.subject[:MAX_SUBJECT_CHARS],
        customer_id=ticket.customer_id and ticket.customer_id[:MAX_FIELD_CHARS],
        created_at=ticket.created_at,
        source=ticket.metadata.source and ticket.metadata.source[:MAX_FIELD_CHARS],
        tags=tuple(tag[:MAX_FIELD_CHARS] for tag in ticket.metadata.tags[:MAX_TAGS]),
        stated_priority=ticket.priority,
        **predictions,
        tokens=enrichment.tokens,
        truncated=enrichment.truncated,
        windows=enrichment.windows,
        needs_review=enrichment.needs_review,
        review_reasons=enrichment.review_reasons,
        failed_stages=enrichment.failed_stages,
        fallbacks=enrichment.fallbacks,
        fingerprint=enrichment.fingerprint,
        serving_serial=enrichment.serving_serial,
        models=enrichment.models,
        latency_ms=enrichment.latency_ms,
        processed_at=enrichment.processed_at,
    )


def rejected_row(ticket_id: str, rejection: Rejection, raw: RawObject) -> TicketRow:
    """The row of a ticket that was turned down and has no good enrichment."""
    return TicketRow(
        ticket_id=ticket_id,
        status=Status.REJECTED,
        raw=RawVersion.of(raw),
        content_hash=raw.content_hash,
        rejection=rejection,
        processed_at=rejection.rejected_at,
    )


def failed_row(ticket_id: str, failure: Failure, raw: RawObject) -> TicketRow:
    """The row of a ticket of which nothing is known but that the last attempt at it failed."""
    return TicketRow(
        ticket_id=ticket_id,
        status=Status.FAILED,
        raw=RawVersion.of(raw),
        content_hash=raw.content_hash,
        failure=failure,
        processed_at=failure.failed_at,
    )
