from __future__ import annotations

import pytest

from ticketmill.domain.labels import Urgency
from ticketmill.tasks.urgency import contradicts

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
