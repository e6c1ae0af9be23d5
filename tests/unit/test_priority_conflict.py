from __future__ import annotations

import pytest

from ticketmill.domain.enrichment import UrgencyPrediction
from ticketmill.domain.labels import Source, Urgency
from ticketmill.tasks.urgency import TASK, contradicts

CRITICAL, HIGH, MEDIUM, LOW = Urgency


@pytest.mark.parametrize("shown", Urgency)
def test_nothing_stated_contradicts_nothing(shown: Urgency) -> None:
    assert not contradicts(None, shown)


@pytest.mark.parametrize(
    ("stated", "shown"), [(CRITICAL, MEDIUM), (CRITICAL, LOW), (HIGH, LOW), (MEDIUM, CRITICAL), (LOW, HIGH)]
)
def test_two_levels_apart_is_a_conflict_both_ways(stated: Urgency, shown: Urgency) -> None:
    assert contradicts(stated, shown)
    assert contradicts(shown, stated)


@pytest.mark.parametrize(
    ("stated", "shown"), [(CRITICAL, CRITICAL), (CRITICAL, HIGH), (HIGH, MEDIUM), (MEDIUM, LOW), (LOW, LOW)]
)
def test_one_level_apart_is_none(stated: Urgency, shown: Urgency) -> None:
    assert not contradicts(stated, shown)
    assert not contradicts(shown, stated)


@pytest.mark.parametrize(
    ("conflict", "confidence", "reason"),
    [
        (True, 0.9, "priority_conflict"),
        (True, 0.3, "priority_conflict"),
        (False, 0.3, "urgency_confidence"),
        (False, 0.9, None),
    ],
)
def test_a_conflict_is_a_reason_for_a_person_to_look(
    conflict: bool, confidence: float, reason: str | None
) -> None:
    prediction = UrgencyPrediction(
        label=LOW, confidence=confidence, source=Source.HEAD, priority_conflict=conflict
    )
    assert TASK.review_reason(prediction, 0.5) == reason
