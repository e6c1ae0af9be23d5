"""Search in words: both measures together, over what the rows say now."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from search_world import SearchWorld
from web_parts import NOON

from ticketmill.queries.filters import Filters
from ticketmill.queries.word_search import Question


@pytest.fixture
def world(tmp_path: Path) -> SearchWorld:
    world = SearchWorld(tmp_path)
    world.add("T-1", "The bank refuses my plastic.", "card", urgency="high", minutes_ago=30)
    world.add("T-2", "The 16:04 is late. Reference FZ-22910.", "train", urgency="low", minutes_ago=20)
    world.add("T-3", "Somebody took my card on the train.", "card", "train", urgency="low", minutes_ago=10)
    return world


def found(world: SearchWorld, words: str, limit: int = 10, **given: object) -> list[str]:
    result = world.words().find(Question(words, **given), limit)  # type: ignore[arg-type]
    return [each.row.ticket_id for each in result.tickets]


def test_a_ticket_that_tells_the_same_in_other_words_is_found(world: SearchWorld) -> None:
    assert found(world, "card")[:2] == ["T-1", "T-3"]


def test_a_code_is_found_whatever_it_means(world: SearchWorld) -> None:
    assert found(world, "FZ-22910")[0] == "T-2"


def test_the_words_of_a_ticket_count_beside_its_meaning(world: SearchWorld) -> None:
    assert found(world, "train")[0] == "T-2"
    assert found(world, "train card took")[0] == "T-3"


def test_filters_ask_the_rows_as_they_are_now(world: SearchWorld) -> None:
    low = Filters({"urgency": ("low",)})
    assert found(world, "card", filters=low) == ["T-3", "T-2"]
    world.web.put("T-3", urgency="high", enriched_key=world.web.rows.rows["T-3"].enriched_key)
    assert found(world, "card", filters=low) == ["T-2"]


def test_the_time_bounds_when_tickets_were_received(world: SearchWorld) -> None:
    since, until = NOON - timedelta(minutes=25), NOON - timedelta(minutes=15)
    assert found(world, "card", since=since, until=until) == ["T-2"]


def test_an_entry_counts_only_while_the_row_points_to_it(world: SearchWorld) -> None:
    world.point_elsewhere("T-1")
    assert found(world, "card") == ["T-3", "T-2"]


def test_no_more_are_given_than_asked_for(world: SearchWorld) -> None:
    assert found(world, "card", limit=1) == ["T-1"]


def test_words_that_the_encoder_cannot_read_are_looked_for_as_text(world: SearchWorld) -> None:
    assert found(world, "plastic") == ["T-1"]


def test_an_empty_index_finds_nothing(tmp_path: Path) -> None:
    assert found(SearchWorld(tmp_path), "card") == []


SHALLOW = {"depth": 2, "most_depth": 3}
"""Of a few tickets, as if they were thousands."""


def test_a_ticket_of_a_rare_label_is_found_behind_nearer_ones(tmp_path: Path) -> None:
    world = SearchWorld(tmp_path)
    for number in range(8):
        world.add(f"T-{number}", "The bank refuses my plastic.", "card")
    world.add("T-9", "The cake is late.", "cake", customer_id="CUST-9")
    asked = Question("card", Filters({"customer_id": ("CUST-9",)}))
    result = world.words(**SHALLOW).find(asked, 5)
    assert [each.row.ticket_id for each in result.tickets] == ["T-9"]
    assert result.is_complete


def test_a_result_says_where_more_may_pass_the_filters(tmp_path: Path) -> None:
    world = SearchWorld(tmp_path)
    for number in range(8):
        world.add(f"T-{number}", "The bank refuses my plastic.", "card", urgency="low")
    for number in range(2):
        world.add(f"C-{number}", "The cake is late.", "cake", urgency="high")
    asked = Question("card", Filters({"urgency": ("high",)}))
    result = world.words(**SHALLOW, most_allowed=1).find(asked, 5)
    assert result.tickets == ()
    assert not result.is_complete
