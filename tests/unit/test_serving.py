"""Old and new workers at one table: for one upload the higher serial wins, in whichever order they come."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import permutations
from typing import Any

import pytest
from fakes import NOW, FakeEnricher, decode, ticket
from learned_samples import Place, model
from serving_contract import ServingDecisionsContract
from world import LATER, World

from ticketmill.aws.memory import MemoryServingDecisions, MemoryTicketRows
from ticketmill.domain.backfill import Selection
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import Message
from ticketmill.domain.rollout import Arm, Rollout
from ticketmill.domain.row import TicketRow
from ticketmill.domain.serving import ServingHistory
from ticketmill.operations.backfill import Backfill
from ticketmill.pipeline.batch import Pipeline
from ticketmill.pipeline.learned import Learned
from ticketmill.pipeline.outcome import Result
from ticketmill.pipeline.serving import ServingSerial, serve


class TestMemoryServingDecisions(ServingDecisionsContract):
    @pytest.fixture
    def decisions(self) -> MemoryServingDecisions:
        return MemoryServingDecisions()


def worker(world: World, fingerprint: str, serial: int, rows: Any = None) -> Pipeline:
    return Pipeline(
        raw_tickets=world.raw,
        enriched_tickets=world.enriched,
        rows=world.rows if rows is None else rows,
        decode=decode,
        enricher=FakeEnricher(fingerprint),
        executor=ThreadPoolExecutor(1),
        max_ticket_bytes=10_000,
        serving_serial=lambda: serial,
        attempt_token=lambda: f"{fingerprint}-at-{serial}",
        clock=lambda: NOW,
    )


class Interrupted(MemoryTicketRows):
    """A worker's sight of the table: between its look-up and its write others run to their end."""

    def __init__(self, table: MemoryTicketRows, others: Iterator[Any]) -> None:
        super().__init__(table.rows)
        self.others = others

    def put(self, row: TicketRow, replaces: TicketRow | None) -> bool:
        for other in self.others:
            other()
        return super().put(row, replaces)


def result_of(pipeline: Pipeline, message: Message) -> Result:
    (outcome,) = pipeline.process_batch([message])
    return outcome.result


@pytest.mark.parametrize("order", list(permutations([1, 2, 3])))
def test_whoever_comes_last_the_row_ends_with_the_higher_serial(order: tuple[int, ...]) -> None:
    world = World()
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    for serial in order:
        result_of(worker(world, f"f{serial}", serial), message)
    assert (world.row("T1").fingerprint, world.row("T1").serving_serial) == ("f3", 3)


@pytest.mark.parametrize("order", list(permutations([1, 2, 3])))
def test_workers_that_overtake_each_other_end_with_the_higher_serial_too(order: tuple[int, ...]) -> None:
    """Each looks up before the next one runs, and writes after it."""
    world = World()
    message = world.raw.drop("tickets/T1.json", ticket("T1"))

    def run(serials: tuple[int, ...]) -> None:
        others = iter([lambda: run(serials[1:])] if serials[1:] else [])
        result_of(worker(world, f"f{serials[0]}", serials[0], Interrupted(world.rows, others)), message)

    run(order)
    assert (world.row("T1").fingerprint, world.row("T1").serving_serial) == ("f3", 3)
    assert world.row("T1").enriched_key in world.enriched.objects


def test_an_old_worker_acknowledges_what_a_newer_one_made_and_writes_nothing(world: World) -> None:
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    assert result_of(worker(world, "f2", 2), message) is Result.ENRICHED
    before = world.row("T1")
    old = worker(world, "f1", 1)
    assert result_of(old, message) is Result.SUPERSEDED
    assert world.row("T1") == before
    assert len(world.enriched.objects) == 1


def test_a_newer_upload_wins_whatever_enriched_it(world: World) -> None:
    result_of(worker(world, "f2", 2), world.raw.drop("tickets/T1.json", ticket("T1")))
    newer = world.raw.drop("tickets/T1.json", ticket("T1", "Another text."), at=LATER)
    assert result_of(worker(world, "f1", 1), newer) is Result.ENRICHED
    assert (world.row("T1").fingerprint, world.row("T1").raw.last_modified) == ("f1", LATER)


