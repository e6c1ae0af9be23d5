"""Serving decisions on DynamoDB, and the command that makes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from commands import Run
from serving_contract import ServingDecisionsContract

from ticketmill.aws.clients import Clients
from ticketmill.aws.serving import DynamoServingDecisions
from ticketmill.bootstrap import Adapters
from ticketmill.deploy.stack import Stack
from ticketmill.domain.errors import TransientFailure


class TestDynamoServingDecisions(ServingDecisionsContract):
    @pytest.fixture
    def decisions(self, clients: Clients, stack: Stack) -> DynamoServingDecisions:
        return DynamoServingDecisions(clients.dynamodb, stack.table)


def test_a_failure_of_dynamodb_is_transient_and_names_its_code(clients: Clients) -> None:
    nowhere = DynamoServingDecisions(clients.dynamodb, "no-such-table")
    with pytest.raises(
        TransientFailure, match="reading the serving decisions from DynamoDB: ResourceNotFound"
    ):
        nowhere.history()


def test_the_command_promotes_rolls_back_and_shows_what_was_decided(
    ticketmill: Run, adapters: Adapters
) -> None:
    adapters.serving.add(adapters.serving.history().next("0ld0ld0ld0ld", "a-worker", datetime.now(UTC)))
    assert json.loads(ticketmill("models", "serve", "--json").stdout)["serial"] == 2
    assert "serial 3" in ticketmill("models", "serve", "0ld0ld0ld0ld").stdout
    assert "serial 3" in ticketmill("models", "serve", "0ld0ld0ld0ld").stdout
    refused = ticketmill("models", "serve", "nosuchbundle", code=2)
    assert "0ld0ld0ld0ld" in refused.stderr
    history = [
        json.loads(line) for line in ticketmill("models", "serve", "--history", "--json").stdout.splitlines()
    ]
    assert [each["serial"] for each in history] == [3, 2]
    assert "0ld0ld0ld0ld" in ticketmill("models", "serve", "--history").stdout


def test_a_bundle_serves_from_its_first_ticket_on_and_an_older_one_replaces_nothing_of_it(
    ticketmill: Run, ticketmill_process: Run, adapters: Adapters, environment: dict[str, str]
) -> None:
    ticket = {"ticket_id": "T1", "subject": "Help", "body": "I cannot log in since this morning."}
    adapters.raw_tickets.put("tickets/T1.json", json.dumps(ticket).encode())
    ticketmill("work", "--until-empty")
    first = adapters.rows.get("T1")
    assert first is not None
    assert first.serving_serial == 1

    adapters.queue.send('{"ticket_id": "T1"}')
    environment["TICKETMILL_URGENCY"] = "rules"
    assert json.loads(ticketmill("work", "--until-empty", "--json").stdout)["enriched"] == 1
    second = adapters.rows.get("T1")
    assert second is not None
    assert second.serving_serial == 2
    assert second.fingerprint != first.fingerprint

    adapters.queue.send('{"ticket_id": "T1"}')
    del environment["TICKETMILL_URGENCY"]
    done = ticketmill_process("work", "--until-empty", "--json")
    assert json.loads(done.stdout)["superseded"] == 1
    assert f"models serve {first.fingerprint}" in done.stderr
    assert adapters.rows.get("T1") == second

    adapters.queue.send('{"ticket_id": "T1"}')
    ticketmill("models", "serve")
    ticketmill("work", "--until-empty")
    last = adapters.rows.get("T1")
    assert last is not None
    assert (last.fingerprint, last.serving_serial) == (first.fingerprint, 3)
    stored = json.loads(adapters.enriched_tickets.get(last.enriched_key or ""))
    assert stored["enrichment"]["serving_serial"] == 3
