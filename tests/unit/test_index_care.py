"""The index beside the rows: its check, its rebuild, and what it forgets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from index_place import Place, change
from memory_index import MemoryGenerations, MemoryIndex
from web_parts import MemoryIndex as MemoryTicketIndex

from ticketmill.domain.errors import TransientFailure
from ticketmill.operations.forget import Traces
from ticketmill.operations.forget_index import IndexEntries
from ticketmill.operations.index_check import IndexCheck, IndexContents
from ticketmill.operations.next_generation import NextGeneration
from ticketmill.queries.index_ports import VectorStore
from ticketmill.queries.tickets import TicketQueries

DAY = datetime(2026, 11, 29, 12, tzinfo=UTC)
LATER = timedelta(hours=2)


class Care:
    """Enriched tickets with their rows, an index, and what looks after it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.generations = MemoryGenerations()
        rows = place.world.rows
        tickets = TicketQueries(MemoryTicketIndex(rows), rows)
        (key,) = place.enrich("T0")
        place.announce(key)
        (self.model,) = place.indexes
        self.first = place.indexes[self.model]
        self.generations.stores["first"] = self.first
        self.contents = IndexContents(tickets, place.world.enriched, self.model, place.pool)
        self.check = IndexCheck(self.contents, self.first, now=lambda: datetime.now(UTC) + LATER)
        numbers = count(1)
        self.next = NextGeneration(self.generations, token=lambda: f"{next(numbers)}")

    def enrich(self, *ticket_ids: str) -> list[str]:
        """The keys of tickets that are enriched and indexed."""
        keys = self.place.enrich(*ticket_ids)
        self.place.announce(*keys)
        return keys

    def rebuild(self) -> str:
        return self.next.make(self.contents.fill)


@pytest.fixture
def care() -> Iterator[Care]:
    place = Place()
    yield Care(place)
    place.close()


def test_an_index_that_has_what_the_rows_say_is_right(care: Care) -> None:
    care.enrich("T1", "T2")
    findings = care.check.look()
    assert findings.is_right
    assert [(each.rows, each.searchable) for each in findings.days] == [(3, 3)]


def test_what_is_missing_is_named_by_key_and_day_and_repaired(care: Care) -> None:
    lost, _ = care.enrich("T1", "T2")
    care.first.delete([lost])
    findings = care.check.look()
    assert findings.missing == (lost,)
    assert [(each.rows, each.searchable) for each in findings.days] == [(3, 2)]
    assert not findings.is_right
    care.check.repair(findings)
    assert care.check.look().is_right
    assert lost in care.first.entries


def test_tickets_without_a_vector_are_not_missing(care: Care) -> None:
    (key,) = care.place.enrich("T1")
    change(care.place, key, embedding=[])
    assert care.check.look().is_right


def test_an_entry_of_a_replaced_enrichment_does_no_harm_and_goes_when_it_is_settled(care: Care) -> None:
    (old,) = care.enrich("T1")
    care.place.world.serve("f2")
    (new,) = care.enrich("T1")
    findings = care.check.look()
    assert findings.superseded == (old,)
    assert findings.is_right
    just_now = IndexCheck(care.contents, care.first)
    assert just_now.delete_superseded() == 0, "its row may be on its way"
    assert care.check.delete_superseded() == 1
    assert old not in care.first.entries
    assert new in care.first.entries


def test_an_entry_of_a_ticket_that_was_forgotten_is_named_and_left_to_forget(care: Care) -> None:
    (key,) = care.enrich("T1")
    del care.place.world.rows.rows["T1"]
    findings = care.check.look()
    assert findings.orphaned == (key,)
    assert not findings.is_right
    care.check.repair(findings)
    assert key in care.first.entries


def test_a_rebuild_has_what_rows_point_to_and_nothing_else(care: Care) -> None:
    (old,) = care.enrich("T1")
    care.place.world.serve("f2")
    (new,) = care.enrich("T1")
    (never_indexed,) = care.place.enrich("T2")
    care.first.put_at[old] -= timedelta(hours=1)
    name = care.rebuild()
    assert care.generations.current() == name
    entries = care.generations.store(name).entries
    assert {new, never_indexed} <= set(entries)
    assert old not in entries


def test_what_is_put_during_a_rebuild_is_not_lost(care: Care) -> None:
    """The rebuild does not see it: its row was written after the rows were read."""
    late: list[str] = []

    def fill(store: VectorStore) -> None:
        care.contents.fill(store)
        late.extend(care.enrich("T1"))

    name = care.next.make(fill)
    assert late[0] in care.generations.store(name).entries
    assert care.generations.store(name).entries[late[0]].text == "Login\nIt fails."


def test_a_rebuild_that_failed_changes_nothing_and_can_be_run_again(care: Care) -> None:
    def fail(_store: VectorStore) -> None:
        raise TransientFailure("S3 is down")

    with pytest.raises(TransientFailure):
        care.next.make(fail)
    assert care.generations.current() == "first"
    assert set(care.generations.store(care.rebuild()).entries) == set(care.first.entries)


def test_of_two_rebuilds_at_once_one_gives_way(care: Care) -> None:
    def other_first(store: VectorStore) -> None:
        care.contents.fill(store)
        if care.generations.current() == "first":
            care.rebuild()

    with pytest.raises(TransientFailure, match="another generation"):
        care.next.make(other_first)
    assert care.generations.names() == ["first", care.generations.current()]


def test_one_generation_before_the_current_one_is_kept(care: Care) -> None:
    moments = iter(DAY + timedelta(days=number) for number in range(3))
    care.next = NextGeneration(care.generations, now=lambda: next(moments), token=lambda: "a")
    names = [care.rebuild() for _ in range(3)]
    assert care.generations.names() == names[1:]


def test_forgetting_leaves_nothing_of_a_ticket_in_any_generation(care: Care) -> None:
    (key, other) = care.enrich("T1", "T2")
    care.rebuild()
    holder = IndexEntries(lambda: [care.generations])
    assert holder.left(Traces("T1")) == [key]
    assert holder.remove(Traces("T1")) == 1
    assert holder.left(Traces("T1")) == []
    assert care.generations.names() == [care.generations.current()], "old files would have its words"
    entries = care.generations.store(care.generations.current()).entries
    assert other in entries
    assert entries[other].text == "Login\nIt fails."


def test_forgetting_what_is_not_there_makes_no_new_generation(care: Care) -> None:
    assert IndexEntries(lambda: [care.generations]).remove(Traces("T404")) == 0
    assert care.generations.names() == ["first"]


def test_the_last_ticket_can_be_forgotten(care: Care) -> None:
    holder = IndexEntries(lambda: [care.generations])
    assert holder.remove(Traces("T0")) == 1
    assert "first" not in care.generations.stores
    assert isinstance(care.generations.store(care.generations.current()), MemoryIndex)
