"""Labels that overlap: tickets undecided between two, tickets that people moved, close middles."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from gap_world import usual_period
from web_parts import NOON, WebWorld

from ticketmill.domain.effective_row import effective
from ticketmill.domain.label import CorrectionKind, PersonLabel
from ticketmill.queries.gaps import BELOW
from ticketmill.queries.overlaps import closeness_of, find_overlaps, lower_bound


def test_tickets_between_two_likely_labels_make_an_overlap(tmp_path: Path) -> None:
    report = usual_period(tmp_path).desk().find(NOON - timedelta(days=1), NOON, BELOW)
    (found,) = report.overlaps
    assert found.labels == ("login_issue", "payment_issue")
    assert (found.undecided, found.corrected, found.tickets) == (8, 0, 88)
    assert found.share == pytest.approx(lower_bound(8, 88), abs=1e-3) and len(found.examples) == 3
    assert found.closeness is not None and found.closeness < 0


def test_a_label_that_people_replace_by_another_overlaps_with_it() -> None:
    world = WebWorld()
    for number in range(4):
        said = PersonLabel(
            labels=("bug_report",),
            kind=CorrectionKind.LABEL,
            who="ann",
            at=NOON,
            number=1,
            content_hash="0f",
        )
        world.put(f"t-{number}", person={"intent": said} if number < 3 else {})
    rows = [effective(row) for row in world.rows.rows.values()]
    (found,) = find_overlaps(rows, {"t-3": {"login_issue": 0.4, "bug_report": 0.39}}, {}, "intent")
    assert found.labels == ("bug_report", "login_issue") and found.closeness is None
    assert (found.corrected, found.undecided, found.tickets) == (3, 1, 4)
    assert found.examples == ("t-0", "t-1", "t-2")


def test_the_most_confused_pair_comes_first_and_a_close_one_without_tickets_last() -> None:
    scores = {
        **{f"a-{at}": {"x": 0.3, "y": 0.3, "z": 0.1} for at in range(3)},
        "b": {"x": 0.4, "z": 0.3},
        "sure": {"x": 0.9, "z": 0.1},
        "alone": {"x": 1.0},
    }
    close = {("u", "v"): 0.8, ("u", "w"): 0.1}
    found = find_overlaps([], scores, close, "intent")
    assert [each.labels for each in found] == [("x", "y"), ("x", "z"), ("u", "v")]
    assert [each.undecided for each in found] == [3, 1, 0]


def test_a_share_of_few_tickets_counts_less_than_the_same_share_of_many() -> None:
    assert 0 < lower_bound(1, 4) < lower_bound(10, 40) < lower_bound(100, 400) < 0.25
    assert lower_bound(0, 0) == 0 and lower_bound(0, 9) == pytest.approx(0)


def test_closeness_leaves_out_what_all_tickets_share() -> None:
    vectors = np.array([[9, 1, 0]] * 5 + [[9, 0.9, 0.1]] * 5 + [[9, -1, 0]] * 5 + [[0, 0, 1]], np.float32)
    labels = ["a"] * 5 + ["b"] * 5 + ["c"] * 5 + ["rare"]
    found = closeness_of(vectors, labels)
    assert set(found) == {("a", "b"), ("a", "c"), ("b", "c")}
    assert found["a", "b"] > 0.9 > found["a", "c"]
    assert closeness_of(vectors[:5], labels[:5]) == {}
