"""Tickets like one: what is near, when it came, and the words that both have."""

from __future__ import annotations

from pathlib import Path

import pytest
from search_world import SearchWorld

from ticketmill.domain.effective_row import EffectiveRow, effective
from ticketmill.domain.label import CorrectionKind
from ticketmill.domain.labels import Urgency
from ticketmill.operations.corrections import Speaker, Word
from ticketmill.queries.similar import When

DAY = 24 * 60


@pytest.fixture
def world(tmp_path: Path) -> SearchWorld:
    world = SearchWorld(tmp_path)
    world.add("T-1", "Card declined\nThe Bank of Harle declined my card.", "card", minutes_ago=20 * DAY)
    world.add("T-2", "Card\nBank of Harle: card declines in Lyon.", "card", minutes_ago=18 * DAY)
    world.add("T-3", "Card and train\nMy card on the train.", "card", "train", minutes_ago=60 * DAY)
    world.add("T-4", "Cake\nThe cake was good.", "cake", minutes_ago=0)
    return world


def row_of(world: SearchWorld, ticket_id: str) -> EffectiveRow:
    return effective(world.web.rows.rows[ticket_id])


def ids(world: SearchWorld, ticket_id: str, **given: object) -> list[str]:
    found = world.similar().of(row_of(world, ticket_id), **given)  # type: ignore[arg-type]
    assert found is not None
    return [each.row.ticket_id for each in found]


def test_the_nearest_come_first_and_the_ticket_itself_is_left_out(world: SearchWorld) -> None:
    assert ids(world, "T-1") == ["T-2", "T-3", "T-4"]
    assert ids(world, "T-1", limit=1) == ["T-2"]


def test_what_came_near_in_time_is_told_apart_from_the_past_and_from_later(world: SearchWorld) -> None:
    found = world.similar().of(row_of(world, "T-1"))
    assert found is not None
    assert {each.row.ticket_id: each.when for each in found} == {
        "T-2": When.NOW,
        "T-3": When.PAST,
        "T-4": When.LATER,
    }


def test_the_words_of_both_are_told_as_the_ticket_has_them(world: SearchWorld) -> None:
    found = world.similar().of(row_of(world, "T-1"))
    assert found is not None
    assert set(found[0].words) == {"Bank", "Harle", "Card", "declined"}


def test_a_code_is_told_whole_and_its_parts_are_not(world: SearchWorld) -> None:
    world.add("T-5", "Terminal says E51", "cake")
    world.add("T-6", "E51 again", "cake")
    found = world.similar().of(row_of(world, "T-5"))
    assert found is not None
    assert {each.row.ticket_id: each.words for each in found}["T-6"] == ("E51",)


def test_hidden_words_are_not_told(world: SearchWorld) -> None:
    found = world.similar(hide=lambda text: text.replace("Harle", "*****")).of(row_of(world, "T-1"))
    assert found is not None
    assert "Harle" not in found[0].words


def test_an_older_enrichment_of_a_ticket_is_not_like_it(world: SearchWorld) -> None:
    world.add("T-1", "Card declined", "card", attempt="b", minutes_ago=20 * DAY)
    assert "T-1" not in ids(world, "T-1")


def test_a_correction_shows_at_once(world: SearchWorld) -> None:
    world.web.parts().corrections.correct(
        "T-2", {"urgency": Word(CorrectionKind.LABEL, ("low",))}, Speaker("ada")
    )
    found = world.similar().of(row_of(world, "T-1"))
    assert found is not None
    assert found[0].row.urgency == Urgency.LOW
    assert found[0].row.corrected == ("urgency",)


def test_a_ticket_that_the_index_lacks_is_like_nothing_yet(world: SearchWorld) -> None:
    world.point_elsewhere("T-1")
    assert world.similar().of(row_of(world, "T-1")) is None
