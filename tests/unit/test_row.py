from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from ticketmill.domain.effective_row import index_attributes
from ticketmill.domain.enrichment import (
    EnrichedTicket,
    Enrichment,
    Evidence,
    IntentPrediction,
    Language,
    LatencyMs,
    SentimentPrediction,
    Summary,
    TopicPrediction,
    UrgencyPrediction,
)
from ticketmill.domain.errors import RejectionCode, TicketRejected
from ticketmill.domain.facets import facets_of
from ticketmill.domain.keys import index_shard
from ticketmill.domain.labels import Sentiment, Source, Status, Urgency
from ticketmill.domain.message import RawObject
from ticketmill.domain.row import (
    MAX_FIELD_CHARS,
    MAX_SUBJECT_CHARS,
    MAX_TAGS,
    MAX_WARNINGS,
    RawVersion,
    Rejection,
    TicketRow,
    enriched_row,
    rejected_row,
)
from ticketmill.domain.spans import AutomaticKind
from ticketmill.domain.ticket import Ticket, TicketMetadata
from ticketmill.domain.warning import TicketWarning, WarningCode
from ticketmill.tasks.table import row_attributes

UPLOADED = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
PROCESSED = datetime(2026, 11, 22, 0, 0, 5, tzinfo=UTC)
KEY = "tickets/TKT-001/0f0f-abc.json"

# what DynamoDB takes, of which a row should stay far away
MAX_ITEM_BYTES = 400_000

RAW = RawObject(
    bucket="raw",
    key="tickets/TKT-001.json",
    version_id="v1",
    etag="e1",
    last_modified=UPLOADED,
    size_bytes=2,
    body=b"{}",
)

TICKET = Ticket(
    ticket_id="TKT-001",
    subject="Cannot sign in",
    body="The body stays out of the row.",
    priority=Urgency.CRITICAL,
    created_at=datetime(2026, 11, 20, 8, 0, tzinfo=UTC),
    customer_id="CUST-1",
    metadata=TicketMetadata(source="email", language="de", tags=("vip", "web"), shop="kept in S3 alone"),
    extra={"channel": "kept in S3 alone"},
)

ENRICHMENT = Enrichment(
    embedding=(0.6, 0.8),
    intent=IntentPrediction(
        label="login_issue",
        confidence=0.93,
        source=Source.HEAD,
        scores={"login_issue": 0.93},
        evidence=(Evidence(text="sign in", weight=1.0),),
    ),
    urgency=UrgencyPrediction(
        label=Urgency.HIGH,
        confidence=0.81,
        source=Source.RULE,
        stated=Urgency.CRITICAL,
        scores={"high": 0.81},
        evidence=(Evidence(text="today", weight=1.0),),
    ),
    sentiment=SentimentPrediction(
        label=Sentiment.NEGATIVE, confidence=0.97, source=Source.HEAD, scores={"negative": 0.97}
    ),
    topics=(TopicPrediction(label="authentication", confidence=0.71, source=Source.HEAD),),
    summary=Summary(
        text="Cannot sign in.",
        display="Cannot sign in.",
        source=Source.EXTRACTIVE,
        confidence=0.8,
        compression=3.2,
    ),
    language=Language(label="en", confidence=0.99, source=Source.DETECTOR),
    automatic=True,
    automatic_kind=AutomaticKind.BOUNCE,
    text_characters={"own": 15},
    tokens=61,
    truncated=True,
    windows=8,
    needs_review=True,
    status=Status.ENRICHED,
    fingerprint="abcdef012345",
    models={"encoder": "all-MiniLM-L6-v2/fp32"},
    processed_at=PROCESSED,
    latency_ms=LatencyMs(queue=12.0, encode=5.0, heads=0.5),
)


def row(ticket: Ticket = TICKET, **changes: Any) -> TicketRow:
    enrichment = ENRICHMENT.model_copy(update=changes)
    return enriched_row(ticket, enrichment, RAW, KEY, row_attributes(enrichment))


def test_a_row_keeps_what_lists_and_counts_need() -> None:
    assert row() == TicketRow(
        ticket_id="TKT-001",
        status=Status.ENRICHED,
        revision=1,
        raw=RawVersion(
            bucket="raw", key="tickets/TKT-001.json", version_id="v1", etag="e1", last_modified=UPLOADED
        ),
        content_hash="44136fa355b3678a1146ad16f7e8649e",
        enriched_key=KEY,
        subject="Cannot sign in",
        customer_id="CUST-1",
        created_at=datetime(2026, 11, 20, 8, 0, tzinfo=UTC),
        source="email",
        tags=("vip", "web"),
        stated_priority=Urgency.CRITICAL,
        intent="login_issue",
        intent_confidence=0.93,
        intent_source=Source.HEAD,
        urgency=Urgency.HIGH,
        urgency_confidence=0.81,
        urgency_source=Source.RULE,
        priority_conflict=False,
        sentiment=Sentiment.NEGATIVE,
        sentiment_confidence=0.97,
        sentiment_source=Source.HEAD,
        topics=(TopicPrediction(label="authentication", confidence=0.71, source=Source.HEAD),),
        summary="Cannot sign in.",
        summary_display="Cannot sign in.",
        summary_source=Source.EXTRACTIVE,
        language="en",
        language_confidence=0.99,
        automatic=True,
        automatic_kind=AutomaticKind.BOUNCE,
        text_characters={"own": 15},
        tokens=61,
        truncated=True,
        windows=8,
        needs_review=True,
        fingerprint="abcdef012345",
        models={"encoder": "all-MiniLM-L6-v2/fp32"},
        latency_ms=LatencyMs(queue=12.0, encode=5.0, heads=0.5),
        processed_at=PROCESSED,
    )


