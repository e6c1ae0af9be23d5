"""Each attempt stores an object of its own; what was done already is done again only by force."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from fakes import BUCKET, NOW, ticket
from world import World

from ticketmill.domain.enrichment import Enrichment
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.keys import id_of_key
from ticketmill.domain.labels import Status
from ticketmill.domain.message import Message, Upload, Uploads
from ticketmill.domain.row import FoundRows, TicketRow, partial_retry_due
from ticketmill.domain.ticket import Ticket
from ticketmill.pipeline.learned import Learned
from ticketmill.pipeline.outcome import Result

LATER = NOW + timedelta(seconds=5)


def enriched_by_another_meanwhile(world: World, message: Message) -> None:
    """Lets another worker see `message` through while the next batch is with the model."""
    enrich = world.enricher.enrich

    def overtaken(tickets: Sequence[Ticket], learned: Learned) -> list[Enrichment]:
        world.enricher.enrich = enrich  # type: ignore[method-assign]
        world.process(message)
        world.enricher.status = Status.PARTIAL
        return enrich(tickets, learned)

    world.enricher.enrich = overtaken  # type: ignore[method-assign]


def test_a_partial_enrichment_that_loses_leaves_row_and_object_in_agreement(world: World) -> None:
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    enriched_by_another_meanwhile(world, message)
    assert world.process(message) == {message.message_id: Result.DUPLICATE}
    row = world.row("T1")
    stored = json.loads(world.enriched.objects[row.enriched_key or ""])
    assert (row.status, stored["enrichment"]["status"]) == (Status.ENRICHED, "enriched")
    assert len(world.enriched.objects) == 2, "the loser's object stays, and nothing points to it"


def test_no_attempt_overwrites_the_object_of_another(world: World) -> None:
    stored: list[str] = []
    put = world.enriched.put
    world.enriched.put = lambda key, body: (stored.append(key), put(key, body))[1]  # type: ignore[method-assign]
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    world.enricher.status = Status.PARTIAL
    for _ in range(3):
        assert world.process(message) == {message.message_id: Result.PARTIAL}
    assert len(set(stored)) == len(stored) == 3
    assert world.row("T1").enriched_key == stored[-1]


def test_tokens_of_attempts_differ_by_themselves(world: World) -> None:
    tokens = {type(world.pipeline).attempt_token() for _ in range(100)}
    assert len(tokens) == 100


def forced(world: World) -> None:
    """Lets every message of the world ask for its upload by force."""
    world.pipeline = replace(
        world.pipeline,
        decode=lambda body: Uploads(tuple(Upload(BUCKET, key, key, force=True) for key in json.loads(body))),
    )


def test_an_enriched_object_that_was_deleted_is_made_again_by_force_alone(world: World) -> None:
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    world.process(message)
    world.enriched.objects.clear()
    assert world.process(message) == {message.message_id: Result.DUPLICATE}
    assert world.enriched.objects == {}
    forced(world)
    assert world.process(message) == {message.message_id: Result.ENRICHED}
    assert world.row("T1").enriched_key in world.enriched.objects


def test_force_does_not_let_the_past_win(world: World) -> None:
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    world.serve("f2")
    world.process(message)
    forced(world)
    world.serial, world.enricher.fingerprint = 1, "f1"
    assert world.process(message) == {message.message_id: Result.SUPERSEDED}
    assert world.row("T1").fingerprint == "f2"


def test_a_record_that_stays_partial_is_due_again_after_twice_as_long_each_time(world: World) -> None:
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    world.enricher.status = Status.PARTIAL
    waits_h = []
    for attempt in range(1, 11):
        world.process(message)
        row = world.row("T1")
        assert row.partial_attempts == attempt
        waits_h.append(next(h for h in range(1000) if partial_retry_due(row, NOW + timedelta(hours=h))))
    assert waits_h == [1, 2, 4, 8, 16, 32, 64, 128, 168, 168]


def test_another_upload_or_another_bundle_starts_to_count_anew(world: World) -> None:
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    world.enricher.status = Status.PARTIAL
    world.process(message)
    world.process(message)
    world.serve("f2")
    world.process(message)
    assert world.row("T1").partial_attempts == 1
    world.process(message)
    world.process(world.raw.drop("tickets/T1.json", ticket("T1", "Another text."), at=LATER))
    assert world.row("T1").partial_attempts == 1
    world.enricher.status = Status.ENRICHED
    world.process(
        world.raw.drop("tickets/T1.json", ticket("T1", "A third text."), at=LATER + timedelta(seconds=1))
    )
    row = world.row("T1")
    assert row.partial_attempts == 0
    assert not partial_retry_due(row, NOW + timedelta(days=30))


def test_one_row_that_cannot_be_read_fails_its_own_ticket_alone(world: World) -> None:
    get_many = world.rows.get_many

    def found(ticket_ids: Sequence[str]) -> FoundRows:
        unreadable = {"T2": TransientFailure("a row in DynamoDB cannot be read: windows", "unreadable_row")}
        return FoundRows(get_many(ticket_ids), unreadable)

    world.rows.get_many = found  # type: ignore[method-assign,assignment]
    messages = [world.raw.drop(f"tickets/T{n}.json", ticket(f"T{n}")) for n in (1, 2, 3)]
    outcomes = {each.ticket_id: each for each in world.pipeline.process_batch(messages)}
    assert outcomes["T1"].result is outcomes["T3"].result is Result.ENRICHED
    assert (outcomes["T2"].result, outcomes["T2"].reason) == (Result.FAILED, "unreadable_row")


@pytest.mark.parametrize("key", ["tickets/#serving.json", "#serving", "#serving.json", "tickets/#serving"])
def test_no_upload_reaches_a_reserved_item_by_its_name(world: World, key: str) -> None:
    assert not id_of_key(key).startswith("#")
    world.process(world.raw.drop(key, b"{"))
    assert "#serving" not in world.rows.rows


def test_a_status_of_a_newer_ticketmill_counts_as_done(world: World) -> None:
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    world.process(message)
    newer: TicketRow = world.row("T1").model_copy(update={"status": "escalated"})
    world.rows.rows["T1"] = newer
    assert world.process(message) == {message.message_id: Result.DUPLICATE}
    world.process(world.raw.drop("tickets/T1.json", b"{", at=LATER))
    assert world.row("T1").status == "escalated"
    assert world.row("T1").rejection is not None
