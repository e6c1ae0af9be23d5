"""Tickets by id as they stand now, with their texts."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from ticketmill.domain.dataset import CurrentTicket
from ticketmill.operations.ports import CurrentRows
from ticketmill.operations.ticket_texts import TicketTexts


@dataclass(frozen=True, slots=True)
class CurrentTickets:
    """The rows, and the raw bucket's texts, which `executor` fetches side by side."""

    rows: CurrentRows
    texts: TicketTexts
    executor: Executor

    def of(self, ticket_ids: Sequence[str]) -> dict[str, CurrentTicket]:
        """Those that have a row. Raises TransientFailure where the stack fails."""
        rows = self.rows.get_many(ticket_ids)
        tickets = self.executor.map(self.texts.of, rows.values())
        return {
            ticket_id: CurrentTicket(row.content_hash, ticket)
            for (ticket_id, row), ticket in zip(rows.items(), tickets, strict=True)
        }
