"""Which ticket a dropped object is of, and what the table knows of that ticket."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from ticketmill.domain.errors import TicketRejected, TransientFailure
from ticketmill.domain.keys import id_of_key
from ticketmill.domain.message import Upload
from ticketmill.domain.row import TicketRow
from ticketmill.pipeline.ports import ParseTicket, RawTickets, TicketRows


@dataclass(frozen=True, slots=True)
class Known:
    """A ticket's id and its row, made from whichever upload."""

    ticket_id: str
    row: TicketRow | None


@dataclass(frozen=True)
class Lookup:
    """Most keys are made of the id. Where the row of that name knows nothing of the key, the object says
    which ticket it is."""

    rows: TicketRows
    raw_tickets: RawTickets
    executor: Executor
    max_ticket_bytes: int
    parse: ParseTicket

    def find(self, uploads: Sequence[Upload]) -> dict[Upload, Known | TransientFailure]:
        """What is known of each upload, in their order, or why its object or its row could not be read.

        Raises TransientFailure where the table fails.
        """
        named = {upload: id_of_key(upload.key) for upload in uploads}
        rows = self.rows.get_many(set(named.values()))
        strangers = [upload for upload in uploads if not _concerns(rows.get(named[upload]), upload)]
        asked = dict(zip(strangers, self.executor.map(self._id_in_object, strangers), strict=True))
        ids = {upload: found for upload, found in asked.items() if isinstance(found, str)}
        more = self.rows.get_many(set(ids.values()) - rows.keys())
        failures = {upload: found for upload, found in asked.items() if isinstance(found, TransientFailure)}
        named |= ids
        unreadable = rows.unreadable | more.unreadable
        rows |= more
        return {
            upload: failures.get(upload) or unreadable.get(ticket_id) or Known(ticket_id, rows.get(ticket_id))
            for upload, ticket_id in named.items()
        }

    def _id_in_object(self, upload: Upload) -> str | TransientFailure:
        try:
            raw = self.raw_tickets.fetch(upload, self.max_ticket_bytes)
        except TransientFailure as failure:
            return failure
        if raw is None or raw.body is None:
            return id_of_key(upload.key)
        try:
            return self.parse(raw.body, self.max_ticket_bytes).ticket_id
        except TicketRejected as rejection:
            return rejection.ticket_id or id_of_key(upload.key)


def keys_of(upload: Upload) -> tuple[str, str]:
    """The object of an upload has the one or the other."""
    return upload.key, upload.fallback_key


def _concerns(row: TicketRow | None, upload: Upload) -> bool:
    """Whether a row says anything of the upload's key."""
    if row is None:
        return False
    said = (row.raw, row.failure, row.rejection)
    return any(each.key in keys_of(upload) for each in said if each is not None)
