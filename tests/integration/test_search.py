"""`ticketmill search` and `similar` on a real index in the bucket, with the rows of a real table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import Run, WorkOff

from ticketmill.bootstrap import Adapters
from ticketmill.bootstrap.search import open_index
from ticketmill.domain.enrichment import read_enriched
from ticketmill.entrypoints.cli.output import ExitCode
from ticketmill.operations.indexing import entry_of
from ticketmill.settings import load_settings

TICKETS = {
    "T-1": ("Card declined", "My card was declined in Lyon, the terminal said E51.", "CUST-1"),
    "T-2": ("Payment refused", "The shop in Lyon could not charge my debit card.", "CUST-2"),
    "T-3": ("Cannot sign in", "The reset mail never arrives, so I cannot log in.", "CUST-1"),
}


@pytest.fixture
def indexed(adapters: Adapters, ticketmill: Run, work_off: WorkOff, stack_name: str, tmp_path: Path) -> None:
    """The tickets, enriched by a worker and put into the index."""
    for ticket_id, (subject, body, customer) in TICKETS.items():
        document = {"ticket_id": ticket_id, "subject": subject, "body": body, "customer_id": customer}
        (tmp_path / f"{ticket_id}.json").write_text(json.dumps(document))
    ticketmill("drop", tmp_path)
    work_off()
    rows = adapters.queries.rows_of(list(TICKETS))
    entries = [
        entry_of(read_enriched(adapters.enriched_tickets.get(row.enriched_key)), row.enriched_key)
        for row in rows
        if row.enriched_key
    ]
    open_index(load_settings(stack=stack_name)).put([each for each in entries if each is not None])


def found(ticketmill: Run, *arguments: str) -> list[str]:
    lines = ticketmill(*arguments, "--json").stdout.splitlines()
    return [json.loads(line)["ticket"]["ticket_id"] for line in lines]


@pytest.mark.usefixtures("indexed")
def test_tickets_are_found_by_words_and_by_being_like_another(ticketmill: Run) -> None:
    rejected = found(ticketmill, "search", "paying was rejected on holiday", "--limit", "2")
    assert set(rejected) == {"T-1", "T-2"}
    assert found(ticketmill, "search", "E51")[0] == "T-1"
    assert found(ticketmill, "search", "password", "--customer", "CUST-1", "--limit", "1") == ["T-3"]
    assert found(ticketmill, "search", "password", "--until", "2020-01-01") == []
    assert found(ticketmill, "similar", "T-1", "--limit", "1") == ["T-2"]

    ticketmill("label", "T-2", "--urgency", "critical")
    told = ticketmill("similar", "T-1")
    assert "critical (person)" in told.stdout
    assert "Lyon" in told.stdout
    assert found(ticketmill, "search", "card", "--urgency", "critical") == ["T-2"]
    assert "T-3" in ticketmill("search", "login").stdout

    missing = ticketmill("similar", "T-404", code=ExitCode.NOT_FOUND)
    assert "no ticket T-404" in missing.stderr
    refused = ticketmill("search", " ", code=ExitCode.USAGE)
    assert "expected words" in refused.stderr


def test_a_ticket_without_an_entry_and_an_empty_index_say_so(
    ticketmill: Run, work_off: WorkOff, tmp_path: Path
) -> None:
    (tmp_path / "ticket.json").write_text(json.dumps({"ticket_id": "T-9", "body": "My card is lost."}))
    ticketmill("drop", tmp_path)
    work_off()
    said = ticketmill("similar", "T-9", code=ExitCode.NOT_FOUND)
    assert "not in the search index" in said.stderr
    assert "is empty" in ticketmill("search", "card").stderr
