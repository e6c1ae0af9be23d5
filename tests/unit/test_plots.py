"""The chart of `stats`."""

from __future__ import annotations

from ticketmill.learning.plots import MAX_BARS, figure_of_counts


def test_a_chart_counts_in_whole_tickets_and_keeps_the_order_of_the_labels() -> None:
    figure = figure_of_counts({"urgency": {"critical": 1, "low": 2}, "intent": {"other": 3}}, "3 tickets")
    figure.draw_without_rendering()
    urgency, intent = figure.axes
    for axes in (urgency, intent):
        assert all(float(tick).is_integer() for tick in axes.get_xticks())
    assert [label.get_text() for label in urgency.get_yticklabels()] == ["critical", "low"]


def test_a_chart_says_how_many_labels_it_leaves_out() -> None:
    (axes,) = figure_of_counts({"topics": {f"t{number}": 1 for number in range(40)}}, "40 tickets").axes
    assert axes.get_title() == f"topics ({40 - MAX_BARS} more)"
