"""Proposed duplicates: near by meaning or by words, with what speaks for each, and as people said before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from duplicate_world import ANN, DuplicateWorld

from ticketmill.domain.enrichment import RowEntity
from ticketmill.domain.entities import EntityKind
from ticketmill.domain.keys import enriched_key

CRASH = "Printing crashes the app\nIt dies with NS_ERROR_GFX_PRINTER on every page."
ORDER = RowEntity(kind=EntityKind.ORDER_NUMBER, value="4711")
DATE = RowEntity(kind=EntityKind.DATE, value="2026-11-21")


@pytest.fixture
def world(tmp_path: Path) -> DuplicateWorld:
    made = DuplicateWorld(tmp_path)
    made.put_others()
    return made


def test_a_ticket_near_by_meaning_and_one_near_by_words_come_first(world: DuplicateWorld) -> None:
    meaning = world.anywhere()
    world.put("T-1", CRASH, near=meaning)
    world.put(
        "MEANING", "Paper output kills it\nWhenever I use my laser device.", near=meaning, minutes_ago=60
    )
    world.put("WORDS", "NS_ERROR_GFX_PRINTER\nHelp with printing, please.", minutes_ago=90)
    first, second = world.proposed("T-1", most=2)
    assert {first.row.ticket_id, second.row.ticket_id} == {"MEANING", "WORDS"}
    found = {each.row.ticket_id: each for each in (first, second)}
    assert found["MEANING"].cosine > 0.9 > found["WORDS"].cosine
    assert "NS_ERROR_GFX_PRINTER" in found["WORDS"].shared_words
    assert found["WORDS"].hours_apart == pytest.approx(1.5)


def test_lines_of_a_template_bring_no_tickets_together(world: DuplicateWorld) -> None:
    form = "Contact form of the shop\nDepartment: support\nWhat we may help you with:\n{}"
    for number in range(12):
        world.put(f"FORM-{number}", form.format(f"Matter number {number * 7}"), minutes_ago=100 + number)
    world.put("T-1", form.format("Printing crashes with NS_ERROR_GFX_PRINTER"))
    world.put("WORDS", "Crash\nIt says NS_ERROR_GFX_PRINTER when printing", minutes_ago=2000)
    assert world.proposed_ids("T-1")[0] == "WORDS"
    assert all("Department" not in each.shared_words for each in world.proposed("T-1"))


def test_the_same_customer_number_and_time_speak_for_a_ticket(world: DuplicateWorld) -> None:
    meaning = world.anywhere()
    mine: dict[str, Any] = {"customer_id": "C-1", "entities": (ORDER, DATE)}
    world.put("T-1", CRASH, near=meaning, **mine)
    world.put("OLD", CRASH, near=meaning, minutes_ago=60 * 24 * 40, entities=(DATE,))
    world.put("MINE", CRASH, near=meaning, minutes_ago=60 * 24, **mine)
    first, second = world.proposed("T-1", most=2)
    assert (first.row.ticket_id, second.row.ticket_id) == ("MINE", "OLD")
    assert (first.is_same_customer, second.is_same_customer) == (True, False)
    assert (first.shared_entities, second.shared_entities) == ((ORDER,), ())
    assert first.score - second.score > 4


def test_who_was_denied_is_proposed_no_more_from_either_side(world: DuplicateWorld) -> None:
    for number, name in enumerate(("T-1", "T-2")):
        world.put(name, CRASH, minutes_ago=number)
    assert world.proposed_ids("T-1")[0] == "T-2"
    world.verdicts.deny("T-1", "T-2", ANN)
    assert "T-2" not in world.proposed_ids("T-1")
    assert "T-1" not in world.proposed_ids("T-2")
    world.verdicts.take_back("T-2", "T-1", ANN)
    assert world.proposed_ids("T-1")[0] == "T-2"


def test_of_a_group_one_is_proposed_and_its_own_members_are_not(world: DuplicateWorld) -> None:
    for number, name in enumerate(("T-1", "T-2", "T-3", "T-4")):
        world.put(name, CRASH, minutes_ago=10 - number)
    world.verdicts.confirm("T-3", "T-4", ANN)
    world.verdicts.confirm("T-1", "T-2", ANN)
    (proposed,) = (each for each in world.proposed("T-1") if each.row.ticket_id in ("T-2", "T-3", "T-4"))
    assert proposed.row.ticket_id in ("T-3", "T-4")
    assert proposed.reference == ("T-3" if proposed.row.ticket_id == "T-4" else None)


def test_an_entry_that_no_row_points_to_is_not_proposed(world: DuplicateWorld) -> None:
    world.put("T-1", CRASH)
    row = world.put("T-2", "Something else\nentirely", attempt="b", minutes_ago=5)
    world.index(enriched_key("T-2", "c", "f", "a"), row, CRASH)
    assert "T-2" not in world.proposed_ids("T-1")


def test_what_stands_out_in_nothing_is_not_proposed(world: DuplicateWorld) -> None:
    world.put("T-1", "Chairs\nThey wobble.")
    assert world.proposed_ids("T-1") == []


def test_a_ticket_that_the_index_does_not_have_is_told(world: DuplicateWorld) -> None:
    world.web.put("T-1", enriched_key=enriched_key("T-1", "c", "f", "a"))
    world.web.put("T-2")
    assert world.duplicates().of(world.row("T-1")) is None
    assert world.duplicates().of(world.row("T-2")) is None


def test_no_word_is_told_that_is_hidden(world: DuplicateWorld) -> None:
    world.put("T-1", CRASH)
    world.put("T-2", CRASH, minutes_ago=5)
    (first,) = world.proposed("T-1", 1, hide=lambda text: text.replace("NS_ERROR_GFX_PRINTER", "*" * 20))
    assert "crashes" in first.shared_words
    assert not any("GFX" in word for word in first.shared_words)


def test_a_group_is_found_whole_from_each_of_its_tickets(world: DuplicateWorld) -> None:
    for number, name in enumerate(("T-1", "T-2", "T-3", "T-4")):
        world.put(name, CRASH, minutes_ago=10 - number)
    world.verdicts.confirm("T-3", "T-4", ANN)
    world.verdicts.confirm("T-1", "T-2", ANN)
    world.verdicts.confirm("T-4", "T-2", ANN)
    for name in ("T-1", "T-2", "T-3", "T-4"):
        group = world.groups.of(world.row(name))
        assert group.reference.ticket_id == "T-1"
        assert [each.ticket_id for each in group.members] == ["T-4", "T-3", "T-2"]
        assert group.is_complete
    alone = world.groups.of(world.row("OTHER-0"))
    assert (alone.reference.ticket_id, alone.members) == ("OTHER-0", ())
    assert not world.groups.of(world.row("T-1"), most_entries=2).is_complete


def test_groups_are_listed_by_their_newest_duplicate(world: DuplicateWorld) -> None:
    for number, name in enumerate(("T-1", "T-2", "T-3", "T-4")):
        world.put(name, CRASH, minutes_ago=10 - number)
    world.verdicts.confirm("T-1", "T-2", ANN)
    world.verdicts.confirm("T-3", "T-4", ANN)
    start = world.row("T-1").received_at
    groups = world.groups.since(start)
    assert [each.reference.ticket_id for each in groups] == ["T-3", "T-1"]
    assert [[member.ticket_id for member in each.members] for each in groups] == [["T-4"], ["T-2"]]
    assert [each.reference.ticket_id for each in world.groups.since(world.row("T-3").received_at)] == ["T-3"]


def test_a_sample_is_drawn_again_after_an_hour_or_when_the_index_grows(world: DuplicateWorld) -> None:
    pool = world.duplicates().pool
    first = pool.sample.current()
    assert len(first.texts) == 45
    assert pool.sample.current() is first
    pool.sample.clock = lambda: 1e9
    again = pool.sample.current()
    assert again is not first
    for number in range(10):
        world.put(f"T-{number}", CRASH)
    assert len(pool.sample.current().texts) == 55