def test_the_same_content_uploaded_again_keeps_the_enrichment_of_the_higher_serial(world: World) -> None:
    result_of(worker(world, "f2", 2), world.raw.drop("tickets/T1.json", ticket("T1")))
    again = world.raw.drop("tickets/T1.json", ticket("T1"), at=LATER)
    result_of(worker(world, "f1", 1), again)
    row = world.row("T1")
    assert (row.fingerprint, row.serving_serial, row.raw.last_modified) == ("f2", 2, LATER)


def test_rolled_back_the_old_bundle_wins_and_an_enrichment_of_its_own_is_kept(world: World) -> None:
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    result_of(worker(world, "f1", 1), message)
    assert result_of(worker(world, "f1", 3), message) is Result.DUPLICATE
    assert world.row("T1").serving_serial == 3
    assert len(world.enriched.objects) == 1, "the model did not run again"
    assert result_of(worker(world, "f2", 2), message) is Result.SUPERSEDED
    assert world.row("T1").fingerprint == "f1"


def test_two_bundles_that_no_decision_chose_do_not_replace_each_other(world: World) -> None:
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    result_of(worker(world, "f1", 0), message)
    assert result_of(worker(world, "f2", 0), message) is Result.SUPERSEDED
    assert result_of(worker(world, "f1", 0), message) is Result.DUPLICATE
    assert world.row("T1").fingerprint == "f1"


def serial_of(
    decisions: MemoryServingDecisions, fingerprint: str, now_s: list[float], *, decides: bool = True
) -> ServingSerial:
    return ServingSerial(
        decisions, fingerprint, "host", decides=decides, refresh_s=30, monotonic=lambda: now_s[0]
    )


def test_a_new_bundle_serves_at_once_and_an_old_worker_that_starts_again_keeps_its_serial() -> None:
    decisions = MemoryServingDecisions()
    assert serial_of(decisions, "f1", [0.0])() == 1
    assert serial_of(decisions, "f2", [0.0])() == 2
    assert serial_of(decisions, "f1", [0.0])() == 1


def test_where_people_decide_a_bundle_that_never_served_has_the_serial_0_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    decisions = MemoryServingDecisions()
    assert serial_of(decisions, "f1", [0.0], decides=False)() == 0
    assert "ticketmill models serve f1" in caplog.text
    assert decisions.history().current is None


def test_a_worker_sees_a_decision_after_half_a_minute() -> None:
    decisions, now_s = MemoryServingDecisions(), [0.0]
    old = serial_of(decisions, "f1", now_s)
    assert old() == 1
    serve(decisions, "f2", "ann", NOW)
    serve(decisions, "f1", "ann", NOW)
    now_s[0] = 29.0
    assert old() == 1
    now_s[0] = 30.0
    assert old() == 3


class Unreachable(MemoryServingDecisions):
    reachable = True

    def history(self) -> ServingHistory:
        if not self.reachable:
            raise TransientFailure("reading the serving decisions from DynamoDB: ThrottlingException")
        return super().history()


def test_while_the_decisions_cannot_be_read_the_last_serial_holds() -> None:
    decisions, now_s = Unreachable(), [0.0]
    serial = serial_of(decisions, "f1", now_s)
    assert serial() == 1
    decisions.reachable = False
    now_s[0] = 31.0
    assert serial() == 1


def test_without_any_serial_a_batch_is_left_to_the_queue_and_no_model_runs(world: World) -> None:
    decisions = Unreachable()
    decisions.reachable = False
    pipeline = replace(worker(world, "f1", 0), serving_serial=serial_of(decisions, "f1", [0.0]))
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    assert result_of(pipeline, message) is Result.FAILED
    assert world.enriched.objects == {}


