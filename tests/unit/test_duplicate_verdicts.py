"""People say which tickets are the same: the later one points to the earlier, and each pointer goes alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from correction_desk import ANN, START, TASKS
from rows_contract import row

from ticketmill.aws.memory import MemoryLabelJournal, MemoryTicketRows
from ticketmill.domain.duplicates import denied_of, reference_of, to_root
from ticketmill.domain.effective_row import effective
from ticketmill.domain.errors import CorrectionCode, CorrectionRefused
from ticketmill.domain.row import TicketRow
from ticketmill.operations.corrections import Corrections
from ticketmill.operations.duplicates import DuplicateVerdicts


@pytest.fixture
def rows() -> MemoryTicketRows:
    """Four tickets, an hour apart."""
    made = MemoryTicketRows()
    for hour, name in enumerate(("A", "B", "C", "D")):
        assert made.put(row(name, START + timedelta(hours=hour)), None)
    return made


@pytest.fixture
def verdicts(rows: MemoryTicketRows) -> DuplicateVerdicts:
    return DuplicateVerdicts(Corrections(rows, MemoryLabelJournal(rows), TASKS))


def stored(rows: MemoryTicketRows, name: str) -> TicketRow:
    found = rows.get(name)
    assert found is not None
    return found


def group_of(rows: MemoryTicketRows, name: str) -> str:
    return to_root(stored(rows, name), rows.get)[-1].ticket_id


@pytest.mark.parametrize("pair", [("A", "B"), ("B", "A")])
def test_the_later_ticket_points_to_the_earlier_one(
    verdicts: DuplicateVerdicts, rows: MemoryTicketRows, pair: tuple[str, str]
) -> None:
    assert verdicts.confirm(*pair, ANN).ticket_id == "B"
    assert reference_of(stored(rows, "B")) == "A"
    assert reference_of(stored(rows, "A")) is None
    assert "duplicate_of=A" in rows.facets["B"]


def test_groups_are_joined_whole_and_a_merge_is_taken_back_alone(
    verdicts: DuplicateVerdicts, rows: MemoryTicketRows
) -> None:
    verdicts.confirm("C", "D", ANN)
    verdicts.confirm("A", "B", ANN)
    assert verdicts.confirm("D", "B", ANN).ticket_id == "C"
    assert {group_of(rows, name) for name in "ABCD"} == {"A"}
    verdicts.undo("C", ANN)
    assert [group_of(rows, name) for name in "ABCD"] == ["A", "A", "C", "C"]


def test_tickets_of_one_group_are_not_joined_again(verdicts: DuplicateVerdicts) -> None:
    verdicts.confirm("A", "B", ANN)
    verdicts.confirm("A", "C", ANN)
    with pytest.raises(CorrectionRefused, match="already, of A") as refused:
        verdicts.confirm("C", "B", ANN)
    assert refused.value.code is CorrectionCode.SAME_GROUP


def test_each_denial_is_kept_and_taken_back_alone(
    verdicts: DuplicateVerdicts, rows: MemoryTicketRows
) -> None:
    verdicts.deny("C", "A", ANN)
    verdicts.deny("B", "C", ANN)
    assert denied_of(stored(rows, "C")) == {"A", "B"}
    verdicts.undo("C", ANN)
    assert denied_of(stored(rows, "C")) == {"A"}


def test_every_verdict_is_an_event_of_the_journal(verdicts: DuplicateVerdicts) -> None:
    verdicts.confirm("A", "B", ANN)
    verdicts.undo("B", ANN)
    said = [(each.task, each.kind, each.labels, each.who) for each in verdicts.corrections.journal.walk()]
    assert said == [("duplicate_of", "label", ("A",), "ann"), ("duplicate_of", "undo", (), "ann")]


def test_a_verdict_holds_for_the_content_that_it_was_made_on(
    verdicts: DuplicateVerdicts, rows: MemoryTicketRows
) -> None:
    verdicts.confirm("A", "B", ANN)
    changed = stored(rows, "B").model_copy(update={"content_hash": "other"})
    assert reference_of(changed) is None
    assert effective(changed).stale_labels == ("duplicate_of",)


def test_pointers_in_a_circle_end(verdicts: DuplicateVerdicts, rows: MemoryTicketRows) -> None:
    verdicts.confirm("A", "B", ANN)
    person = {"duplicate_of": stored(rows, "B").person["duplicate_of"].model_copy(update={"labels": ("B",)})}
    first = stored(rows, "A").model_copy(update={"person": person})
    path = to_root(first, lambda name: first if name == "A" else rows.get(name))
    assert [each.ticket_id for each in path] == ["A", "B"]


def test_what_is_not_there_is_refused(verdicts: DuplicateVerdicts) -> None:
    with pytest.raises(CorrectionRefused, match="no ticket X"):
        verdicts.confirm("A", "X", ANN)
    with pytest.raises(CorrectionRefused, match="points to no other ticket"):
        verdicts.undo("A", ANN)
