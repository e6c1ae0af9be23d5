"""`ticketmill list` and `stats` on the rows of a real table."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from commands import Run

from ticketmill.bootstrap import Adapters
from ticketmill.domain.enrichment import TopicPrediction
from ticketmill.domain.labels import Sentiment, Source, Status, Urgency
from ticketmill.domain.row import RawVersion, TicketRow

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def rows(place: Adapters) -> None:
    """T0 to T3 are from now, T4 is from two days ago."""
    confidences = {"T0": 0.95, "T1": 0.9, "T2": 0.6, "T3": None, "T4": 0.99}
    for ticket_id, confidence in confidences.items():
        put(
            place,
            ticket_id,
            sentiment=Sentiment.NEGATIVE if confidence else None,
            sentiment_confidence=confidence,
            status=Status.ENRICHED if confidence else Status.PARTIAL,
            needs_review=ticket_id in ("T2", "T3"),
            review_reasons=("language", "failed_stage") if ticket_id == "T3" else (),
            age_days=2 if ticket_id == "T4" else 0,
        )


def put(place: Adapters, ticket_id: str, age_days: float = 0, **fields: Any) -> None:
    at = datetime.now(UTC) - timedelta(days=age_days)
    raw = RawVersion(
        bucket="raw", key=f"tickets/{ticket_id}.json", version_id="v", etag="e", last_modified=at
    )
    topics = tuple(
        TopicPrediction(label=label, confidence=0.8, source=Source.HEAD) for label in ("invoices", "refunds")
    )
    defaults = {
        "subject": '=HYPERLINK("http://x")',
        "intent": "payment_issue",
        "intent_confidence": 0.7,
        "urgency": Urgency.HIGH,
        "topics": topics,
        "language": "en",
        "summary": 'They say "twice",\nand mean it.',
    }
    row = TicketRow(
        ticket_id=ticket_id, raw=raw, content_hash="0f", processed_at=at, **{**defaults, **fields}
    )
    assert place.rows.put(row, replaces=None)


def ids(done: Any) -> set[str]:
    return {json.loads(line)["ticket_id"] for line in done.stdout.splitlines()}


@pytest.mark.usefixtures("rows")
def test_tickets_are_listed_by_confidence_review_and_status(ticketmill: Run) -> None:
    negative = ("list", "--sentiment", "negative", "--json")
    assert ids(ticketmill(*negative)) == {"T0", "T1", "T2", "T4"}
    assert ids(ticketmill(*negative, "--min-confidence", 0.9)) == {"T0", "T1", "T4"}
    assert ids(ticketmill(*negative, "--min-confidence", 0.9, "--since", "1d")) == {"T0", "T1"}
    assert ids(ticketmill(*negative, "--min-confidence", 0.9, "--intent", "payment_issue")) == set()
    assert ids(ticketmill("list", "--needs-review", "--json")) == {"T2", "T3"}
    assert ids(ticketmill("list", "--needs-review", "--status", "partial", "--json")) == {"T3"}
    assert ids(ticketmill("list", "--needs-review", "--limit", 1, "--json")) < {"T2", "T3"}
    assert "--sentiment" in ticketmill("list", "--min-confidence", 0.9, code=2).stderr
    ticketmill("list", "--json", "--csv", code=2)
    ticketmill("list", "--sentiment", "negative", "--min-confidence", 90, code=2)


@pytest.mark.usefixtures("rows")
def test_csv_is_read_back_as_it_was_and_no_cell_is_a_formula(ticketmill: Run) -> None:
    done = ticketmill("list", "--csv", "--since", "1d")
    found = {each["ticket_id"]: each for each in csv.DictReader(io.StringIO(done.stdout))}
    assert set(found) == {"T0", "T1", "T2", "T3"}
    ticket = found["T3"]
    assert ticket["summary"] == 'They say "twice",\nand mean it.'
    assert (ticket["topics"], ticket["review_reasons"]) == ("invoices;refunds", "language;failed_stage")
    assert (ticket["urgency"], ticket["sentiment"], ticket["needs_review"]) == ("high", "", "yes")
    assert ticket["subject"] == '\'=HYPERLINK("http://x")'
    assert found["T0"]["sentiment_confidence"] == "0.95"


@pytest.mark.usefixtures("rows")
def test_stats_count_by_label_as_table_json_and_png(ticketmill: Run, tmp_path: Path) -> None:
    found = json.loads(ticketmill("stats", "--json").stdout)
    assert (found["tickets"], found["needs_review"]) == (5, 2)
    assert found["status"] == {"enriched": 4, "partial": 1}
    assert found["intent"] == {"payment_issue": 5}
    assert found["sentiment"] == {"negative": 4}
    assert found["topics"] == {"invoices": 5, "refunds": 5}
    assert found["language"] == {"en": 5}
    assert json.loads(ticketmill("stats", "--since", "1d", "--json").stdout)["tickets"] == 4
    chart = tmp_path / "chart.png"
    told = ticketmill("stats", "--chart", chart)
    assert "payment_issue" in told.stdout
    assert "80.0%" in told.stdout
    assert str(chart) in told.stderr
    assert chart.read_bytes().startswith(PNG)
    assert "cannot be written" in ticketmill("stats", "--chart", tmp_path / "no" / "c.png", code=3).stderr


def test_stats_of_an_empty_table_are_no_fault(ticketmill: Run, tmp_path: Path) -> None:
    assert json.loads(ticketmill("stats", "--json").stdout)["tickets"] == 0
    ticketmill("stats", "--chart", tmp_path / "chart.png")
    assert ticketmill("list", "--csv").stdout.startswith("ticket_id,status,")
