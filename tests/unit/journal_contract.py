"""What every label journal keeps to: DynamoDB and its sister in memory run these tests alike."""

from __future__ import annotations

from typing import Protocol

from rows_contract import NOON, row

from ticketmill.domain.label import Correction, CorrectionKind, Shown, replay
from ticketmill.domain.labels import Source
from ticketmill.domain.row import TicketRow
from ticketmill.operations.ports import CurrentRows, ErasableJournal, LabelJournal


class WritableRows(CurrentRows, Protocol):
    """Rows that the pipeline writes too."""

    def put(self, row: TicketRow, replaces: TicketRow | None) -> bool: ...


def correction(number: int = 1, ticket_id: str = "TKT-001", label: str = "low") -> Correction:
    return Correction(
        ticket_id=ticket_id,
        number=number,
        task="urgency",
        kind=CorrectionKind.LABEL,
        labels=(label,),
        who="ann",
        at=NOON,
        shown=Shown(labels=("high",), confidence=0.8125, source=Source.HEAD, fingerprint="f1"),
        content_hash="ab",
        note="The writer says so.",
    )


def said(row: TicketRow, *corrections: Correction) -> TicketRow:
    """The row as it follows `row` once these are all that people said."""
    return row.model_copy(update={"person": replay(corrections), "revision": row.revision + 1})


class ErasableLabelJournal(LabelJournal, ErasableJournal, Protocol):
    """A journal of which a ticket can be removed."""


class LabelJournalContract:
    """A subclass gives the fixtures `rows` and `journal`, which are in step, with nothing in them."""

    def test_before_the_first_correction_there_is_none(self, journal: LabelJournal) -> None:
        assert journal.of_ticket("TKT-001") == []
        assert list(journal.walk()) == []

    def test_a_correction_and_the_label_on_the_row_are_written_together(
        self, rows: WritableRows, journal: LabelJournal
    ) -> None:
        seen, spoken = row(), correction()
        rows.put(seen, replaces=None)
        assert journal.append([spoken], said(seen, spoken), seen)
        assert journal.of_ticket("TKT-001") == [spoken]
        assert rows.get("TKT-001") == said(seen, spoken)
        assert rows.get_many(["TKT-001"]).misindexed == frozenset()

    def test_nothing_is_written_where_the_row_has_changed(
        self, rows: WritableRows, journal: LabelJournal
    ) -> None:
        seen, spoken = row(), correction()
        rows.put(seen, replaces=None)
        newer = row(subject="another upload", revision=2)
        rows.put(newer, replaces=seen)
        assert not journal.append([spoken], said(seen, spoken), seen)
        assert journal.of_ticket("TKT-001") == []
        assert rows.get("TKT-001") == newer

    def test_nothing_is_written_where_there_is_no_row(
        self, rows: WritableRows, journal: LabelJournal
    ) -> None:
        assert not journal.append([correction()], said(row(), correction()), row())
        assert journal.of_ticket("TKT-001") == []
        assert rows.get("TKT-001") is None

    def test_of_two_people_who_saw_one_row_the_second_is_told_that_they_came_late(
        self, rows: WritableRows, journal: LabelJournal
    ) -> None:
        seen = row()
        rows.put(seen, replaces=None)
        first, second = correction(), correction(label="critical")
        assert journal.append([first], said(seen, first), seen)
        assert not journal.append([second], said(seen, second), seen)
        assert journal.of_ticket("TKT-001") == [first]
        assert rows.get("TKT-001") == said(seen, first)

    def test_a_write_sent_again_because_its_answer_was_lost_is_ours(
        self, rows: WritableRows, journal: LabelJournal
    ) -> None:
        seen, spoken = row(), correction()
        rows.put(seen, replaces=None)
        assert journal.append([spoken], said(seen, spoken), seen)
        assert journal.append([spoken], said(seen, spoken), seen)
        assert journal.of_ticket("TKT-001") == [spoken]

    def test_without_corrections_the_row_alone_is_written(
        self, rows: WritableRows, journal: LabelJournal
    ) -> None:
        seen = row()
        rows.put(seen, replaces=None)
        assert journal.append([], said(seen, correction()), seen)
        assert not journal.append([], said(seen, correction()), seen)
        assert rows.get("TKT-001") == said(seen, correction())
        assert journal.of_ticket("TKT-001") == []

    def test_a_row_of_which_nobody_says_anything_any_more_says_so(
        self, rows: WritableRows, journal: LabelJournal
    ) -> None:
        seen, spoken = row(), correction()
        rows.put(seen, replaces=None)
        journal.append([spoken], said(seen, spoken), seen)
        silent = said(seen, spoken).model_copy(update={"person": {}, "revision": 3})
        assert journal.append([], silent, said(seen, spoken))
        assert rows.get("TKT-001") == seen.model_copy(update={"revision": 3})

    def test_corrections_come_by_ticket_in_the_order_of_their_numbers(
        self, rows: WritableRows, journal: LabelJournal
    ) -> None:
        for ticket_id in ("TKT-002", "TKT-001"):
            seen = row(ticket_id)
            rows.put(seen, replaces=None)
            for number in range(1, 12):
                spoken = correction(number, ticket_id)
                following = said(seen, spoken)
                assert journal.append([spoken], following, seen)
                seen = following
        walked = [(each.ticket_id, each.number) for each in journal.walk()]
        assert len(walked) == 22
        assert sorted(walked) == sorted(walked, key=lambda each: (each[0], each[1]))
        for ticket_id in ("TKT-001", "TKT-002"):
            numbers = [number for each, number in walked if each == ticket_id]
            assert numbers == list(range(1, 12))
            assert [each.number for each in journal.of_ticket(ticket_id)] == numbers

    def test_the_pipeline_keeps_what_people_said_and_the_index_says_it(
        self, rows: WritableRows, journal: LabelJournal
    ) -> None:
        seen, spoken = row(), correction()
        rows.put(seen, replaces=None)
        journal.append([spoken], said(seen, spoken), seen)
        current = said(seen, spoken)
        rows.put(current.model_copy(update={"summary": "Anew.", "revision": 3}), replaces=current)
        found = rows.get_many(["TKT-001"])
        assert found["TKT-001"].person == current.person
        assert found.misindexed == frozenset()

    def test_what_was_said_of_one_ticket_is_removed_and_nothing_else(
        self, rows: WritableRows, journal: ErasableLabelJournal
    ) -> None:
        for ticket_id in ("TKT-001", "TKT-0011"):
            first = row(ticket_id)
            rows.put(first, replaces=None)
            new = [correction(number, ticket_id) for number in (1, 2)]
            assert journal.append(new, said(first, *new), first)
        assert journal.remove("TKT-001") == 2
        assert journal.remove("TKT-001") == 0
        assert [each.ticket_id for each in journal.walk()] == ["TKT-0011", "TKT-0011"]
