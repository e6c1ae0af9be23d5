"""The text that a row's predictions and corrections are about, from the raw object."""

from __future__ import annotations

from dataclasses import dataclass

from ticketmill.domain.errors import TicketRejected
from ticketmill.domain.message import Upload
from ticketmill.domain.row import TicketRow
from ticketmill.domain.ticket import Ticket
from ticketmill.pipeline.ports import ParseTicket, RawTickets


@dataclass(frozen=True, slots=True)
class TicketTexts:
    """The raw bucket, as tickets."""

    raw_tickets: RawTickets
    max_ticket_bytes: int
    parse: ParseTicket

    def of(self, row: TicketRow) -> Ticket | None:
        """The ticket that `row` was made from. None where its object is gone, or has other content by now.

        Raises TransientFailure where the bucket fails.
        """
        key = row.raw.key
        raw = self.raw_tickets.fetch(Upload(row.raw.bucket, key, key), self.max_ticket_bytes)
        if raw is None or raw.body is None or raw.content_hash != row.content_hash:
            return None
        try:
            return self.parse(raw.body, self.max_ticket_bytes)
        except TicketRejected:
            return None
