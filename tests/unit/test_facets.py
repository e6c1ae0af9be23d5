"""Facets, and where a row stands in the indexes."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.domain.enrichment import TopicPrediction
from ticketmill.domain.facets import MAX_VALUE_CHARS, facet, facet_names, facets_of
from ticketmill.domain.keys import SHARDS, index_position, index_shard
from ticketmill.domain.labels import Sentiment, Source, Status, Urgency
from ticketmill.domain.row import RawVersion, TicketRow
from ticketmill.queries.columns import COUNTED, CSV, FILTERS, FLAGS, LISTED, TOPICS_FROM_TAGS

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def row(**fields: Any) -> TicketRow:
    raw = RawVersion(bucket="raw", key="tickets/T1.json", version_id="v", etag="e", last_modified=NOON)
    defaults: dict[str, Any] = {"status": Status.ENRICHED}
    return TicketRow(ticket_id="T1", raw=raw, content_hash="0f", processed_at=NOON, **{**defaults, **fields})


def topic(label: str, source: Source = Source.HEAD) -> TopicPrediction:
    return TopicPrediction(label=label, confidence=0.5, source=source)


def test_every_label_of_a_row_is_a_facet() -> None:
    found = row(
        urgency=Urgency.HIGH,
        intent="payment_issue",
        sentiment=Sentiment.NEGATIVE,
        topics=(topic("billing"), topic("refunds")),
        language="en",
        customer_id="CUST=1",
        tags=("vip", ""),
        needs_review=True,
    )
    assert facets_of(found) == {
        "status=enriched",
        "urgency=high",
        "intent=payment_issue",
        "sentiment=negative",
        "topics=billing",
        "topics=refunds",
        "language=en",
        "customer_id=CUST=1",
        "tags=vip",
        "tags=",
        "needs_review=yes",
    }


def test_what_a_row_does_not_have_is_no_facet() -> None:
    assert facets_of(row(needs_review=False)) == {"status=enriched"}


def test_a_tag_that_stands_in_for_a_topic_is_no_topic() -> None:
    assert facets_of(row(topics=(topic("vip", Source.FALLBACK),))) == {
        "status=enriched",
        "topics_fallback=vip",
    }


def test_a_long_value_is_cut_where_it_is_kept_and_where_it_is_asked_for() -> None:
    long = "x" * 200
    assert facet("tags", long) in facets_of(row(tags=(long,)))
    assert len(facet("tags", long)) == len("tags=") + MAX_VALUE_CHARS


def test_what_people_filter_and_count_by_are_facets_and_what_they_see_are_fields() -> None:
    facets = facet_names(EffectiveRow)
    assert {*FILTERS.values(), *FLAGS.values()} == set(facets)
    assert set(COUNTED) - {TOPICS_FROM_TAGS} <= set(facets)
    assert {*LISTED, *CSV} - {"received_at"} <= EffectiveRow.model_fields.keys()


def test_tickets_spread_evenly_over_the_shards() -> None:
    """DynamoDB writes 1,000 units a second to one key: no shard may get much more than its part."""
    for pattern in ("TKT-{:06}", "{}", "a1b2-{:x}@example.com"):
        counts = Counter(index_shard(pattern.format(number)) for number in range(32_000))
        assert set(counts) == set(SHARDS)
        assert max(counts.values()) < 1.15 * 32_000 / len(SHARDS)


def test_a_ticket_stays_in_its_shard_for_ever() -> None:
    assert [index_shard(each) for each in ("TKT-001", "TKT-002", "a@b")] == ["6", "15", "3"]


@pytest.mark.parametrize(
    "moment",
    [NOON, NOON.astimezone(timezone(timedelta(hours=9))), NOON.astimezone(timezone(timedelta(hours=-11)))],
)
def test_positions_sort_by_time_in_utc_whatever_the_zone(moment: datetime) -> None:
    before, after = (index_position(NOON + timedelta(microseconds=step), "T") for step in (-1, 1))
    assert before < index_position(moment, "T") < after
    assert index_position(moment, "T1") != index_position(moment, "T2")
