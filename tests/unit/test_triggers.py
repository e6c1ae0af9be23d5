"""When a task is trained again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ticketmill.domain.dataset import Dataset
from ticketmill.domain.label import Correction, CorrectionKind
from ticketmill.learning.triggers import TrainingState, Trigger, due, state_of

NOW = datetime(2026, 11, 21, tzinfo=UTC)
DAY = timedelta(days=1)


def state(**given: Any) -> TrainingState:
    known: dict[str, Any] = {"trained_on": 2000, "built_at": NOW - DAY, "known_labels": frozenset("ab")}
    return TrainingState("intent", **{**known, **given})


def trigger(state: TrainingState) -> Trigger | None:
    found = due(state, NOW)
    return found and found.trigger


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, None),
        ({"new_tickets": 199}, None),
        ({"new_tickets": 200}, Trigger.LABELS),
        ({"new_tickets": 99, "trained_on": 500}, None),
        ({"new_tickets": 100, "trained_on": 500}, Trigger.GROWTH),
        ({"new_tickets": 10, "trained_on": 40}, None),
        ({"new_tickets": 1, "drifted": True}, Trigger.DRIFT),
        ({"drifted": True}, None),
        ({"new_tickets": 1, "drifted": True, "audits_fell_short": True}, Trigger.AUDITS),
        ({"new_tickets": 5, "new": {"c": 5}}, Trigger.NEW_LABEL),
        ({"new_tickets": 4, "new": {"c": 4}}, None),
        ({"new_tickets": 1, "built_at": NOW - 7 * DAY}, Trigger.AGE),
        ({"built_at": NOW - 70 * DAY}, None),
        ({"by_hand": True}, Trigger.BY_HAND),
        (
            {"built_at": None, "trained_on": 0, "known_labels": frozenset(), "new_tickets": 200},
            Trigger.LABELS,
        ),
    ],
)
def test_each_trigger_asks_for_a_training(given: dict[str, Any], expected: Trigger | None) -> None:
    assert trigger(state(**given)) is expected


def test_after_a_training_nothing_but_a_hand_starts_the_next_one_at_once() -> None:
    just_ended = {"last_end": NOW - timedelta(minutes=50), "new_tickets": 500}
    assert trigger(state(**just_ended)) is None
    assert trigger(state(**just_ended, by_hand=True)) is Trigger.BY_HAND
    assert trigger(state(**{**just_ended, "last_end": NOW - timedelta(minutes=70)})) is Trigger.LABELS


def test_the_reason_has_the_numbers() -> None:
    found = due(state(new_tickets=200), NOW)
    assert found is not None
    assert found.reason == "200 new labels, and 200 are enough"


def correction(ticket_id: str, label: str, at: datetime, number: int = 1, **given: Any) -> Correction:
    known: dict[str, Any] = {"task": "intent", "kind": CorrectionKind.LABEL, "labels": (label,)}
    known |= {"ticket_id": ticket_id, "number": number, "who": "ann", "at": at, "content_hash": "c"}
    return Correction(**{**known, **given})


def test_the_last_word_on_each_ticket_counts_if_it_came_after_the_dataset() -> None:
    built = Dataset(
        name="d",
        task="intent",
        kind="single",
        labels={"a": 3},
        examples=3,
        held_out=0,
        groups=3,
        built_at=NOW,
    )
    journal = [
        correction("T1", "a", NOW - DAY),
        correction("T2", "a", NOW - DAY),
        correction("T2", "b", NOW + DAY, 2),
        correction("T3", "b", NOW + DAY),
        correction("T3", "", NOW + DAY, 2, kind=CorrectionKind.UNDO, labels=(), undoes=1),
        correction("T4", "high", NOW + DAY, task="urgency"),
        correction("T5", "", NOW + DAY, kind=CorrectionKind.CANNOT_TELL, labels=()),
    ]
    found = state_of("intent", journal, built)
    assert (found.new_tickets, found.new, found.trained_on) == (1, {"b": 1}, 3)
    assert found.known_labels == {"a"}
    assert state_of("intent", journal, None).new_tickets == 2
