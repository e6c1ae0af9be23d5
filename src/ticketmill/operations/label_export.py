"""What people say of tickets as labelled texts: what `evaluate` and training read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Any

from ticketmill.domain.duplicates import DUPLICATE_TASKS
from ticketmill.domain.label import CorrectionKind, PersonLabel
from ticketmill.domain.row import TicketRow
from ticketmill.operations.corrections import MAX_ROWS_AT_ONCE, Corrections
from ticketmill.operations.ticket_texts import TicketTexts

NO_ROW, STALE, NO_TEXT, NO_LABEL = "no row", "other content", "no text", "no label"
"""Why a ticket that the journal names is left out."""


@dataclass
class LabelExport:
    """The tickets of the journal whose labels hold for what they say now. A task that nobody spoke of is left
    out of a ticket's line: what a model says is not to be learned from or measured by."""

    corrections: Corrections
    texts: TicketTexts
    executor: Executor
    left_out: Counter[str] = field(default_factory=Counter)
    """How many tickets were left out so far, by the reason."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        by_ticket = groupby(self.corrections.journal.walk(), key=lambda each: each.ticket_id)
        ids = (ticket_id for ticket_id, _ in by_ticket)
        while chunk := list(islice(ids, MAX_ROWS_AT_ONCE)):
            found = self.corrections.rows.get_many(chunk)
            lines = self.executor.map(self._line, (found.get(ticket_id) for ticket_id in chunk))
            for line in lines:
                if isinstance(line, str):
                    self.left_out[line] += 1
                else:
                    yield line

    def _line(self, row: TicketRow | None) -> dict[str, Any] | str:
        """A ticket's line, or why it has none."""
        if row is None:
            return NO_ROW
        holding = {task: each for task, each in row.person.items() if each.content_hash == row.content_hash}
        if row.person and not holding:
            return STALE
        labels = {
            task: self._labels(task, each) for task, each in sorted(holding.items()) if _is_label(task, each)
        }
        if not labels:
            return NO_LABEL
        ticket = self.texts.of(row)
        if ticket is None:
            return NO_TEXT
        latest = max(holding.values(), key=lambda each: each.at)
        return {
            "ticket_id": row.ticket_id,
            "subject": ticket.subject,
            "body": ticket.body,
            **labels,
            "who": latest.who,
            "at": latest.at.isoformat(),
            "content_hash": row.content_hash,
        }

    def _labels(self, task: str, spoken: PersonLabel) -> str | list[str]:
        known = self.corrections.tasks.get(task)
        is_many = len(spoken.labels) != 1 if known is None else known.is_many
        return list(spoken.labels) if is_many else spoken.labels[0]


def _is_label(task: str, spoken: PersonLabel) -> bool:
    return task not in DUPLICATE_TASKS and spoken.kind != CorrectionKind.CANNOT_TELL
