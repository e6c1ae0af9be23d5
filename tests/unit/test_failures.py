"""What a failed attempt leaves behind, and that it harms no neighbour."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fakes import (
    NOW,
    ticket,
)
from world import World

from ticketmill.domain.enrichment import Enrichment
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.labels import Status
from ticketmill.domain.message import RawObject, Upload
from ticketmill.domain.row import TicketRow
from ticketmill.domain.ticket import Ticket
from ticketmill.pipeline.learned import Learned
from ticketmill.pipeline.outcome import Result, acknowledgeable


def test_without_its_object_no_row_is_written_and_the_message_is_left(world: World) -> None:
    def refuse(key: str, body: bytes) -> None:
        raise TransientFailure("storing an enrichment in S3: SlowDown")

    world.enriched.put = refuse  # type: ignore[method-assign]
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    outcomes = world.pipeline.process_batch([message])
    assert [outcome.result for outcome in outcomes] == [Result.FAILED]
    assert acknowledgeable([message], outcomes) == []
    assert world.row("T1").status is Status.FAILED
    assert world.row("T1").enriched_key is None


def test_a_failed_attempt_leaves_its_reason_on_the_row_until_another_succeeds(world: World) -> None:
    put = world.enriched.put

    def refuse(key: str, body: bytes) -> None:
        raise TransientFailure("storing an enrichment in S3: SlowDown", "SlowDown")

    world.enriched.put = refuse  # type: ignore[method-assign]
    message = replace(world.raw.drop("tickets/T1.json", ticket("T1")), receive_count=3)
    world.process(message)
    failure = world.row("T1").failure
    assert failure is not None
    assert (failure.code, failure.attempts, failure.key) == ("SlowDown", 3, "tickets/T1.json")
    assert failure.message == "storing an enrichment in S3: SlowDown"
    world.enriched.put = put  # type: ignore[method-assign]
    assert world.process(message)["m1"] is Result.ENRICHED
    assert (world.row("T1").status, world.row("T1").failure) == (Status.ENRICHED, None)


def test_a_failed_attempt_keeps_a_good_row_and_a_duplicate_of_what_made_it_clears_the_reason(
    world: World,
) -> None:
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    world.process(message)
    fetch = world.raw.fetch

    def time_out(upload: Upload, max_bytes: int) -> RawObject | None:
        raise TransientFailure("fetching a ticket from S3: ReadTimeoutError", "ReadTimeoutError")

    world.raw.fetch = time_out  # type: ignore[method-assign]
    world.process(message)
    row = world.row("T1")
    assert row.status is Status.ENRICHED
    assert row.failure is not None and row.failure.code == "ReadTimeoutError"
    world.raw.fetch = fetch  # type: ignore[method-assign]
    assert world.process(message)["m1"] is Result.DUPLICATE
    assert world.row("T1").failure is None


def test_an_object_that_cannot_be_read_makes_no_row_under_an_id_that_is_only_guessed(world: World) -> None:
    fetch = world.raw.fetch

    def time_out(upload: Upload, max_bytes: int) -> RawObject | None:
        raise TransientFailure("fetching a ticket from S3: ReadTimeoutError")

    message = world.raw.drop("tickets/elsewhere.json", ticket("T1"))
    world.raw.fetch = time_out  # type: ignore[method-assign]
    assert world.process(message)["m1"] is Result.FAILED
    world.raw.fetch = fetch  # type: ignore[method-assign]
    assert world.process(message)["m1"] is Result.ENRICHED
    assert set(world.rows.rows) == {"T1"}


def test_a_ticket_that_failed_before_its_object_could_be_read_can_still_be_rejected(world: World) -> None:
    fetch = world.raw.fetch

    def time_out(upload: Upload, max_bytes: int) -> RawObject | None:
        raise TransientFailure("fetching a ticket from S3: ReadTimeoutError")

    message = world.raw.drop("tickets/T1.json", b"not json", at=NOW - timedelta(hours=1))
    world.raw.fetch = time_out  # type: ignore[method-assign]
    world.process(message)
    world.raw.fetch = fetch  # type: ignore[method-assign]
    assert world.process(message)["m1"] is Result.REJECTED
    assert world.row("T1").status is Status.REJECTED


def test_a_reason_that_cannot_be_written_leaves_the_message_to_the_queue_all_the_same(world: World) -> None:
    def refuse(row: TicketRow, replaces: TicketRow | None) -> bool:
        raise TransientFailure("writing a row to DynamoDB: ThrottlingException")

    world.rows.put = refuse  # type: ignore[method-assign]
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    assert world.process(message) == {"m1": Result.FAILED}
    assert world.rows.rows == {}


class Counted:
    """A table that counts its requests."""

    def __init__(self, world: World) -> None:
        self.requests: list[str] = []
        self._rows = world.rows

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._rows, name)

        def counted(*given: Any, **named: Any) -> Any:
            self.requests.append(name)
            return method(*given, **named)

        return counted


def failing(error: TransientFailure) -> Callable[..., Any]:
    def fail(*_: object) -> Any:
        raise error

    return fail


def test_a_failure_is_noted_by_one_write_and_no_second_look(world: World) -> None:
    counted = Counted(world)
    world.pipeline = replace(world.pipeline, rows=counted)
    world.enriched.put = failing(TransientFailure("storing: SlowDown", "SlowDown"))  # type: ignore[method-assign]
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    world.process(message)
    world.process(message)
    assert counted.requests == ["get_many", "put", "get_many", "note_failure"]
    assert world.row("T1").failure is not None


def test_a_failure_of_dynamodb_is_not_noted_in_dynamodb(world: World) -> None:
    counted = Counted(world)
    world.pipeline = replace(world.pipeline, rows=counted)
    failure = TransientFailure("writing a row to DynamoDB: ThrottlingException", dependency="dynamodb")
    world.enriched.put = failing(failure)  # type: ignore[method-assign]
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    assert world.process(message) == {message.message_id: Result.FAILED}
    assert counted.requests == ["get_many"]


def test_a_note_that_comes_late_harms_no_enrichment_of_another_worker(world: World) -> None:
    put = world.enriched.put
    message = world.raw.drop("tickets/T1.json", ticket("T1"))

    def overtaken_and_refused(key: str, body: bytes) -> None:
        world.enriched.put = put  # type: ignore[method-assign]
        world.process(message)
        raise TransientFailure("storing an enrichment in S3: SlowDown", "SlowDown")

    world.enriched.put = overtaken_and_refused  # type: ignore[method-assign]
    assert world.process(message) == {message.message_id: Result.FAILED}
    assert world.row("T1").status is Status.ENRICHED
    assert world.row("T1").failure is None


def test_large_tickets_are_read_one_at_a_time(world: World) -> None:
    world.pipeline = replace(world.pipeline, large_bytes=1000)
    enrich, together = world.enricher.enrich, []

    def record(tickets: Sequence[Ticket], learned: Learned) -> list[Enrichment]:
        together.append([each.ticket_id for each in tickets])
        return enrich(tickets, learned)

    world.enricher.enrich = record  # type: ignore[method-assign]
    drops = [
        world.raw.drop(f"tickets/{name}.json", ticket(name, body="x" * size))
        for name, size in (("L1", 2000), ("S1", 10), ("L2", 3000), ("S2", 10))
    ]
    assert set(world.process(*drops).values()) == {Result.ENRICHED}
    assert together == [["S1", "S2"], ["L1"], ["L2"]]


def test_a_ticket_that_breaks_the_model_fails_alone(world: World) -> None:
    messages = [world.raw.drop(f"tickets/T{n}.json", ticket(f"T{n}")) for n in range(9)]
    poison = world.raw.drop("tickets/bad.json", ticket("bad", body="poison"))
    results = world.process(*messages[:4], poison, *messages[4:])
    assert results.pop(poison.message_id) is Result.FAILED
    assert set(results.values()) == {Result.ENRICHED}
    assert sorted(world.enricher.seen) == [f"T{n}" for n in range(9)]
    assert world.row("bad").status is Status.FAILED
    failure = world.row("bad").failure
    assert failure is not None and failure.code == "fault"
    assert "poison" not in failure.message


def test_the_log_of_a_failure_names_the_ticket_and_never_quotes_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        world.process(world.raw.drop("tickets/bad.json", ticket("bad", body="poison 4111 1111")))
    assert "tickets/bad.json" in caplog.text
    assert "RuntimeError" in caplog.text
    assert "4111" not in caplog.text


def test_a_key_cannot_forge_a_line_of_the_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        world.process(world.raw.drop("tickets/x\n2026 CRITICAL forged.json", b"{"))
    assert "forged" in caplog.text
    assert not any(line.startswith("2026 CRITICAL") for line in caplog.text.splitlines())
