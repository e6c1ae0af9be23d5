"""What becomes of surges: they are kept once, announced, spoken of, and closed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from surge_samples import surge_record
from surge_world import UNSEEN, SurgeWorld
from test_surges import NOON_S, burst

from ticketmill.aws.surge_events import SurgeBus
from ticketmill.domain.errors import LearningRefused, TransientFailure
from ticketmill.domain.schemas import schema_of
from ticketmill.domain.surge import (
    SurgeEventType,
    SurgeRecord,
    SurgeState,
    SurgeVerdict,
    current_first,
    surge_event,
)
from ticketmill.operations.forget import Traces
from ticketmill.operations.forget_surges import SurgesOfTicket
from ticketmill.operations.surge_found import SurgeLimits, past_surges
from ticketmill.operations.surge_records import SurgeRecords
from ticketmill.queries.ticket_stream import DAY_S

TEXT = "My card was declined again"


@pytest.fixture
def world(tmp_path: Path) -> SurgeWorld:
    return SurgeWorld(tmp_path)


class Late(SurgeRecords):
    """As a watch sees them that looks before another one writes."""

    def newest(self, limit: int | None = 50) -> list[SurgeRecord]:
        del limit
        return []


def types(world: SurgeWorld) -> list[str]:
    return [str(event.type) for event in world.sent]


def test_a_burst_is_kept_and_named_and_announced_once(world: SurgeWorld) -> None:
    watch = world.watch()
    assert watch.look() == []
    world.put(burst(3), TEXT)
    world.later(2)
    (found,) = watch.look()
    assert watch.look() == []
    record = world.one()
    assert record.name == "card declined"
    assert {f"T3-{number}" for number in range(12)} <= set(record.tickets)
    assert (record.ticket_count, record.state_at(world.now())) == (len(record.tickets), SurgeState.OPEN)
    assert record.n > 5 * record.expected
    assert 0 < record.p < 1e-4
    assert record.surge_id == found.surge_id
    assert types(world) == ["surge_opened"]


def test_it_takes_what_falls_into_it_and_closes_when_it_ebbs(world: SurgeWorld) -> None:
    watch = world.watch()
    world.put(burst(3, 8), TEXT)
    world.later(1.5)
    watch.look()
    before = world.one()
    world.put(burst(3, 12), TEXT)
    world.later(1)
    watch.look()
    assert world.one().ticket_count >= before.ticket_count + 4
    assert world.one().p < before.p
    world.later(9)
    watch.look()
    assert world.one().state_at(world.now()) is SurgeState.CLOSED
    assert world.one().closed_at is not None
    assert world.open == [1, 1, 0]
    assert types(world) == ["surge_opened", "surge_closed"]
    assert len({event.idempotency_key for event in world.sent}) == 2


def test_a_second_watch_and_one_that_starts_again_keep_one_record(world: SurgeWorld) -> None:
    first = world.watch()
    world.put(burst(3, 8), TEXT)
    world.later(1.5)
    first.look()
    second = world.watch()
    assert second.look() == []
    world.put(burst(3, 14), TEXT)
    world.later(1)
    assert len(second.look()) == 1
    assert first.look() == []
    assert {"T3-0", "T3-13"} <= set(world.one().tickets)
    assert types(world) == ["surge_opened"]


def test_of_two_watches_at_once_one_adds_the_record(world: SurgeWorld) -> None:
    world.put(burst(3), TEXT)
    world.later(2)
    first, second = world.watch(), world.watch()
    second.records = Late(second.records.items)
    first.look()
    assert second.look() == []
    second.records = world.records
    assert second.look() == []
    assert world.one().surge_id
    assert types(world) == ["surge_opened"]


def test_an_acknowledged_one_is_told_to_nobody_and_still_closes(world: SurgeWorld) -> None:
    watch = world.watch()
    world.put(burst(3), TEXT)
    world.later(2)
    watch.look()
    said = world.records.say(world.one().surge_id, SurgeVerdict.ACKNOWLEDGE, "anna", world.now())
    assert (said.state_at(world.now()), said.said and said.said.who) == (SurgeState.ACKNOWLEDGED, "anna")
    world.later(9)
    watch.look()
    assert world.one().state_at(world.now()) is SurgeState.CLOSED


def test_a_snoozed_one_is_open_again_after_its_time(world: SurgeWorld) -> None:
    world.put(burst(3), TEXT)
    world.later(2)
    world.watch().look()
    surge_id = world.one().surge_id
    world.records.say(surge_id, SurgeVerdict.SNOOZE, "anna", world.now(), timedelta(hours=1))
    assert world.one().state_at(world.now()) is SurgeState.SNOOZED
    world.later(1.1)
    assert world.one().state_at(world.now()) is SurgeState.OPEN


def dismiss_one(world: SurgeWorld) -> str:
    world.put(burst(3, 10), TEXT)
    world.later(2)
    world.watch().look()
    surge_id = world.one().surge_id
    world.records.say(surge_id, SurgeVerdict.DISMISS, "anna", world.now())
    return surge_id


def test_the_topic_of_a_dismissed_one_raises_no_alarm_again(world: SurgeWorld) -> None:
    dismissed = dismiss_one(world)
    world.sent.clear()
    world.later(72)
    again = [*burst(3, 10, NOON_S + 3 * DAY_S), *burst(UNSEEN, 10, NOON_S + 3 * DAY_S)]
    for number, each in enumerate(again):
        world.put([type(each)(f"R{number}", each.at_s, each.vector, each.customer)], TEXT)
    watch = world.watch()
    watch.look()
    states = {record.like: record.state_at(world.now()) for record in world.records.newest(2)}
    assert states == {dismissed: SurgeState.DISMISSED, None: SurgeState.OPEN}
    assert types(world).count("surge_opened") == 1
    held_back = next(each for each in world.records.newest() if each.like)
    world.records.say(held_back.surge_id, SurgeVerdict.ACKNOWLEDGE, "anna", world.now())
    watch.look()
    assert world.records.find(held_back.surge_id).state_at(world.now()) is SurgeState.ACKNOWLEDGED


def test_a_large_index_whose_vectors_are_compressed_gives_the_same(world: SurgeWorld) -> None:
    watch = world.watch()
    watch.vectors.exact_up_to = 500
    world.put(burst(3), TEXT)
    world.later(2)
    watch.look()
    record = world.one()
    world.records.say(record.surge_id, SurgeVerdict.DISMISS, "anna", world.now())
    world.later(72)
    for number, each in enumerate(burst(3, 10, NOON_S + 3 * DAY_S)):
        world.put([type(each)(f"R{number}", each.at_s, each.vector, each.customer)], TEXT)
    watch.look()
    assert {each.like for each in world.records.newest()} == {None, record.surge_id}


def test_a_far_more_surprising_one_of_a_dismissed_topic_raises_the_alarm(world: SurgeWorld) -> None:
    dismiss_one(world)
    world.later(72)
    for number, each in enumerate(burst(3, 30, NOON_S + 3 * DAY_S)):
        world.put([type(each)(f"R{number}", each.at_s - number * 400, each.vector, f"R{number}")], TEXT)
    world.watch().look()
    later = next(each for each in world.records.newest() if each.said is None)
    assert later.state_at(world.now()) is SurgeState.OPEN


def test_an_event_that_could_not_be_sent_is_sent_at_the_next_look(world: SurgeWorld) -> None:
    watch = world.watch()
    world.put(burst(3), TEXT)
    world.later(2)
    world.is_bus_down = True
    watch.look()
    world.is_bus_down = False
    watch.look()
    watch.look()
    assert types(world) == ["surge_opened"]


def test_a_forgotten_ticket_leaves_its_surge_and_does_not_come_back(world: SurgeWorld) -> None:
    watch = world.watch()
    world.put(burst(3, 10), TEXT)
    world.later(2)
    watch.look()
    holder, traces = SurgesOfTicket(world.records), Traces("T3-2")
    assert holder.left(traces) == [world.one().surge_id]
    assert (holder.remove(traces), holder.left(traces)) == (1, [])
    world.put(burst(3, 12), TEXT)
    world.later(0.1)
    watch.look()
    assert "T3-2" not in world.one().tickets
    assert "T3-11" in world.one().tickets
    assert "T3-2" not in world.one().model_dump_json()


def test_too_few_customers_are_no_surge(world: SurgeWorld) -> None:
    world.put(burst(3), TEXT)
    world.later(2)
    assert world.watch(limits=SurgeLimits(min_customers=40)).look() == []
    assert world.watch(limits=SurgeLimits(min_tickets=40)).look() == []
    assert world.records.newest() == []


def test_customers_are_read_from_the_rows(world: SurgeWorld) -> None:
    world.put(burst(3, customers=["C1"] * 12), TEXT)
    world.later(2)
    assert world.watch().look() == []


def test_a_ticket_that_is_enriched_again_counts_once(world: SurgeWorld) -> None:
    watch = world.watch()
    for attempt in "abcdef":
        world.put(burst(3, 2), TEXT, attempt)
        world.later(0.1)
        assert watch.look() == []


def test_tickets_that_were_written_long_ago_are_no_surge(world: SurgeWorld) -> None:
    world.put(burst(3), TEXT, created_at=world.now() - timedelta(days=40))
    world.later(2)
    assert world.watch().look() == []


def test_what_ebbed_while_nobody_watched_is_closed(world: SurgeWorld) -> None:
    world.put(burst(3), TEXT)
    world.later(2)
    world.watch().look()
    world.later(5 * 24)
    world.watch().look()
    assert world.one().state_at(world.now()) is SurgeState.CLOSED


def test_a_scan_of_the_past_finds_the_same_and_writes_nothing(world: SurgeWorld) -> None:
    world.put(burst(3), TEXT)
    world.later(72)
    vectors, now = world.watch().vectors.current(), world.now()
    since = now - timedelta(days=7)
    (found,) = past_surges(vectors, world.rows_of, world.store.texts, SurgeLimits(), since, now)
    assert (found.name, found.state_at(now)) == ("card declined", SurgeState.CLOSED)
    assert world.records.newest() == []
    late = now - timedelta(days=1)
    assert past_surges(vectors, world.rows_of, world.store.texts, SurgeLimits(), late, now) == []


def test_the_open_ones_come_first_and_an_unknown_one_is_refused(world: SurgeWorld) -> None:
    world.put([*burst(3), *burst(8)], TEXT)
    world.later(2)
    world.watch().look()
    one, other = world.records.newest()
    world.records.say(one.surge_id, SurgeVerdict.DISMISS, "anna", world.now())
    found = current_first(world.records.newest(), world.now())
    assert [each.surge_id for each in found] == [other.surge_id, one.surge_id]
    with pytest.raises(LearningRefused, match="there is no surge"):
        world.records.find("20261129-000000")


class Bus:
    """Takes events, or refuses them."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.is_full = False

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - as boto3 calls it
        self.entries += Entries
        return {"FailedEntryCount": int(self.is_full), "Entries": [{"ErrorCode": "ThrottlingException"}]}


def test_the_bus_gets_the_surge_as_the_schema_says() -> None:
    now, bus = datetime(2026, 11, 21, 12, tzinfo=UTC), Bus()
    event = surge_event(surge_record(now), SurgeEventType.OPENED)
    SurgeBus("support", bus).send(event)
    (entry,) = bus.entries
    told = (entry["EventBusName"], entry["Source"], entry["DetailType"])
    assert told == ("support", "ticketmill", "surge_opened")
    jsonschema.validate(json.loads(entry["Detail"]), schema_of("surge"))
    bus.is_full = True
    with pytest.raises(TransientFailure, match="ThrottlingException"):
        SurgeBus("support", bus).send(event)
