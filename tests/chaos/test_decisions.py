"""The look at decisions sees a row that no decision explains: what it passes is worth something."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from decisions import DAMAGED, TASK, Decisions

from ticketmill.domain.labels import Status
from ticketmill.domain.row import RawVersion, TicketRow
from ticketmill.learning.store import directory_store

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
BUNDLE = "f1"


@pytest.fixture
def decisions(tmp_path: Path) -> Decisions:
    """With every decision made."""
    made = Decisions(
        directory_store(tmp_path), BUNDLE, BUNDLE, lambda number: {"overlay.json": b"%d" % number}
    )
    made.register()
    made.finish()
    return made


def row(decisions: Decisions, serial: int, version: int | None, named: int | None = None) -> TicketRow:
    """A row by `version` that says it was made under `serial`; its fingerprint is that of `named`."""
    rollout = next(each for each in decisions.store.rollouts.history() if each.serial == (named or serial))
    return TicketRow(
        ticket_id="T1",
        status=Status.ENRICHED,
        raw=RawVersion(bucket="b", key="tickets/T1.json", version_id=None, etag="e", last_modified=NOW),
        content_hash="c",
        fingerprint=rollout.fingerprint_for(BUNDLE, "T1"),
        rollout_serial=serial,
        models={TASK: "onepass" if version is None else f"{TASK}/v{version}"},
        processed_at=NOW,
    )


def test_a_row_of_what_its_decision_names_is_right(decisions: Decisions) -> None:
    assert (
        list(decisions.complaints([row(decisions, 1, None), row(decisions, 3, 1), row(decisions, 10, 3)]))
        == []
    )


def test_a_row_of_what_its_decision_does_not_name_is_seen(decisions: Decisions) -> None:
    assert list(decisions.complaints([row(decisions, 3, 2)]))
    assert list(decisions.complaints([row(decisions, 3, 1, named=6)])), "its fingerprint is another's"
    assert list(decisions.complaints([row(decisions, 3, 1).model_copy(update={"rollout_serial": 99})]))


def test_a_row_of_a_damaged_version_is_seen_even_where_a_decision_names_it(decisions: Decisions) -> None:
    promoted = next(
        each.serial for each in decisions.store.rollouts.history() if each.tasks[TASK].serving == DAMAGED
    )
    assert list(decisions.complaints([row(decisions, promoted, DAMAGED)]))


def test_a_row_that_goes_back_to_a_lower_serial_is_seen(decisions: Decisions) -> None:
    decisions.observe([row(decisions, 6, 2)])
    decisions.observe([row(decisions, 3, 1)])
    assert decisions.backwards == [("T1", "its serials went from (0, 6) back to (0, 3)")]
