"""What people say of two tickets: that they tell of the same thing, or that they do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ticketmill.domain.duplicates import (
    DUPLICATE_OF,
    DUPLICATE_TASKS,
    NOT_DUPLICATE_OF,
    came_before,
    denied_of,
    reference_of,
    to_root,
)
from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.domain.errors import CorrectionCode, CorrectionRefused
from ticketmill.domain.label import CorrectionKind
from ticketmill.domain.row import TicketRow
from ticketmill.operations.corrections import CorrectableTask, Corrections, Speaker, Word


@dataclass(frozen=True, slots=True)
class DuplicateVerdicts:
    """Each verdict is a correction of the ticket that came later: its journal has it, and its row."""

    corrections: Corrections

    def confirm(self, one: str, other: str, speaker: Speaker) -> EffectiveRow:
        """Joins the groups of two tickets; the row that points to another one now.

        The first of the later group becomes a duplicate of the first of the earlier one. CorrectionRefused
        where they share a group already.
        """
        first, second = self._root(one), self._root(other)
        if first.ticket_id == second.ticket_id:
            raise CorrectionRefused(
                CorrectionCode.SAME_GROUP, f"{one} and {other} are duplicates already, of {first.ticket_id}"
            )
        reference, later = (first, second) if came_before(first, second) else (second, first)
        return self._say(later, DUPLICATE_OF, (reference.ticket_id,), speaker)

    def deny(self, one: str, other: str, speaker: Speaker) -> EffectiveRow:
        """Says that two tickets are other matters: they are proposed to each other no more."""
        first, second = self._row(one), self._row(other)
        earlier, later = (first, second) if came_before(first, second) else (second, first)
        denied = sorted({*denied_of(later), earlier.ticket_id})
        return self._say(later, NOT_DUPLICATE_OF, denied, speaker)

    def undo(self, ticket_id: str, speaker: Speaker) -> EffectiveRow:
        """Takes back the last verdict that a ticket's own journal has; others of its group stay."""
        row = self._row(ticket_id)
        spoken = {task: row.person[task] for task in DUPLICATE_TASKS if task in row.person}
        if not spoken:
            raise CorrectionRefused(
                CorrectionCode.NOTHING_TO_UNDO,
                f"{ticket_id} points to no other ticket; the later of two tickets has the verdict",
            )
        last = max(spoken, key=lambda task: spoken[task].number)
        return self._desk(last, ()).undo(ticket_id, speaker, [last])

    def take_back(self, one: str, other: str, speaker: Speaker) -> EffectiveRow:
        """Takes back what was said of these two tickets; the row that had it. All other verdicts stay."""
        first, second = self._row(one), self._row(other)
        for row, named in ((first, second.ticket_id), (second, first.ticket_id)):
            if reference_of(row) == named:
                return self._desk(DUPLICATE_OF, ()).undo(row.ticket_id, speaker, [DUPLICATE_OF])
            if named in denied_of(row):
                return self._say(row, NOT_DUPLICATE_OF, sorted(denied_of(row) - {named}), speaker)
        raise CorrectionRefused(
            CorrectionCode.NOTHING_TO_UNDO,
            f"nobody has said of {one} and {other} that they are duplicates or are not; where they share a "
            "group, the verdict is on another ticket of it",
        )

    def _root(self, ticket_id: str) -> TicketRow:
        return to_root(self._row(ticket_id), self.corrections.rows.get)[-1]

    def _row(self, ticket_id: str) -> TicketRow:
        row = self.corrections.rows.get(ticket_id)
        if row is None:
            raise CorrectionRefused(
                CorrectionCode.UNKNOWN_TICKET, f"no ticket {ticket_id}; `ticketmill list` shows the newest"
            )
        return row

    def _say(self, row: TicketRow, task: str, labels: Sequence[str], speaker: Speaker) -> EffectiveRow:
        word = Word(CorrectionKind.LABEL, tuple(labels))
        return self._desk(task, labels).correct(
            row.ticket_id, {task: word}, speaker, content_hash=row.content_hash
        )

    def _desk(self, task: str, labels: Sequence[str]) -> Corrections:
        """Corrections of that task alone; its labels are the tickets that are spoken of."""
        return replace(self.corrections, tasks={task: CorrectableTask(task, labels, is_many=True)})
