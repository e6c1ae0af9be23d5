"""SIGKILL anywhere in an indexer, events twice and in any order: what is searchable is what is enriched."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from commands import runner_here
from rows_contract import row
from test_row import ENRICHMENT

from ticketmill import bootstrap
from ticketmill.aws.clients import Clients
from ticketmill.aws.events import encode_upload
from ticketmill.aws.sqs import SqsQueue
from ticketmill.bootstrap import Adapters
from ticketmill.bootstrap.index_care import connect_index_care
from ticketmill.bootstrap.search import index_model
from ticketmill.deploy.search_stack import deploy_search, find_index_queues
from ticketmill.deploy.stack import Stack
from ticketmill.domain.enrichment import EnrichedTicket
from ticketmill.domain.keys import enriched_key
from ticketmill.settings import load_settings

INDEXER = Path(__file__).with_name("killed_indexer.py")
TICKETS = 500
DEATHS = (("put", 3), ("after-put", 2))
"""After a put is before its acknowledgement."""


@pytest.fixture
def place(clients: Clients, stack: Stack, environment: dict[str, str]) -> dict[str, str]:
    """What an indexer needs to know; what a dead one had in hand comes again soon."""
    deploy_search(clients, environment["TICKETMILL_STACK"])
    soon = {"VISIBILITY_TIMEOUT_S": "4", "HEARTBEAT_S": "1", "RETRY_BASE_S": "0"}
    return {**os.environ, **environment, **{f"TICKETMILL_{name}": value for name, value in soon.items()}}


def enrich(adapters: Adapters, model: str) -> list[str]:
    """Objects and rows as a worker leaves them, some of them twice; the keys of all objects."""
    random_vectors = np.random.default_rng(7)
    keys: list[str] = []

    def store(number: int) -> None:
        ticket_id, replaced = f"T{number:04}", None
        for attempt in range(1, 3 if number % 10 == 0 else 2):
            vector = tuple(random_vectors.normal(size=384).tolist())
            key = enriched_key(ticket_id, "ab12", "f1", f"a{attempt}")
            ticket = EnrichedTicket(
                ticket_id=ticket_id,
                subject=f"Order {number}",
                body="It is late.",
                enrichment=ENRICHMENT.model_copy(update={"embedding": vector, "models": {"encoder": model}}),
            )
            adapters.enriched_tickets.put(key, ticket.model_dump_json().encode())
            written = row(ticket_id, enriched_key=key, revision=attempt)
            assert adapters.rows.put(written, replaced)
            replaced = written
            keys.append(key)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(store, range(TICKETS)))
    return keys


@pytest.mark.timeout(240)
def test_killed_anywhere_with_events_twice_and_in_any_order_it_indexes_each_enrichment_once(
    place: dict[str, str], clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in place.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    adapters = bootstrap.connect(settings)
    keys = enrich(adapters, index_model(settings))
    again = random.Random(7).sample(keys, len(keys) // 2)
    queues = find_index_queues(clients, settings.stack)
    assert queues is not None
    queue = SqsQueue(clients.sqs, queues.queue_url)
    assert not any(queue.send_many([encode_upload(adapters.stack.enriched_bucket, key) for key in again]))

    for step, at in DEATHS:
        died = subprocess.run([sys.executable, INDEXER, step, str(at)], env=place, check=False, timeout=60)
        assert died.returncode == -signal.SIGKILL, step
    runner_here(place)("index", "work", "--until-empty")

    care = connect_index_care(settings, adapters)
    rows = adapters.rows.get_many(f"T{number:04}" for number in range(TICKETS))
    pointed_to = {each.enriched_key for each in rows.values()}
    entries = [key for some in care.store.keys() for key, _ in some]  # noqa: SIM118
    assert sorted(key for key in entries if key in pointed_to) == sorted(pointed_to)
    assert sorted(entries) == sorted(keys)
    assert care.check.look().is_right
    assert SqsQueue(clients.sqs, queues.dead_letter_queue_url or "").is_empty()
