"""Several lists are counted in one pass over the newest tickets."""

from __future__ import annotations

from datetime import timedelta

from web_parts import WebWorld

from ticketmill.queries.filters import Filters

LISTS = (
    Filters({"urgency": ("critical",)}),
    Filters({"status": ("partial", "failed")}),
    Filters({"urgency": ("critical", "high"), "needs_review": ("yes",)}),
    Filters(),
)


def test_each_list_has_the_tickets_that_it_would_show() -> None:
    world = WebWorld()
    world.put("A", 1, urgency="critical", needs_review=True)
    world.put("B", 2, urgency="high", needs_review=True)
    world.put("C", 3, urgency="critical", status="partial")
    queries, since = world.parts().queries, world.now - timedelta(days=1)
    overview = queries.overview(LISTS, since, most_entries=100)
    assert overview.matching == [len(queries.list(each, since).rows) for each in LISTS] == [2, 1, 2, 3]
    assert overview.total.counted_from is None


def test_no_more_than_the_newest_are_counted_and_it_says_so() -> None:
    world = WebWorld()
    for number in range(5):
        world.put(f"T-{number}", minutes_ago=number)
    overview = world.parts().queries.overview(LISTS, world.now - timedelta(days=1), most_entries=3)
    assert overview.matching[-1] == 3
    assert overview.total.counted_from == world.now - timedelta(minutes=2)