def following(world: World, rollout: Rollout, serving_serial: int = 1) -> Pipeline:
    """A worker with one bundle that follows `rollout`."""
    models = {
        (task, number): model(task, number)
        for task, each in rollout.tasks.items()
        for number in each.versions
    }
    pipeline = worker(world, "f1", serving_serial)
    return replace(
        pipeline,
        learned=lambda: Learned(rollout, models),
        attempt_token=lambda: f"at-{serving_serial}-{rollout.serial}",
    )


@pytest.mark.parametrize("order", list(permutations([(1, 0), (1, 1), (1, 2), (2, 0)])))
def test_whoever_comes_last_the_row_ends_with_the_higher_pair_of_serials(
    order: tuple[tuple[int, int], ...],
) -> None:
    place = Place()
    rollouts = [Rollout(), place.promote(1), place.promote(2)]
    world = World()
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    for serving_serial, serial in order:
        result_of(following(world, rollouts[serial], serving_serial), message)
    row = world.row("T1")
    assert (row.serving_serial, row.rollout_serial) == (2, 0)


def test_a_worker_that_missed_a_decision_replaces_nothing_that_was_made_under_it(world: World) -> None:
    place = Place()
    first, second = place.promote(1), place.promote(2)
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    assert result_of(following(world, second), message) is Result.ENRICHED
    before = world.row("T1")
    assert result_of(following(world, first), message) is Result.SUPERSEDED
    assert world.row("T1") == before
    assert (before.models["intent"], before.rollout_serial) == ("intent/v2", 2)


def test_a_decision_that_changes_nothing_for_a_ticket_raises_its_serial_alone(world: World) -> None:
    place = Place()
    first, shadowed = place.promote(1), place.shadow(2)
    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    result_of(following(world, first), message)
    assert result_of(following(world, shadowed), message) is Result.DUPLICATE
    assert world.row("T1").rollout_serial == 2
    assert len(world.enriched.objects) == 1, "the model did not run again"


def test_only_the_tickets_of_a_canary_are_made_again_when_it_begins(world: World) -> None:
    place = Place()
    first, canary = place.promote(1), place.canary(2, 25)
    names = [f"T{number}" for number in range(40)]
    messages = [world.raw.drop(f"tickets/{each}.json", ticket(each)) for each in names]
    for message in messages:
        result_of(following(world, first), message)
    results = [result_of(following(world, canary), message) for message in messages]
    on_canary = [canary.tasks["intent"].arm_of(each) is Arm.CANARY for each in names]
    assert 0 < sum(on_canary) < len(names)
    assert [each is Result.ENRICHED for each in results] == on_canary
    for name, is_canary in zip(names, on_canary, strict=True):
        row = world.row(name)
        assert row.models["intent"] == ("intent/v2" if is_canary else "intent/v1")
        assert row.arms == ({"intent": "canary"} if is_canary else {})


def test_a_backfill_finds_the_tickets_that_a_decision_changes(world: World, backfill: Backfill) -> None:
    place = Place()
    first, canary = place.promote(1), place.canary(2, 25)
    for number in range(40):
        message = world.raw.drop(f"tickets/T{number}.json", ticket(f"T{number}"))
        result_of(following(world, first), message)
    now = replace(backfill, fingerprint_of=partial(canary.fingerprint_for, "f1"))
    (page,) = now.pages(Selection(outdated=True))
    assert {each.ticket_id for each in page.chosen} == {
        f"T{number}" for number in range(40) if canary.tasks["intent"].arm_of(f"T{number}") is Arm.CANARY
    }


def test_without_any_decision_ever_read_a_batch_is_left_to_the_queue(world: World) -> None:
    def down() -> Learned:
        raise TransientFailure("reading the rollout from DynamoDB", dependency="dynamodb")

    message = world.raw.drop("tickets/T1.json", ticket("T1"))
    assert result_of(replace(worker(world, "f1", 1), learned=down), message) is Result.FAILED
    assert world.enriched.objects == {}