@pytest.mark.parametrize("left_out", ["embedding", "body", "scores", "evidence", "kept in S3 alone"])
def test_a_row_leaves_out_what_is_large_or_stands_in_s3_alone(left_out: str) -> None:
    assert left_out not in row().model_dump_json()
    assert left_out in EnrichedTicket(**dict(TICKET), enrichment=ENRICHMENT).model_dump_json()


def test_stages_that_failed_are_named_and_leave_their_columns_empty() -> None:
    stages = ("intent", "urgency", "sentiment", "topics", "summary", "language")
    partial = row(**dict.fromkeys(stages), status=Status.PARTIAL, failed_stages=stages)
    assert (partial.status, partial.failed_stages) == (Status.PARTIAL, stages)
    columns = partial.model_dump()
    assert partial.topics == ()
    for name in ("intent", "urgency", "sentiment", "summary", "language"):
        assert [value for column, value in columns.items() if column.split("_")[0] == name] == (
            [None] * (2 if name == "language" else 3)
        )


def test_a_row_of_the_largest_ticket_stays_far_below_the_limit_of_an_item() -> None:
    wide = "\U0001f3bb"
    huge = Ticket(
        ticket_id="T" * 128,
        subject=wide * 262_144,
        body="x",
        customer_id=wide * 100_000,
        metadata=TicketMetadata(source=wide * 100_000, tags=tuple(wide * 1000 for _ in range(10_000))),
    )
    found = row(huge)
    assert len(found.model_dump_json().encode()) < MAX_ITEM_BYTES / 4
    assert found.subject == wide * MAX_SUBJECT_CHARS
    assert found.customer_id == found.source == wide * MAX_FIELD_CHARS
    assert found.tags == (wide * MAX_FIELD_CHARS,) * MAX_TAGS


def test_a_row_with_the_longest_summary_stays_far_below_the_limit_of_an_item() -> None:
    # forty words may have any length: a pasted file is one word
    long = Summary(text="x" * 1_048_576, display="x", source=Source.SUBJECT, confidence=1.0, compression=1.0)
    assert len(row(summary=long).model_dump_json().encode()) < MAX_ITEM_BYTES / 4


def test_a_row_has_the_first_warnings_of_its_ticket() -> None:
    warning = TicketWarning(code=WarningCode.UNKNOWN_FORM, field="priority", found="soon")
    assert row(TICKET.model_copy(update={"warnings": (warning,)})).warnings == (warning,)
    many = row(TICKET.model_copy(update={"warnings": (warning,) * 1000}))
    assert many.warnings == (warning,) * MAX_WARNINGS


def test_what_fits_is_not_cut() -> None:
    ticket = TICKET.model_copy(update={"subject": "s" * MAX_SUBJECT_CHARS, "customer_id": None})
    assert row(ticket).subject == ticket.subject
    assert row(ticket).customer_id is None


def test_a_row_stands_in_the_indexes_by_shard_status_and_time_of_its_upload() -> None:
    shard = index_shard("TKT-001")
    assert index_attributes(row()) == {
        "shard": shard,
        "status_shard": f"enriched#{shard}",
        "position": "2026-11-21T09:30:00.000000Z#TKT-001",
        "facets": facets_of(row()),
    }


def test_a_ticket_that_was_turned_down_has_a_row_that_says_why() -> None:
    error = TicketRejected(RejectionCode.SCHEMA, "body: expected a valid string", "body", "TKT-001")
    rejection = Rejection.of(error, RAW, PROCESSED)
    found = rejected_row("TKT-001", rejection, RAW)
    assert found == TicketRow(
        ticket_id="TKT-001",
        status=Status.REJECTED,
        raw=RawVersion.of(RAW),
        content_hash=RAW.content_hash,
        rejection=Rejection(
            code=RejectionCode.SCHEMA,
            message="body: expected a valid string",
            field="body",
            key=RAW.key,
            raw=RawVersion.of(RAW),
            rejected_at=PROCESSED,
        ),
        processed_at=PROCESSED,
    )
    assert index_attributes(found)["status_shard"].startswith("rejected#")
    assert index_attributes(found)["facets"] == {"status=rejected"}


def test_an_object_that_was_not_read_is_told_apart_by_its_etag() -> None:
    unread = [
        RawObject("raw", "k", None, etag, UPLOADED, size_bytes=9_999_999, body=None) for etag in ("a", "b")
    ]
    hashes = {raw.content_hash for raw in unread}
    assert len(hashes) == 2
    assert all(len(content_hash) == 32 for content_hash in hashes)


@pytest.mark.parametrize("confidence", [-0.01, 1.01, float("nan"), float("inf")])
@pytest.mark.parametrize(
    ("prediction", "label"),
    [
        (IntentPrediction, "login_issue"),
        (UrgencyPrediction, "high"),
        (SentimentPrediction, "negative"),
        (TopicPrediction, "billing"),
        (Language, "en"),
    ],
)
def test_a_confidence_is_between_0_and_1(prediction: type, label: str, confidence: float) -> None:
    with pytest.raises(ValidationError, match="confidence"):
        prediction(label=label, confidence=confidence, source=Source.HEAD)


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_both_ends_of_confidence_are_allowed(confidence: float) -> None:
    prediction = TopicPrediction(label="billing", confidence=confidence, source=Source.HEAD)
    assert prediction.confidence == confidence


def test_the_pipeline_writes_no_column_that_a_row_does_not_have() -> None:
    assert row().model_extra == {}


def test_an_enriched_ticket_comes_back_from_its_json_as_it_was() -> None:
    enriched = EnrichedTicket(**dict(TICKET), enrichment=ENRICHMENT)
    assert EnrichedTicket.model_validate_json(enriched.model_dump_json()) == enriched
