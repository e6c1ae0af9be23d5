from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from ticketmill.aws.dynamodb import OWNED, item_of, row_from
from ticketmill.domain.enrichment import LatencyMs, TopicPrediction
from ticketmill.domain.errors import RejectionCode, TransientFailure
from ticketmill.domain.keys import index_shard, utc_text
from ticketmill.domain.labels import Sentiment, Source, Status, Urgency
from ticketmill.domain.row import RawVersion, Rejection, TicketRow

RECEIVED = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
RAW = RawVersion(bucket="raw", key="tickets/a b+ü.json", version_id=None, etag="e1", last_modified=RECEIVED)

ENRICHED = TicketRow(
    ticket_id="TKT-001",
    status=Status.PARTIAL,
    revision=7,
    raw=RAW.model_copy(update={"version_id": "v1"}),
    content_hash="0f" * 16,
    enriched_key="tickets/TKT-001/x-y.json",
    subject="Grüße 🎻 \U0001f469\u200d\U0001f4bb",
    customer_id="CUST-1",
    created_at=datetime(2026, 11, 20, 23, 59, 59, 999999, tzinfo=UTC),
    source="email",
    tags=("a", "", "ü"),
    stated_priority=Urgency.CRITICAL,
    intent="login_issue",
    intent_confidence=1.0,
    intent_source=Source.HEAD,
    urgency=Urgency.HIGH,
    urgency_confidence=0.8125,
    urgency_source=Source.RULE,
    sentiment=Sentiment.NEGATIVE,
    sentiment_confidence=0.0,
    sentiment_source=Source.HEAD,
    topics=(TopicPrediction(label="authentication", confidence=0.7143, source=Source.HEAD),),
    summary="Cannot sign in.",
    summary_source=Source.EXTRACTIVE,
    language="en",
    language_confidence=0.99,
    tokens=61,
    truncated=False,
    windows=1,
    needs_review=True,
    failed_stages=("summary",),
    fingerprint="abc",
    models={"encoder": "all-MiniLM-L6-v2"},
    latency_ms=LatencyMs(queue=None, encode=5.25, heads=12.0),
    processed_at=datetime(2026, 11, 21, 9, 30, 1, 5, tzinfo=UTC),
)

REJECTED = TicketRow(
    ticket_id="sha256-0f0f",
    status=Status.REJECTED,
    raw=RAW,
    content_hash="0f" * 16,
    rejection=Rejection(
        code=RejectionCode.NOT_JSON,
        message="expected one JSON object",
        field=None,
        key="tickets/a b+ü.json",
        rejected_at=RECEIVED,
    ),
    processed_at=RECEIVED,
)


@pytest.mark.parametrize("row", [ENRICHED, REJECTED], ids=["enriched", "rejected"])
def test_a_row_comes_back_from_its_item_as_it_was(row: TicketRow) -> None:
    assert row_from(item_of(row)) == row


def test_what_a_row_does_not_say_is_not_in_its_item() -> None:
    assert set(item_of(REJECTED)) == {
        *("ticket_id", "status", "revision", "raw", "content_hash", "rejection", "subject", "processed_at"),
        *("schema_version", "serving_serial", "rollout_serial", "partial_attempts"),
        *("shard", "status_shard", "position", "facets", "received_at"),
    }


def test_an_item_carries_the_keys_of_its_indexes() -> None:
    item = item_of(ENRICHED)
    shard = index_shard("TKT-001")
    assert item["shard"] == {"S": shard}
    assert item["status_shard"] == {"S": f"partial#{shard}"}
    assert item["position"] == {"S": "2026-11-21T09:30:00.000000Z#TKT-001"}
    assert "urgency=high" in item["facets"]["SS"]
    assert item["received_at"] == {"S": "2026-11-21T09:30:00.000000Z"}


def test_floats_are_rounded_to_four_digits() -> None:
    row = ENRICHED.model_copy(update={"intent_confidence": 0.123456789, "urgency_confidence": 1e-9})
    item = item_of(row)
    assert item["intent_confidence"] == {"N": "0.1235"}
    assert item["urgency_confidence"] == {"N": "0.0"}


def test_numbers_are_read_as_dynamodb_spells_them() -> None:
    """It drops the zeros that we send: 1.0 comes back as 1, and 0.0 as 0."""
    item = item_of(ENRICHED)
    item |= {"intent_confidence": {"N": "1"}, "sentiment_confidence": {"N": "0"}}
    assert row_from(item) == ENRICHED


def test_times_sort_as_text_whatever_their_zone_and_fraction() -> None:
    moments = [RECEIVED + timedelta(microseconds=step) for step in (0, 1, 10, 999_999, 1_000_000)]
    texts = [utc_text(moment) for moment in moments]
    assert texts == sorted(texts)
    assert len({len(text) for text in texts}) == 1
    assert utc_text(RECEIVED.astimezone(timezone(timedelta(hours=9)))) == utc_text(RECEIVED)


def test_attributes_that_are_no_fields_of_a_row_are_kept_and_are_not_the_pipelines_to_write() -> None:
    row = row_from({**item_of(ENRICHED), "expires_at": {"N": "1763712000"}})
    assert row.model_extra == {"expires_at": 1763712000}
    assert item_of(row) == item_of(ENRICHED)


def test_every_key_of_an_index_is_owned_by_the_pipeline() -> None:
    """Else it would be left out of the write, or stay when its label is gone."""
    assert set(item_of(ENRICHED)) - {"ticket_id"} <= set(OWNED)


@pytest.mark.parametrize("change", [{"windows": {"S": "secret word"}}, {"revision": {"S": "secret word"}}])
def test_an_item_that_cannot_be_read_names_the_fields_and_no_content(change: dict[str, Any]) -> None:
    with pytest.raises(TransientFailure) as failure:
        row_from({**item_of(ENRICHED), **change})
    (name,) = change
    assert failure.value.code == "unreadable_row"
    assert name in str(failure.value)
    assert "secret" not in str(failure.value)
