"""Reports of drift over time: one a day is kept, and what went on between them is told."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from ticketmill.aws.learning_memory import MemoryLearningObjects
from ticketmill.domain.errors import SetupError
from ticketmill.domain.keys import DRIFT_REPORTS_PREFIX
from ticketmill.learning.drift import Check, DriftReport
from ticketmill.learning.drift_history import (
    KeptReport,
    drawings_of,
    keep_report,
    kept_reports,
    label_shares,
)

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def report(distance: float, bugs: float | None = 0.5, drifted: bool = False) -> DriftReport:
    shares = {} if bugs is None else {"bug": bugs, "refund": 1 - bugs}
    checks = (
        Check("texts", statistic=distance, p_value=0.01, drifted=drifted),
        Check("labels of intent", 0.5, bugs, 3.0, 0.2, "most: bug", shares=shares),
        Check("review", 0.1, 0.2, 0.1, 0.4),
        Check("overrides", note="people spoke of fewer than 20 tickets on a side"),
    )
    return DriftReport(checks, 0.05, 500, 200, "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z")


@pytest.fixture
def objects() -> MemoryLearningObjects:
    return MemoryLearningObjects()


def kept(objects: MemoryLearningObjects) -> Sequence[KeptReport]:
    with ThreadPoolExecutor(2) as executor:
        return kept_reports(objects, executor)


def test_reports_come_back_as_they_were_the_oldest_first(objects: MemoryLearningObjects) -> None:
    for number in (2, 0, 1):
        keep_report(objects, report(number / 10), AT + number * DAY)
    assert kept(objects) == [KeptReport(AT + number * DAY, report(number / 10)) for number in range(3)]


def test_of_a_day_the_last_report_is_kept_and_after_a_year_its_object_is_used_again(
    objects: MemoryLearningObjects,
) -> None:
    for at in (AT, AT + timedelta(hours=1), AT.replace(year=2027), AT.replace(year=2027) + DAY):
        keep_report(objects, report(0.1), at)
    assert [each.at for each in kept(objects)] == [AT.replace(year=2027), AT.replace(year=2027) + DAY]


def test_years_of_days_are_at_most_366_objects(objects: MemoryLearningObjects) -> None:
    for number in range(3 * 366):
        keep_report(objects, report(0.1), AT + number * DAY)
    assert len(list(objects.keys(DRIFT_REPORTS_PREFIX))) == 366


def test_a_report_of_a_newer_version_is_read_and_what_is_none_is_told(objects: MemoryLearningObjects) -> None:
    keep_report(objects, report(0.1), AT)
    (key,) = objects.keys(DRIFT_REPORTS_PREFIX)
    body = objects.get(key)
    assert body is not None
    objects.put(key, body.replace(b'"alpha"', b'"mood":"fine","alpha"'))
    assert kept(objects) == [KeptReport(AT, report(0.1))]
    objects.put(key, b"{}")
    with pytest.raises(SetupError, match="drift/reports/"):
        kept(objects)


def test_distances_and_rates_are_drawn_and_what_drifted_stands_out() -> None:
    reports = [KeptReport(AT, report(0.1)), KeptReport(AT + DAY, report(0.4, drifted=True))]
    texts, review = drawings_of(reports)
    assert [row[1:] for row in texts.table[1]] == [("0.1", "as before"), ("0.4", "drifted")]
    assert texts.inline().count('class="dot over"') == 1
    assert 'class="limit"' not in texts.inline()
    assert [row[1] for row in review.table[1]] == ["0.2", "0.2"]
    assert drawings_of([]) == ()


def test_shares_of_labels_are_followed_and_a_label_that_a_report_lacks_is_empty() -> None:
    reports = [KeptReport(AT, report(0.1, bugs=None)), KeptReport(AT + DAY, report(0.1, bugs=0.75))]
    assert label_shares(reports) == {"labels of intent": {"bug": (None, 0.75), "refund": (None, 0.25)}}
    assert label_shares([]) == {}
