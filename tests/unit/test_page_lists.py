"""What the page's lists are asked for, and the views that a person saves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ticketmill.domain.label import FoundBy
from ticketmill.entrypoints.web.page.chart import day_chart
from ticketmill.entrypoints.web.page.query import BadQuery, ListQuery, typed
from ticketmill.entrypoints.web.page.ticket import task_keys
from ticketmill.entrypoints.web.page.views import (
    ALL,
    FIXED,
    MAX_VIEWS,
    REVIEW,
    View,
    found_by,
    read_saved,
    with_view,
    write_saved,
)
from ticketmill.queries.trends import Step, Trends

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LABELS = [("urgency", "critical"), ("intent", "login_issue")]


def test_the_address_and_the_query_say_the_same() -> None:
    query = ListQuery.of([("urgency", "high"), ("status", "partial"), ("status", "failed"), ("x", "y")])
    assert ListQuery.of_text(query.text()) == query
    assert query.filters.labels == {"urgency": ("high",), "status": ("partial", "failed")}


def test_a_label_that_is_none_is_refused_with_what_there_is() -> None:
    with pytest.raises(BadQuery, match='did you mean "high"'):
        ListQuery.of([("urgency", "hihg")])
    with pytest.raises(BadQuery, match="a time is as"):
        ListQuery.of([("since", "yesterday")])


def test_typed_words_are_labels_with_or_without_a_name_or_the_id_of_a_ticket() -> None:
    query = typed("critical intent:login_issue customer:C-17", LABELS)
    assert isinstance(query, ListQuery)
    assert query.text() == "urgency=critical&intent=login_issue&customer=C-17"
    assert typed("TKT-001", LABELS) == "TKT-001"
    with pytest.raises(BadQuery, match="is no label"):
        typed("critical nonsense", LABELS)


def test_other_words_are_looked_for_where_the_server_can_search() -> None:
    def found(text: str) -> ListQuery | str:
        return typed(text, LABELS, can_search=True)

    assert found("card declined urgency:high") == ListQuery((("urgency", "high"), ("words", "card declined")))
    assert found("critical fault review") == ListQuery((("words", "critical fault review"),))
    assert found("critical") == ListQuery((("urgency", "critical"),))
    assert found("TKT-001") == "TKT-001"
    with pytest.raises(BadQuery, match="is no label"):
        found("urgncy:high card")


def test_words_that_are_looked_for_are_of_any_time_and_may_be_saved_as_a_view() -> None:
    query = ListQuery.of_text("words=card+declined&urgency=high")
    assert query.words == "card declined"
    assert query.searched_since(NOW) is None
    assert query.filters.labels == {"urgency": ("high",)}
    assert read_saved(write_saved(with_view((), "cards", query))) == (View("cards", query),)
    assert found_by(query) == FoundBy.SEARCH


def test_a_list_without_a_time_is_of_thirty_days() -> None:
    assert ListQuery().since(NOW) == NOW - timedelta(days=30)
    assert ListQuery.of([("until", "2026-11-20")]).until(NOW) == datetime(2026, 11, 20, tzinfo=UTC)


def test_saved_views_come_back_from_their_cookie() -> None:
    query = ListQuery.of([("urgency", "high"), ("customer", "Ünal & Söhne")])
    views = with_view((), "  my   queue ", query)
    assert read_saved(write_saved(views)) == (View("my queue", query),)
    assert with_view(views, "my queue", ALL.query) == (View("my queue", ALL.query),)


@pytest.mark.parametrize(
    "cookie", ["", "!", "bm90IGpzb24", "W1siYSJdXQ", "W1siYSIsInVyZ2VuY3k9bm9uZSJdXQ", "é"]
)
def test_a_cookie_that_is_none_has_no_views(cookie: str) -> None:
    assert read_saved(cookie) == ()


def test_there_is_room_for_so_many_views() -> None:
    views = tuple(View(str(number), REVIEW.query) for number in range(MAX_VIEWS + 1))
    with pytest.raises(BadQuery, match="remove one first"):
        write_saved(views)


def test_a_ticket_is_found_in_the_review_queue_in_a_view_or_by_a_search() -> None:
    assert found_by(REVIEW.query) is FoundBy.REVIEW_QUEUE
    assert found_by(ALL.query) is FoundBy.FOUND
    assert found_by(ListQuery.of([("urgency", "high")])) is FoundBy.SEARCH


def test_views_and_tasks_have_letters_of_their_own() -> None:
    letters = [view.key for view in FIXED]
    assert len({*letters, "t"}) == len(FIXED) + 1
    keys = task_keys(("intent", "urgency", "sentiment", "topics"))
    assert keys == {"intent": "i", "urgency": "u", "sentiment": "s", "topics": "t"}


def test_the_bars_of_a_chart_fit_its_counts_and_lead_to_their_tickets() -> None:
    trends = Trends(Step.DAY)
    for label, count in (("critical", 2), ("low", 3)):
        for number in range(count):
            trends.add(f"2026-11-20T0{number}:00:00.000000Z#{label}{number}", [f"urgency={label}"])
    chart = day_chart("urgency", trends, Step.DAY.start(NOW) - timedelta(days=2), NOW)
    assert [(bar.label, bar.count) for bar in chart.bars] == [("critical", 2), ("low", 3)]
    assert chart.bars[1].height == pytest.approx(1.5 * chart.bars[0].height)
    assert chart.bars[1].y + chart.bars[1].height == pytest.approx(chart.bars[0].y)
    assert chart.bars[0].query == ListQuery.of(
        [("urgency", "critical"), ("since", "2026-11-20"), ("until", "2026-11-21")]
    )
    assert [counts for _, counts in chart.table] == [(0, 0), (2, 3), (0, 0)]
