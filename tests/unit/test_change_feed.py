"""Routing a stream: each change at least once, by one process at a time, from where the last one stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from fakes import NOW
from routing_samples import change

from ticketmill.domain.change import Change
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.routing_state import CLOSED, ChangePage, RoutingState, Shard, TimedChange
from ticketmill.operations.change_feed import LEASE, ChangeFeed

EARLIER = NOW - timedelta(hours=1)


@dataclass
class FakeStream:
    """Shards of changes; a position is the number of records before it. Two records a read."""

    name: str = "stream-1"
    parents: dict[str, str | None] = field(default_factory=lambda: {"s1": None})
    records: dict[str, list[TimedChange | None]] = field(default_factory=lambda: {"s1": []})
    closed: set[str] = field(default_factory=set)

    def add(self, revision: int, shard: str = "s1", at: datetime = NOW) -> None:
        self.records.setdefault(shard, []).append(TimedChange(change(revision=revision), at))

    def shards(self) -> list[Shard]:
        return [Shard(name, parent) for name, parent in self.parents.items()]

    def read(self, shard_id: str, after: str | None) -> ChangePage:
        start = int(after or 0)
        found = self.records[shard_id][start : start + 2]
        end = start + len(found)
        is_last = shard_id in self.closed and end == len(self.records[shard_id])
        changes = tuple(each for each in found if each is not None)
        return ChangePage(changes, len(found), str(end) if end else None, is_last)


@dataclass
class FakeStates:
    """One lease and one state, as the item in the table."""

    state: RoutingState | None = None
    owner: str = ""
    until: datetime = EARLIER
    saves: int = 0

    def take(
        self, owner: str, stream: str, since: datetime, now: datetime, until: datetime
    ) -> RoutingState | None:
        if self.owner not in ("", owner) and self.until >= now:
            return None
        self.owner, self.until = owner, until
        self.state = self.state or RoutingState(stream, since)
        if self.state.stream != stream:
            self.state = RoutingState(stream, self.state.since)
        return self.state

    def save(self, owner: str, state: RoutingState) -> bool:
        if owner != self.owner:
            return False
        self.state = state
        self.saves += 1
        return True

    def release(self, owner: str) -> None:
        if owner == self.owner:
            self.until = EARLIER


@dataclass
class World:
    stream: FakeStream = field(default_factory=FakeStream)
    states: FakeStates = field(default_factory=FakeStates)
    sent: list[int] = field(default_factory=list)
    failure: TransientFailure | None = None
    now: datetime = NOW

    def send(self, changes: Sequence[Change]) -> int:
        if self.failure:
            raise self.failure
        self.sent += [each.after.revision for each in changes]
        return len(changes)

    def feed(self, owner: str = "a", since: datetime | None = None) -> ChangeFeed:
        return ChangeFeed(self.stream, self.states, self.send, owner, since, now=lambda: self.now)

    def drain(self, feed: ChangeFeed) -> list[int]:
        while feed.poll():
            pass
        return self.sent


@pytest.fixture
def world() -> World:
    return World()


def test_every_change_is_routed_in_its_order(world: World) -> None:
    for revision in range(5):
        world.stream.add(revision)
    assert world.drain(world.feed()) == [0, 1, 2, 3, 4]


def test_another_process_goes_on_where_one_stopped(world: World) -> None:
    world.stream.add(1)
    first = world.feed("a")
    world.drain(first)
    first.release()
    world.stream.add(2)
    assert world.drain(world.feed("b")) == [1, 2]


def test_two_processes_do_not_route_at_the_same_time(world: World) -> None:
    world.stream.add(1)
    world.drain(world.feed("a"))
    world.stream.add(2)
    assert world.feed("b").poll() is None
    world.now += LEASE + timedelta(seconds=1)
    assert world.drain(world.feed("b")) == [1, 2]


def test_who_lost_the_lease_stops_and_saves_nothing(world: World) -> None:
    slow = world.feed("a")
    slow.poll()
    world.now += LEASE + timedelta(seconds=1)
    world.drain(world.feed("b"))
    world.stream.add(1)
    assert slow.poll() is None
    assert world.states.saves == 0


def test_what_could_not_be_sent_is_sent_again(world: World) -> None:
    world.stream.add(1)
    feed = world.feed()
    world.failure = TransientFailure("the queue is down")
    with pytest.raises(TransientFailure):
        feed.poll()
    world.failure = None
    assert world.drain(feed) == [1]


def test_changes_before_routing_began_are_not_routed(world: World) -> None:
    world.stream.add(1, at=EARLIER)
    world.stream.add(2)
    assert world.drain(world.feed()) == [2]


def test_they_are_where_it_is_asked_for_at_the_first_start(world: World) -> None:
    world.stream.add(1, at=EARLIER)
    world.stream.add(2)
    assert world.drain(world.feed(since=EARLIER)) == [1, 2]


def test_a_child_shard_is_read_after_its_parent(world: World) -> None:
    world.stream.parents = {"s2": "s1", "s1": "gone"}
    for revision in (1, 2, 3):
        world.stream.add(revision)
    world.stream.add(4, shard="s2")
    world.stream.closed = {"s1"}
    assert world.drain(world.feed()) == [1, 2, 3, 4]
    assert world.states.state is not None
    assert world.states.state.positions == {"s1": CLOSED, "s2": "1"}


def test_records_that_change_no_ticket_are_not_worth_a_write(world: World) -> None:
    """The state is an item of the same table: its own record must not be answered by another."""
    world.stream.records["s1"] += [None, None, None]
    world.drain(world.feed())
    assert world.states.saves == 0


def test_a_new_stream_of_the_table_is_read_from_its_start(world: World) -> None:
    world.stream.add(1)
    feed = world.feed()
    world.drain(feed)
    feed.release()
    world.stream = FakeStream(name="stream-2")
    world.stream.add(2)
    assert world.drain(world.feed()) == [1, 2]
