"""The entities of the marked tickets: precision and recall over all, for both parts."""

from __future__ import annotations

import pytest
from entities import PARTS, count

from ticketmill.domain.entities import EntityKind


@pytest.mark.parametrize("part", PARTS)
def test_entities_are_found_with_a_precision_of_95_and_a_recall_of_85_percent(part: str) -> None:
    tickets, counts = count(part)
    assert tickets >= 50
    precision, recall = counts.precision_and_recall(EntityKind)
    assert precision >= 0.95
    assert recall >= 0.85
