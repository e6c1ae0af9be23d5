"""The row of a ticket: what DynamoDB keeps, everything but embedding, body and scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from ticketmill.domain.enrichment import (
    Confidence,
    Enrichment,
    LatencyMs,
    RowEntity,
    RowPrediction,
    TopicPrediction,
)
from ticketmill.domain.errors import RejectionCode, TicketRejected, TransientFailure
from ticketmill.domain.facets import FACET, FACETS_BY_TASK
from ticketmill.domain.label import PersonLabel
from ticketmill.domain.labels import Sentiment, Source, Status, Urgency
from ticketmill.domain.records import SCHEMA_VERSION, Open, Record
from ticketmill.domain.rollout import Arm
from ticketmill.domain.spans import AutomaticKind
from ticketmill.domain.ticket import Ticket
from ticketmill.domain.warning import TicketWarning

if TYPE_CHECKING:
    from ticketmill.domain.message import RawObject

# A row may have 400 KB: the long parts of a ticket are cut here and stand whole in S3.
MAX_SUBJECT_CHARS = 500
MAX_FIELD_CHARS = 256
MAX_TAGS = 50
MAX_WARNINGS = 20

INDEX_ATTRIBUTES = ("shard", "status_shard", "position", "facets")
"""What `effective_row.index_attributes` gives."""
RETIRED_ATTRIBUTES = ("urgency_day", "intent_day", "sentiment_day", "status_day")
"""The keys of the indexes of version 1, which no index has any more."""

FIRST_PARTIAL_RETRY = timedelta(hours=1)
MAX_PARTIAL_RETRY = timedelta(days=7)


class RawVersion(Record):
    """The version of a raw object."""

    bucket: str
    """The raw bucket."""
    key: str
    """The object's key."""
    version_id: str | None
    """S3's version; null without versioning."""
    etag: str
    """S3's ETag."""
    last_modified: datetime
    """When it was uploaded. A newer upload replaces an older one."""

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
    """Why an upload was rejected."""

    code: Open[RejectionCode]
    """The reason, for programs."""
    message: str
    """The reason, for people. It never quotes the ticket."""
    field: str | None
    """The field that is wrong."""
    key: str
    """The key of the rejected object."""
    raw: RawVersion | None = None
    """The rejected version; null if there was no object."""
    rejected_at: datetime
    """When it was rejected."""

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
    """Why the last attempt at an upload failed."""

    code: str
    """The reason, for programs."""
    message: str
    """The reason, for people."""
    attempts: int
    """How often SQS has delivered the message."""
    key: str
    """The key of the object."""
    failed_at: datetime
    """When the attempt failed."""


