"""Records outlive versions: yesterday's are read, tomorrow's are kept, today's stay readable to yesterday."""

from __future__ import annotations

import json
from enum import StrEnum

import jsonschema
import pytest
from frozen_records import frozen_bytes, frozen_item

from ticketmill.aws.dynamodb import OWNED, item_of, row_from
from ticketmill.domain.enrichment import read_enriched
from ticketmill.domain.errors import RejectionCode
from ticketmill.domain.labels import Sentiment, Source, Status, Urgency
from ticketmill.domain.records import SCHEMA_VERSION
from ticketmill.domain.row import INDEX_ATTRIBUTES, RETIRED_ATTRIBUTES

VOCABULARIES: tuple[type[StrEnum], ...] = (RejectionCode, Sentiment, Source, Status, Urgency)
NEW_WORDS: dict[str, set[str]] = {
    "RejectionCode": {"text_not_found", "several_tickets"},
    # `person` is of effective rows, which are never written; `learned` of rows that a rollout decided
    "Source": {"person", "learned"},
}
"""Words that came after yesterday. Its workers cannot read a row with one of them: they are to be replaced
before the first such row is written."""


@pytest.mark.parametrize("name", ["enriched", "rejected", "failed"])
def test_a_row_of_yesterday_is_read_and_written_back_with_all_that_it_says(name: str) -> None:
    item = frozen_item(f"yesterday_{name}_item")
    row = row_from(item)
    assert (row.schema_version, row.serving_serial, row.status) == (1, 0, name)
    assert row.model_extra == {}
    added = {"schema_version", "serving_serial", "rollout_serial", "partial_attempts", *INDEX_ATTRIBUTES}
    kept = {key: value for key, value in item.items() if key not in RETIRED_ATTRIBUTES}
    assert {key: value for key, value in item_of(row).items() if key not in added} == kept


def test_a_row_of_tomorrow_is_read_with_its_new_words_and_fields() -> None:
    row = row_from(frozen_item("tomorrow_enriched_item"))
    assert (row.schema_version, row.serving_serial) == (7, 41)
    assert (row.urgency, row.stated_priority, row.topics[-1].source) == ("blocker", "whenever", "large_model")
    assert row.rejection is not None
    assert row.rejection.code == "too_boring"
    assert row.status is Status.ENRICHED, "known words are still members of their vocabulary"
    assert set(row.model_extra or {}) == {"mentions", "label_urgency", "seen_by", "thumbnail"}
    json.loads(row.model_dump_json())


def test_a_row_of_tomorrow_is_written_back_without_loss() -> None:
    """What the pipeline does not own is not in the write at all; nested fields of what it owns are."""
    item = frozen_item("tomorrow_enriched_item")
    written = item_of(row_from(item))
    assert set(written) <= {"ticket_id", *OWNED}
    kept = set(item) & set(OWNED) - set(RETIRED_ATTRIBUTES)
    assert {key: written[key] for key in kept} == {key: item[key] for key in kept}


def test_an_object_of_yesterday_is_read() -> None:
    enriched = read_enriched(frozen_bytes("yesterday_enriched_object"))
    assert (enriched.schema_version, enriched.enrichment.serving_serial) == (1, 0)
    assert enriched.priority is Urgency.LOW
    assert enriched.extra == {"channel": "web"}


def test_an_object_of_tomorrow_is_read_and_printed_without_loss() -> None:
    body = frozen_bytes("tomorrow_enriched_object")
    enriched = read_enriched(body)
    assert (enriched.schema_version, enriched.priority) == (7, "whenever")
    assert enriched.enrichment.status == "escalated"
    assert enriched.enrichment.urgency is not None
    assert enriched.enrichment.urgency.label == "blocker"
    assert json.loads(enriched.model_dump_json()) == {**json.loads(body), "received_at": None}


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"ticket_id": "T1"}'])
def test_what_is_no_enriched_ticket_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):
        read_enriched(body)


def test_records_of_today_carry_the_version_of_today() -> None:
    row = row_from(frozen_item("yesterday_enriched_item")).model_copy(
        update={"schema_version": SCHEMA_VERSION}
    )
    assert item_of(row)["schema_version"] == {"N": "2"}


@pytest.mark.parametrize("name", ["enriched", "rejected", "failed"])
def test_a_row_of_today_is_readable_to_yesterday(name: str) -> None:
    """Yesterday passes over attributes that it does not know, and refuses unknown nested fields and words."""
    schema = json.loads(frozen_bytes("yesterday_row_schema"))
    row = row_from(frozen_item(f"yesterday_{name}_item"))
    today = json.loads(row.model_dump_json(exclude_none=True))
    known = {key: value for key, value in today.items() if key in schema["properties"]}
    if name == "rejected":
        known["rejection"].setdefault("field", None)
    jsonschema.validate(known, schema)


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_a_word_that_yesterday_cannot_read_is_a_decision_and_no_accident(vocabulary: type[StrEnum]) -> None:
    schema = json.loads(frozen_bytes("yesterday_row_schema"))
    yesterday = set(schema["$defs"][vocabulary.__name__]["enum"])
    assert {str(word) for word in vocabulary} - yesterday == NEW_WORDS.get(vocabulary.__name__, set())
    assert yesterday <= {str(word) for word in vocabulary}, "a word of yesterday is never taken away"
