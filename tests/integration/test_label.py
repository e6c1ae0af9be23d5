"""`ticketmill label` and `corrections` against a real table."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from commands import Run, WorkOff, runner_here

from ticketmill.aws.clients import Clients
from ticketmill.bootstrap import Adapters
from ticketmill.deploy.stack import Stack
from ticketmill.domain.keys import raw_key
from ticketmill.domain.labels import Sentiment, Source, Status, Urgency
from ticketmill.domain.message import Upload
from ticketmill.domain.row import RawVersion, TicketRow

MARKED = {"who": "ann", "note": "They wait since Monday."}


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "TICKETMILL_PERSON": "ann"}


def put(adapters: Adapters, ticket_id: str = "T1", **fields: Any) -> TicketRow:
    """A ticket in both the bucket and the table: urgency low, intent bug_report, sentiment neutral."""
    body = {"ticket_id": ticket_id, "subject": "Charged twice", "body": "I was charged twice."}
    adapters.raw_tickets.put(raw_key(ticket_id), json.dumps(body).encode())
    key = raw_key(ticket_id)
    raw = adapters.raw_tickets.fetch(Upload(adapters.stack.raw_bucket, key, key), 10_000)
    assert raw is not None
    given: dict[str, Any] = {"urgency": Urgency.LOW, "intent": "bug_report", "sentiment": Sentiment.NEUTRAL}
    given |= {f"{task}_confidence": 0.4 for task in given}
    given |= {"urgency_source": Source.HEAD, "needs_review": True, "review_reasons": ("urgency_confidence",)}
    row = TicketRow(
        ticket_id=ticket_id,
        status=Status.ENRICHED,
        raw=RawVersion.of(raw),
        content_hash=raw.content_hash,
        processed_at=datetime.now(UTC),
        **{**given, **fields},
    )
    assert adapters.rows.put(row, replaces=None)
    return row


def listed(run: Run, *filters: str) -> list[str]:
    return [json.loads(line)["ticket_id"] for line in run("list", "--json", *filters).stdout.splitlines()]


def test_a_label_is_found_counted_shown_and_exported_as_a_persons(
    ticketmill: Run, adapters: Adapters
) -> None:
    put(adapters, "T1")
    put(adapters, "T2")
    done = ticketmill("label", "T1", "--urgency", "high", "--note", MARKED["note"])
    assert "T1: urgency by person: high (ann, " in done.stdout
    assert "the models say low (0.40)" in done.stdout
    assert listed(ticketmill, "--urgency", "high") == ["T1"]
    assert listed(ticketmill, "--urgency", "low") == ["T2"]
    assert listed(ticketmill, "--corrected", "urgency") == ["T1"]
    assert listed(ticketmill, "--corrected", "intent") == []
    assert "high (person)" in ticketmill("list").stdout
    counts = json.loads(ticketmill("stats", "--json").stdout)
    assert counts["urgency"] == {"high": 1, "low": 1}
    assert counts["corrected"] == {"urgency": 1}
    first, second = csv.DictReader(io.StringIO(ticketmill("list", "--csv").stdout))
    cells = {row["ticket_id"]: row for row in (first, second)}["T1"]
    assert (cells["urgency"], cells["urgency_source"], cells["corrected"]) == ("high", "person", "urgency")
    shown = ticketmill("show", "T1").stdout
    assert "urgency by person" in shown
    row = json.loads(ticketmill("show", "T1", "--json").stdout)["row"]
    assert (row["urgency"], row["urgency_source"]) == ("high", "person")
    assert row["predicted"]["urgency"]["labels"] == ["low"]


def test_what_was_said_is_confirmed_undone_and_listed(ticketmill: Run, adapters: Adapters) -> None:
    put(adapters)
    ticketmill("label", "T1", "--urgency", "high", "--confirm", "--who", "bob")
    said = json.loads(ticketmill("label", "T1", "--cannot-tell", "sentiment", "--json").stdout)["person"]
    assert {task: each["kind"] for task, each in said.items()} == {
        "urgency": "label",
        "intent": "confirm",
        "sentiment": "cannot_tell",
    }
    assert said["urgency"]["who"] == "bob"
    row = json.loads(ticketmill("label", "T1", "--undo", "--json").stdout)
    assert row["person"]["sentiment"]["kind"] == "confirm"
    ticketmill("label", "T1", "--undo", "urgency")
    assert listed(ticketmill, "--urgency", "low") == ["T1"]
    ticketmill("label", "T1", "--undo")
    assert "nobody has said anything" in ticketmill("label", "T1", "--undo", code=1).stderr
    events = [json.loads(line) for line in ticketmill("corrections", "list", "--json").stdout.splitlines()]
    assert [each["number"] for each in events] == [8, 7, 6, 5, 4, 3, 2, 1]
    assert {each["who"] for each in events[-3:]} == {"bob"}
    assert "undoes" in ticketmill("corrections", "list", "--task", "urgency").stdout
    assert ticketmill("corrections", "list", "--who", "nobody", "--json").stdout == ""


def test_duplicates_are_confirmed_denied_and_undone(ticketmill: Run, adapters: Adapters) -> None:
    first, later = put(adapters, "T1"), put(adapters, "T2")
    at = first.raw.last_modified + timedelta(hours=1)
    raw = later.raw.model_copy(update={"last_modified": at})
    assert adapters.rows.put(later.model_copy(update={"raw": raw, "revision": 2}), replaces=later)
    ticketmill("duplicates", "deny", "T2", "T1")
    said = json.loads(ticketmill("duplicates", "confirm", "T1", "T2", "--json").stdout)
    assert said == {"ticket_id": "T2", "duplicate_of": "T1", "not_duplicate_of": ["T1"]}
    assert "already, of T1" in ticketmill("duplicates", "confirm", "T2", "T1", code=1).stderr
    assert "duplicate_of" in ticketmill("show", "T2").stdout
    assert "exported 0 tickets" in ticketmill("corrections", "export").stderr
    assert "T2 is no duplicate, and another matter than T1" in ticketmill("duplicates", "undo", "T2").stdout
    assert "no ticket T9" in ticketmill("duplicates", "deny", "T1", "T9", code=5).stderr


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["T1", "--urgency", "hihg"], 2, 'did you mean "high"'),
        (["T1", "--intent", "login_isue"], 2, 'did you mean "login_issue"'),
        (["T9", "--urgency", "high"], 5, "no ticket T9"),
        (["T1", "--cannot-tell", "mood"], 2, 'no task "mood"'),
        (["T1"], 2, "say what is right"),
        (["T1", "--undo", "--urgency", "high"], 2, "say what is right"),
        (["T1", "urgency", "--urgency", "high"], 2, "named after --undo"),
        (["next", "--json"], 2, "takes --how, --since, --who and --note"),
    ],
)
def test_what_cannot_be_recorded_is_told(
    ticketmill: Run, adapters: Adapters, arguments: list[str], code: int, told: str
) -> None:
    put(adapters)
    assert told in ticketmill("label", *arguments, code=code).stderr
    assert adapters.rows.get("T1") == put_row(adapters)


def put_row(adapters: Adapters) -> TicketRow | None:
    found = adapters.rows.get("T1")
    assert found is not None
    assert found.person == {}
    return found


def test_the_review_queue_is_worked_off_by_lines(ticketmill: Run, adapters: Adapters) -> None:
    """T2 is newer and comes first. An unknown label is asked for again, `z` goes back to what was before."""
    put(adapters, "T1")
    put(adapters, "T2", intent=None, intent_confidence=None)
    answers = ["", "payment_issue", "hihg", "high", "x", "billing, refunds"]
    back = ["z", "login_issue", "high", "x", ""]
    done = ticketmill("label", "next", stdin="\n".join([*answers, *back, "q"]))
    assert "there is no intent to confirm" in done.stderr
    assert 'did you mean "high"' in done.stderr
    assert "labelled 1 ticket" in done.stderr
    assert "I was charged twice." in done.stdout
    row = adapters.queries.get("T2")
    assert row is not None
    assert (row.intent, row.urgency, row.sentiment, row.topics) == ("login_issue", "high", "neutral", ())
    assert row.needs_review is False
    journal = adapters.label_journal
    assert journal is not None
    assert {each.found_by for each in journal.of_ticket("T2")} == {"margin"}
    untouched = adapters.rows.get("T1")
    assert untouched is not None
    assert untouched.person == {}


def test_an_export_is_read_by_evaluate_and_imported_again(
    ticketmill: Run, adapters: Adapters, work_off: WorkOff, tmp_path: Path
) -> None:
    for ticket_id, body in (("T1", "I cannot log in at all."), ("T2", "You charged my card twice.")):
        content = json.dumps({"ticket_id": ticket_id, "subject": "Help", "body": body})
        adapters.raw_tickets.put(raw_key(ticket_id), content.encode())
    work_off()
    ticketmill("label", "T1", "--intent", "login_issue", "--urgency", "high", "--topic", "none")
    ticketmill("label", "T2", "--intent", "payment_issue")
    path = tmp_path / "labels.jsonl"
    assert "exported 2 tickets" in ticketmill("corrections", "export", path).stderr
    measured = json.loads(ticketmill("evaluate", "--data", path, "--label", "intent", "--json").stdout)
    assert measured["count"] == 2
    measured = json.loads(ticketmill("evaluate", "--data", path, "--label", "urgency", "--json").stdout)
    assert measured["count"] == 1
    assert json.loads(ticketmill("corrections", "import", path, "--json").stdout) == {
        "imported": 0,
        "unchanged": 2,
        "refused": 0,
    }
    with path.open("a", encoding="utf-8") as more:
        more.write('{"ticket_id": "T2", "urgency": "critical", "who": "carl"}\n{"ticket_id": "T9"}\n')
    refused = ticketmill("corrections", "import", path, code=4)
    assert "1 imported, 2 unchanged, 1 refused" in refused.stdout
    assert f"{path}, line 4: expected a label" in refused.stderr
    assert listed(ticketmill, "--urgency", "critical") == ["T2"]


def test_reapplying_puts_right_what_an_older_worker_wrote(
    ticketmill: Run, adapters: Adapters, clients: Clients
) -> None:
    put(adapters)
    ticketmill("label", "T1", "--urgency", "high")
    clients.dynamodb.update_item(
        TableName=adapters.stack.table,
        Key={"ticket_id": {"S": "T1"}},
        UpdateExpression="SET facets = :facets, revision = revision + :one",
        ExpressionAttributeValues={":facets": {"SS": ["urgency=low"]}, ":one": {"N": "1"}},
    )
    assert listed(ticketmill, "--urgency", "high") == []
    assert json.loads(ticketmill("corrections", "reapply", "--json").stdout) == {"compared": 1, "changed": 1}
    assert listed(ticketmill, "--urgency", "high") == ["T1"]
    assert "changed 0" in ticketmill("corrections", "reapply", "T1").stdout


def test_without_a_table_of_corrections_all_else_works_and_corrections_say_what_to_run(
    environment: dict[str, str], stack: Stack, adapters: Adapters
) -> None:
    put(adapters)
    older = runner_here(
        {
            **environment,
            "TICKETMILL_RAW_BUCKET": stack.raw_bucket,
            "TICKETMILL_ENRICHED_BUCKET": stack.enriched_bucket,
            "TICKETMILL_QUEUE_URL": stack.queue_url,
            "TICKETMILL_DEAD_LETTER_QUEUE_URL": stack.dead_letter_queue_url,
            "TICKETMILL_TABLE": stack.table,
        }
    )
    assert listed(older) == ["T1"]
    for command in (["label", "T1", "--urgency", "high"], ["corrections", "list"]):
        assert "run `ticketmill up`" in older(*command, code=3).stderr