class TicketRow(Record):
    """The row of a ticket. Attributes of others, and of newer versions, are in `model_extra`."""

    ticket_id: str
    """The ticket; the table's key."""
    schema_version: int = SCHEMA_VERSION
    """The version of the record's fields."""
    status: Annotated[Open[Status], FACET]
    """What became of the ticket."""
    revision: int = 1
    """Grows with every write except notes of failures. A writer names the revision that it replaces."""
    raw: RawVersion
    """The upload that the row was made from."""
    content_hash: str
    """128 bits of SHA-256 over the upload, in hex."""
    enriched_key: str | None = None
    """The key of the enriched ticket."""
    rejection: Rejection | None = None
    """Why the latest upload was rejected. An older good enrichment stays."""
    failure: Failure | None = None
    """Why the last attempt failed; absent after a success."""

    subject: str = ""
    """The subject, at most 500 characters."""
    customer_id: Annotated[str | None, FACET] = None
    """The customer, at most 256 characters."""
    created_at: datetime | None = None
    """When the ticket was opened."""
    source: str | None = None
    """The channel, at most 256 characters."""
    tags: Annotated[tuple[str, ...], FACET] = ()
    """The helpdesk's first 50 tags."""
    stated_priority: Open[Urgency] | None = None
    """The priority that the submitter set."""
    warnings: tuple[TicketWarning, ...] = ()
    """What was unusual about the raw ticket: the first 20."""

    intent: Annotated[str | None, FACET] = None
    """The intent."""
    intent_confidence: Confidence | None = None
    """The probability of the intent."""
    intent_source: Open[Source] | None = None
    """What predicted the intent."""
    urgency: Annotated[Open[Urgency] | None, FACET] = None
    """The urgency that the text shows."""
    urgency_confidence: Confidence | None = None
    """The probability of the urgency."""
    urgency_source: Open[Source] | None = None
    """What predicted the urgency."""
    priority_conflict: Annotated[bool | None, FACET] = None
    """Whether urgency and stated priority are at least two levels apart."""
    sentiment: Annotated[Open[Sentiment] | None, FACET] = None
    """The sentiment."""
    sentiment_confidence: Confidence | None = None
    """The probability of the sentiment."""
    sentiment_source: Open[Source] | None = None
    """What predicted the sentiment."""
    topics: Annotated[tuple[TopicPrediction, ...], FACET] = ()
    """The topics, most probable first."""
    summary: str | None = None
    """The summary."""
    summary_display: str | None = None
    """The summary on one line of at most 100 characters."""
    summary_source: Open[Source] | None = None
    """What wrote the summary."""
    language: Annotated[str | None, FACET] = None
    """An ISO 639-1 code, or `und`."""
    language_confidence: Confidence | None = None
    """The probability of the language."""
    entities: Annotated[tuple[RowEntity, ...], FACET] = ()
    """What is named in the writer's own words: the first 20 that differ."""
    custom: Annotated[dict[str, RowPrediction], FACETS_BY_TASK] = Field(default_factory=dict)
    """The predictions of your own tasks, by task."""
    automatic: bool | None = None
    """Whether a machine wrote the ticket."""
    automatic_kind: Annotated[Open[AutomaticKind] | None, FACET] = None
    """What kind of machine mail it is."""
    text_characters: dict[str, int] = Field(default_factory=dict)
    """How many characters of the text were taken for what."""
    tokens: int | None = None
    """Word pieces that were encoded."""
    truncated: bool | None = None
    """Whether the text continues after the last encoded token."""
    windows: int | None = None
    """How many windows the encoder took."""
    needs_review: Annotated[bool | None, FACET] = None
    """Whether a person should look."""
    review_reasons: tuple[str, ...] = ()
    """Why a person should look."""
    failed_stages: tuple[str, ...] = ()
    """The stages without a prediction."""
    fallbacks: dict[str, str] = Field(default_factory=dict)
    """The stages whose named or learned model failed, each with the reason."""
    fingerprint: str | None = None
    """Identifies the bundle and the settings that decided the predictions."""
    serving_serial: int = 0
    """The latest serving decision that the enrichment holds for; 0 for none."""
    rollout_serial: int = 0
    """The latest rollout decision that the enrichment holds for; 0 for none."""
    partial_attempts: int = 0
    """How many enrichments in a row stayed partial, of one upload by one bundle."""
    models: dict[str, str] = Field(default_factory=dict)
    """The model of each task, as in `onepass`; a learned version as in `intent/v3`."""
    margins: dict[str, float] = Field(default_factory=dict)
    """How near each task is to another answer, where a model gave probabilities: how far its two most
    probable labels are apart; of a task with several, how far the nearest one is from its threshold."""
    arms: dict[str, Open[Arm]] = Field(default_factory=dict)
    """The tasks whose prediction a canary made."""
    latency_ms: LatencyMs | None = None
    """How long the enrichment took."""
    processed_at: datetime
    """When the row's enrichment, rejection or failure was made."""
    person: dict[str, PersonLabel] = Field(default_factory=dict)
    """A person's last word on each task. The pipeline never writes it."""

    @property
    def received_at(self) -> datetime:
        """When the ticket came in: its upload, which no second run changes."""
        return self.raw.last_modified


class FoundRows(dict[str, TicketRow]):
    """Rows by ticket id.

    `unreadable` has the ids whose rows this version cannot read, and why. `misindexed` has those whose index
    entry does not say what a person says: a worker of a version that knows no corrections wrote it last.
    """

    def __init__(
        self,
        rows: Mapping[str, TicketRow],
        unreadable: Mapping[str, TransientFailure] | None = None,
        misindexed: Iterable[str] = (),
    ) -> None:
        super().__init__(rows)
        self.unreadable = dict(unreadable or {})
        self.misindexed = frozenset(misindexed)

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
        warnings=ticket.warnings[:MAX_WARNINGS],
        **predictions,
        custom={task: each.on_row for task, each in sorted(enrichment.custom.items())},
        automatic=enrichment.automatic,
        automatic_kind=enrichment.automatic_kind,
        text_characters=enrichment.text_characters,
        tokens=enrichment.tokens,
        truncated=enrichment.truncated,
        windows=enrichment.windows,
        needs_review=enrichment.needs_review,
        review_reasons=enrichment.review_reasons,
        failed_stages=enrichment.failed_stages,
        fallbacks=enrichment.fallbacks,
        fingerprint=enrichment.fingerprint,
        serving_serial=enrichment.serving_serial,
        rollout_serial=enrichment.rollout_serial,
        models=enrichment.models,
        margins=enrichment.margins,
        arms=enrichment.arms,
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
