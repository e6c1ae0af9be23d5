"""`ticketmill duplicates of|list` on a real index in the bucket, with the rows of a real table."""

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
    "D-1": ("Card declined", "My card was declined in Lyon for order 4711-33, the terminal said E51."),
    "D-2": ("Cannot sign in", "The reset mail never arrives, so I cannot log in."),
    "D-3": ("Order 4711-33", "Paying for order 4711-33 failed in Lyon: E51."),
}


@pytest.fixture
def indexed(adapters: Adapters, ticketmill: Run, work_off: WorkOff, stack_name: str, tmp_path: Path) -> None:
    """The tickets, enriched by a worker and put into the index."""
    for ticket_id, (subject, body) in TICKETS.items():
        document = {"ticket_id": ticket_id, "subject": subject, "body": body, "customer_id": "CUST-1"}
        (tmp_path / f"{ticket_id}.json").write_text(json.dumps(document))
        ticketmill("drop", tmp_path / f"{ticket_id}.json")
    work_off()
    rows = adapters.queries.rows_of(list(TICKETS))
    keys = [row.enriched_key for row in rows if row.enriched_key]
    entries = [entry_of(read_enriched(adapters.enriched_tickets.get(key)), key) for key in keys]
    open_index(load_settings(stack=stack_name)).put([each for each in entries if each is not None])


@pytest.mark.usefixtures("indexed")
def test_a_proposal_is_confirmed_listed_and_taken_back(ticketmill: Run) -> None:
    proposed = json.loads(ticketmill("duplicates", "of", "D-3", "--json").stdout)["candidates"]
    first = proposed[0]
    assert (first["ticket_id"], first["is_same_customer"]) == ("D-1", True)
    assert {"kind": "order_number", "value": "4711-33"} in first["shared_entities"]
    told = ticketmill("duplicates", "of", "D-3", "--limit", "1").stdout
    assert "the customer" in told and "order number 4711-33" in told

    ticketmill("duplicates", "deny", "D-3", "D-2")
    ticketmill("duplicates", "confirm", "D-3", "D-1")
    assert json.loads(ticketmill("duplicates", "of", "D-3", "--json").stdout)["candidates"] == []
    (group,) = json.loads(ticketmill("duplicates", "list", "--json").stdout)["groups"]
    assert group["reference"]["ticket_id"] == "D-1"
    assert [each["ticket_id"] for each in group["duplicates"]] == ["D-3"]
    assert "D-3" in ticketmill("duplicates", "list").stdout
    ticketmill("duplicates", "undo", "D-3")
    assert json.loads(ticketmill("duplicates", "list", "--json").stdout) == {"groups": []}


def test_what_cannot_be_asked_for_is_told(ticketmill: Run, work_off: WorkOff, tmp_path: Path) -> None:
    assert "no ticket D-9" in ticketmill("duplicates", "of", "D-9", code=ExitCode.NOT_FOUND).stderr
    (tmp_path / "ticket.json").write_text(json.dumps({"ticket_id": "D-8", "body": "My card is lost."}))
    ticketmill("drop", tmp_path)
    work_off()
    said = ticketmill("duplicates", "of", "D-8", code=ExitCode.NOT_FOUND)
    assert "not in the search index" in said.stderr
