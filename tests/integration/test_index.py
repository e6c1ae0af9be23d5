"""From the enriched bucket to the search index: events, entries, and what readers find."""

from __future__ import annotations

import json

import pytest
from commands import Run, WorkOff

from ticketmill.aws.clients import Clients
from ticketmill.aws.sqs import SqsQueue
from ticketmill.aws.versions import S3ObjectVersions
from ticketmill.bootstrap import Adapters
from ticketmill.bootstrap.search import open_ticket_vectors
from ticketmill.domain.keys import INDEX_PREFIX
from ticketmill.queries.ticket_vectors import TicketVectors
from ticketmill.settings import load_settings


def drop(adapters: Adapters, *ticket_ids: str) -> None:
    for ticket_id in ticket_ids:
        body = json.dumps({"ticket_id": ticket_id, "body": f"I was charged twice for order {ticket_id}."})
        adapters.raw_tickets.put(f"tickets/{ticket_id}.json", body.encode())


@pytest.fixture
def vectors(environment: dict[str, str], stack_name: str, bundle_dir: str) -> TicketVectors:
    """A reader of the index."""
    return open_ticket_vectors(load_settings(stack=stack_name, bundle=bundle_dir))


def searchable(vectors: TicketVectors) -> list[str]:
    return sorted(vectors.current().keys)


def enriched_keys(adapters: Adapters, *ticket_ids: str) -> list[str]:
    rows = adapters.rows.get_many(ticket_ids)
    return sorted(row.enriched_key or "" for row in rows.values())


@pytest.mark.localstack
def test_an_enrichment_is_announced_on_the_index_queue(
    adapters: Adapters, index_queue: str, clients: Clients, work_off: WorkOff
) -> None:
    drop(adapters, "T1")
    work_off()
    (message,) = SqsQueue(clients.sqs, index_queue).receive(10, wait_s=20)
    (key,) = enriched_keys(adapters, "T1")
    assert key in message.body


def test_what_was_enriched_is_searchable_once_whatever_its_events_do(
    adapters: Adapters,
    index_queue: str,
    clients: Clients,
    work_off: WorkOff,
    ticketmill: Run,
    vectors: TicketVectors,
) -> None:
    drop(adapters, "T1", "T2", "T3")
    work_off()
    queue = SqsQueue(clients.sqs, index_queue)
    received = [each for _ in range(2) for each in queue.receive(10, wait_s=1)]
    queue.send_many([each.body for each in (*reversed(received), *received)])
    queue.release(received, delay_s=0)
    done = json.loads(ticketmill("index", "work", "--until-empty", "--json").stdout)
    assert done["failed"] == 0
    assert searchable(vectors) == enriched_keys(adapters, "T1", "T2", "T3")
    ticket = vectors.vector_of(enriched_keys(adapters, "T1")[0])
    assert ticket is not None
    assert vectors.nearest(ticket, 1)[0].ticket_id == "T1"


def objects_of_the_index(clients: Clients, bucket: str) -> bytes:
    """All that any version of any object under `index/` holds."""
    versions = S3ObjectVersions(clients.s3, bucket)
    return b"".join(versions.body(each) or b"" for each in versions.under(INDEX_PREFIX))


def test_a_forgotten_ticket_leaves_no_word_of_it_in_any_file_of_the_index(
    adapters: Adapters,
    index_queue: str,
    clients: Clients,
    work_off: WorkOff,
    ticketmill: Run,
    vectors: TicketVectors,
) -> None:
    for name, word in (("T1", "zanzibarium"), ("T2", "quokkaville")):
        body = json.dumps({"ticket_id": name, "subject": "Refund", "body": f"My order to {word} is late."})
        adapters.raw_tickets.put(f"tickets/{name}.json", body.encode())
    work_off()
    ticketmill("index", "work", "--until-empty")
    ticketmill("index", "rebuild")
    bucket = adapters.stack.enriched_bucket
    kept = objects_of_the_index(clients, bucket)
    assert b"zanzibarium" in kept
    assert b"quokkaville" in kept

    ticketmill("forget", "T1", "--yes")
    kept = objects_of_the_index(clients, bucket)
    assert b"zanzibarium" not in kept
    assert b"tickets/T1/" not in kept
    assert b"quokkaville" in kept
    assert searchable(vectors) == enriched_keys(adapters, "T2")


def test_what_is_missing_is_found_and_repaired_and_a_rebuild_has_all(
    adapters: Adapters, index_queue: str, work_off: WorkOff, ticketmill: Run, vectors: TicketVectors
) -> None:
    drop(adapters, "T1", "T2")
    work_off()
    found = json.loads(ticketmill("index", "verify", "--json", code=4).stdout)
    assert found["missing"] == enriched_keys(adapters, "T1", "T2")
    status = json.loads(ticketmill("index", "status", "--json").stdout)
    assert (status["entries"], status["waiting"], status["dead_letters"]) == (0, 2, 0)

    ticketmill("index", "verify", "--repair")
    assert searchable(vectors) == enriched_keys(adapters, "T1", "T2")
    assert "the index has what the rows say" in ticketmill("index", "verify").stdout

    before = json.loads(ticketmill("index", "status", "--json").stdout)["generation"]
    rebuilt = json.loads(ticketmill("index", "rebuild", "--json").stdout)
    assert rebuilt["entries"] == 2
    assert json.loads(ticketmill("index", "status", "--json").stdout)["generations"] == [
        before,
        rebuilt["generation"],
    ]
    last = json.loads(ticketmill("index", "rebuild", "--delete-previous", "--json").stdout)["generation"]
    assert json.loads(ticketmill("index", "status", "--json").stdout)["generations"] == [last]
    ticketmill("index", "compact")
    assert json.loads(ticketmill("index", "verify", "--json").stdout)["right"]
