"""`ticketmill list` and `stats` on the rows of a real table."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from commands import Run

from ticketmill.aws.clients import Clients
from ticketmill.bootstrap import Adapters
from ticketmill.domain.enrichment import TopicPrediction
from ticketmill.domain.labels import Sentiment, Source, Status, Urgency
from ticketmill.domain.row import RawVersion, TicketRow
from ticketmill.entrypoints.cli.output import ExitCode

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def rows(adapters: Adapters) -> None:
    """T0 to T3 are from now, T4 is from two days ago."""
    confidences = {"T0": 0.95, "T1": 0.9, "T2": 0.6, "T3": None, "T4": 0.99}
    for ticket_id, confidence in confidences.items():
        put(
            adapters,
            ticket_id,
            sentiment=Sentiment.NEGATIVE if confidence else None,
            sentiment_confidence=confidence,
            status=Status.ENRICHED if confidence else Status.PARTIAL,
            needs_review=ticket_id in ("T2", "T3"),
            review_reasons=("language", "failed_stage") if ticket_id == "T3" else (),
            age_days=2 if ticket_id == "T4" else 0,
        )


def put(
    adapters: Adapters, ticket_id: str, age_days: float = 0, at: datetime | None = None, **fields: Any
) -> None:
    at = at or datetime.now(UTC) - timedelta(days=age_days)
    raw = RawVersion(
        bucket="raw", key=f"tickets/{ticket_id}.json", version_id="v", etag="e", last_modified=at
    )
    topics = tuple(
        TopicPrediction(label=label, confidence=0.8, source=Source.HEAD) for label in ("invoices", "refunds")
    )
    defaults = {
        "status": Status.ENRICHED,
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
    assert adapters.rows.put(row, replaces=None)


def ids(done: Any) -> set[str]:
    return {json.loads(line)["ticket_id"] for line in done.stdout.splitlines()}


@pytest.mark.usefixtures("rows")
def test_list_loads_nothing_that_it_does_not_need(environment: dict[str, str]) -> None:
    code = (
        "import json, sys; from ticketmill.entrypoints.cli import run; code = run(['list']); "
        "print(json.dumps(list(sys.modules)), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert "T0" in done.stdout
    loaded = {name.split(".")[0] for name in json.loads(done.stderr)}
    assert {"botocore", "pydantic"} <= loaded
    others = {"boto3", "s3transfer", "obstore", "numpy", "onnxruntime", "tokenizers"}
    assert not loaded & (others | {"prometheus_client", "aws_lambda_powertools"})


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


def test_every_label_has_a_filter_and_either_of_two_is_enough(ticketmill: Run, adapters: Adapters) -> None:
    put(adapters, "T1", urgency=Urgency.CRITICAL, customer_id="C1", language="de")
    put(adapters, "T2", tags=("vip",), topics=())
    put(adapters, "T3", urgency=Urgency.LOW, customer_id="C1")
    assert ids(ticketmill("list", "--urgency", "high", "--urgency", "critical", "--json")) == {"T1", "T2"}
    assert ids(ticketmill("list", "--topic", "refunds", "--json")) == {"T1", "T3"}
    assert ids(ticketmill("list", "--language", "de", "--json")) == {"T1"}
    assert ids(ticketmill("list", "--customer", "C1", "--urgency", "low", "--json")) == {"T3"}
    assert ids(ticketmill("list", "--tag", "vip", "--json")) == {"T2"}


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(
    ("option", "label", "near"),
    [
        ("--urgency", "hihg", "high"),
        ("--status", "done", "enriched"),
        ("--intent", "login_isue", "login_issue"),  # of the bundle
        ("--topic", "invoice", "invoices"),  # of the tickets
    ],
)
def test_a_label_that_does_not_exist_is_refused_with_those_that_do(
    ticketmill: Run, option: str, label: str, near: str
) -> None:
    told = "".join(ticketmill("list", option, label, code=2).stderr.replace("│", "").split())
    assert f'thereisno{option[2:]}"{label}"' in told
    assert near in told


@pytest.mark.usefixtures("rows")
def test_a_label_that_no_ticket_has_is_no_mistake(ticketmill: Run) -> None:
    assert ids(ticketmill("list", "--intent", "data_request", "--topic", "billing", "--json")) == set()


@pytest.mark.usefixtures("rows")
def test_a_list_says_where_it_is_cut_and_goes_on_there(ticketmill: Run) -> None:
    first = ticketmill("list", "--limit", 2, "--json")
    told = json.loads(first.stderr.splitlines()[-1])
    assert told["shown"] == 2
    second = ticketmill("list", "--cursor", told["cursor"], "--json")
    assert ids(first) | ids(second) == {"T0", "T1", "T2", "T3", "T4"}
    assert not ids(first) & ids(second)
    assert second.stderr == ""
    assert "1 ticket shown; for more: --limit, or --cursor " in ticketmill("list", "--limit", 1).stderr
    refused = ticketmill("list", "--urgency", "high", "--cursor", told["cursor"], code=2).stderr
    assert "otherfilters" in "".join(refused.replace("│", "").split())


def test_days_are_those_of_utc_whatever_the_offset_of_a_time(ticketmill: Run, adapters: Adapters) -> None:
    """01:00 at +02:00 is still the day before in UTC."""
    put(adapters, "before", at=datetime(2026, 11, 27, 22, 59, tzinfo=UTC))
    put(adapters, "T1", at=datetime(2026, 11, 27, 23, 30, tzinfo=UTC))
    put(adapters, "T2", at=datetime(2026, 11, 28, 0, 30, tzinfo=UTC))
    assert ids(ticketmill("list", "--since", "2026-11-28T01:00+02:00", "--json")) == {"T1", "T2"}
    assert (
        "2 tickets since 2026-11-27 23:00 UTC"
        in ticketmill("list", "--since", "2026-11-28T01:00+02:00").stdout
    )


def test_a_row_of_another_version_is_named_and_passed_over(
    ticketmill_process: Run, adapters: Adapters, clients: Clients
) -> None:
    put(adapters, "T1")
    put(adapters, "T2")
    clients.dynamodb.update_item(
        TableName=adapters.stack.table,
        Key={"ticket_id": {"S": "T1"}},
        UpdateExpression="SET processed_at = :later",
        ExpressionAttributeValues={":later": {"S": "later"}},
    )
    done = ticketmill_process("list", "--json")
    assert ids(done) == {"T2"}
    assert "ticket T1 is left out: a row in DynamoDB cannot be read: processed_at" in done.stderr


@pytest.mark.usefixtures("rows")
def test_status_counts_the_rows_of_a_week(ticketmill: Run, adapters: Adapters) -> None:
    put(adapters, "old", age_days=8)
    assert json.loads(ticketmill("status", "--json").stdout)["rows"] == {
        "enriched": 4,
        "partial": 1,
        "rejected": 0,
        "failed": 0,
    }


def test_status_counts_the_objects_that_no_rule_announces(ticketmill: Run, adapters: Adapters) -> None:
    for key in ("tickets/a.json", "tickets/b.JSON", "tickets/c.jsonl", "elsewhere/d.json"):
        adapters.raw_tickets.put(key, b"{}")
    told = ticketmill("status", "--json").stdout
    assert json.loads(told)["unannounced"] == {
        "looked_at": 4,
        "cut": False,
        "kinds": {"outside tickets/": 1, ".JSON": 1, ".jsonl": 1},
    }
    assert "no rule announces 3 objects" in ticketmill("status").stdout


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
    refused = ticketmill("stats", "--chart", tmp_path / "no" / "c.png", code=ExitCode.NOT_READY)
    assert "cannot be written" in refused.stderr


def test_stats_of_an_empty_table_are_no_fault(ticketmill: Run, tmp_path: Path) -> None:
    assert json.loads(ticketmill("stats", "--json").stdout)["tickets"] == 0
    ticketmill("stats", "--chart", tmp_path / "chart.png")
    assert ticketmill("list", "--csv").stdout.startswith("ticket_id,status,")
