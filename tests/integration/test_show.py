"""`ticketmill show`: for people, for programs, and where something is missing."""

from __future__ import annotations

import json

import pytest
from commands import Run, WorkOff, runner_here

from ticketmill.aws.clients import Clients
from ticketmill.bootstrap import Adapters
from ticketmill.deploy.stack import Stack

BODY = "My password is refused.\n\n\n\n\nPlease help."


@pytest.fixture
def enriched_key(adapters: Adapters, work_off: WorkOff) -> str:
    """A ticket T1 that was enriched; the key of its enriched object."""
    body = json.dumps({"ticket_id": "T1", "subject": "Cannot login", "body": BODY}).encode()
    adapters.raw_tickets.put("tickets/T1.json", body)
    work_off()
    row = adapters.rows.get("T1")
    assert row is not None
    assert row.enriched_key is not None
    return row.enriched_key


def test_people_see_booleans_latencies_and_texts_as_people_write_them(
    enriched_key: str, ticketmill: Run
) -> None:
    shown = ticketmill("show", "T1").stdout
    lines = [line.strip("│ ") for line in shown.splitlines()]
    values = {name.strip(): value.strip() for name, _, value in (line.partition("│") for line in lines)}
    assert values["priority conflict"] == "no"
    assert values["latency"].startswith("queue ")
    assert values["latency"].count(" ms") + values["latency"].count(" s") == 3
    assert "True" not in shown
    assert "False" not in shown
    body = next(number for number, line in enumerate(lines) if line.startswith("body"))
    assert lines[body + 1] == "│" or lines[body + 1] == ""
    assert "Please help." in lines[body + 2], "one empty line, not four"


def test_an_enriched_object_that_is_gone_is_told_with_how_to_make_it_again(
    enriched_key: str, clients: Clients, stack: Stack, ticketmill: Run
) -> None:
    clients.s3.delete_object(Bucket=stack.enriched_bucket, Key=enriched_key)
    done = ticketmill("show", "T1", code=5)
    assert "login_issue" in done.stdout, "the row is shown"
    assert f"{enriched_key} is gone; make it again: ticketmill backfill --ids T1 --force" in done.stderr
    answered = json.loads(ticketmill("show", "T1", "--json", code=5).stdout)
    assert (answered["row"]["ticket_id"], answered["ticket"]) == ("T1", None)


def test_an_object_of_a_newer_version_is_shown_as_far_as_it_is_known(
    enriched_key: str, clients: Clients, stack: Stack, ticketmill: Run
) -> None:
    stored = clients.s3.get_object(Bucket=stack.enriched_bucket, Key=enriched_key)["Body"].read()
    newer = json.loads(stored) | {"schema_version": 99, "mood": "sunny"}
    newer["enrichment"]["latency_ms"] = "fast"
    body = json.dumps(newer).encode()
    clients.s3.put_object(Bucket=stack.enriched_bucket, Key=enriched_key, Body=body)
    done = ticketmill("show", "T1")
    assert "login_issue" in done.stdout
    assert "Traceback" not in done.stderr
    assert json.loads(ticketmill("show", "T1", "--json").stdout)["ticket"]["mood"] == "sunny"


def test_a_ticket_that_nobody_knows_is_not_found(stack: Stack, ticketmill: Run) -> None:
    done = ticketmill("show", "T404", code=5)
    assert done.stdout == ""
    assert "no ticket T404" in done.stderr


def test_a_ticket_is_shown_by_the_id_of_its_helpdesk_with_its_warnings(
    clients: Clients, stack: Stack, ticketmill: Run
) -> None:
    body = json.dumps({"ticket_id": "#1042", "subject": "Cannot login", "body": BODY, "priority": "soon"})
    clients.s3.put_object(Bucket=stack.raw_bucket, Key="tickets/odd.json", Body=body.encode())
    ticketmill("work", "--max-tickets", 1, "--for", 60)
    for name in ("#1042", "esc:=231042"):
        shown = ticketmill("show", name).stdout
        assert "id_mapped: ticket_id (#1042)" in shown
        assert "unknown_form: priority (soon)" in shown


ENTITIES = {
    "ticket_id": "T2",
    "subject": "Order 60417",
    "body": "My order 60417 has not arrived.\nCall me on +44 20 7946 0000, card 4111 1111 1111 1111.",
}


def test_entities_are_shown_and_filtered_by_and_a_card_is_in_the_raw_object_alone(
    adapters: Adapters, work_off: WorkOff, clients: Clients, ticketmill: Run
) -> None:
    adapters.raw_tickets.put("tickets/T2.json", json.dumps(ENTITIES).encode())
    work_off()
    shown = ticketmill("show", "T2").stdout
    assert "order number" in shown
    assert "+442079460000" in shown
    assert [json.loads(line)["ticket_id"] for line in _lines(ticketmill, "order_number")] == ["T2"]
    assert not _lines(ticketmill, "iban")
    assert "4111" not in shown + ticketmill("show", "T2", "--json").stdout
    row = adapters.rows.get("T2")
    assert row is not None
    assert row.enriched_key is not None
    assert b"4111" not in (adapters.enriched_tickets.get(row.enriched_key) or b"")


def _lines(ticketmill: Run, kind: str) -> list[str]:
    return ticketmill("list", "--entities", kind, "--json").stdout.splitlines()


def test_what_is_to_be_masked_is_hidden_in_every_answer_and_stored_as_it_is(
    adapters: Adapters, work_off: WorkOff, environment: dict[str, str]
) -> None:
    adapters.raw_tickets.put("tickets/T2.json", json.dumps(ENTITIES).encode())
    work_off()
    masked = runner_here(environment | {"TICKETMILL_MASK": "phone"})
    for command in (
        ("show", "T2"),
        ("show", "T2", "--json"),
        ("list", "--json"),
        ("list", "--csv"),
        ("list",),
    ):
        printed = masked(*command).stdout
        assert "7946" not in printed
        assert "60417" in printed
    row = adapters.rows.get("T2")
    assert row is not None
    assert "+442079460000" in row.model_dump_json()
