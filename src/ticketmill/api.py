"""The Python API: `from ticketmill import load; load().enrich([...])`, and an actor for Ray Data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ticketmill.bootstrap import load_enricher, make_intake
from ticketmill.bootstrap.bulk import follow_bundle, make_documents
from ticketmill.domain.enrichment import EnrichedTicket
from ticketmill.domain.errors import RejectionCode, TicketRejected
from ticketmill.domain.intake import Intake
from ticketmill.domain.json_document import MAX_TICKET_BYTES
from ticketmill.domain.ticket import Ticket
from ticketmill.pipeline.enricher import Enricher
from ticketmill.settings import load_settings


class Ticketmill:
    """The models of one bundle, loaded once. Thread-safe; it needs no AWS and keeps nothing of a ticket."""

    def __init__(
        self, enricher: Enricher, max_ticket_bytes: int = MAX_TICKET_BYTES, intake: Intake | None = None
    ) -> None:
        self._enricher = enricher
        self._intake = intake or Intake()
        self._max_ticket_bytes = max_ticket_bytes

    @property
    def fingerprint(self) -> str:
        """Names the bundle and the settings that decide every output, see `Enrichment.fingerprint`."""
        return self._enricher.fingerprint

    def enrich(self, tickets: Iterable[Mapping[str, Any] | Ticket]) -> list[EnrichedTicket]:
        """The tickets with their enrichments, in the order given.

        A mapping is a raw ticket as JSON has it, see docs/records.md. All tickets are checked before the
        first one is enriched. Every result keeps its embedding in memory: pass some thousands at a time.

        Raises TicketRejected for the first invalid ticket; a note on the error says which one it is.
        """
        valid = [self._checked(ticket, number) for number, ticket in enumerate(tickets, start=1)]
        return [
            EnrichedTicket(**dict(ticket), enrichment=enrichment)
            for ticket, enrichment in zip(valid, self._enricher.enrich(valid), strict=True)
        ]

    def _checked(self, ticket: Mapping[str, Any] | Ticket, number: int) -> Ticket:
        if isinstance(ticket, Ticket):
            return self._intake.mask(ticket)
        try:
            body = json.dumps(dict(ticket), default=_as_json).encode()
            return self._intake.parse(body, self._max_ticket_bytes)
        except TicketRejected as error:
            error.add_note(f"ticket {number} of those given to enrich()")
            raise


class TicketmillEnricher:
    """For `ray.data.Dataset.map_batches`: an actor with models of its own, on one core.

    A batch is a table with the fields of raw tickets as columns; so is what comes back: a row for each, see
    docs/bulk.md. Needs the extra `ray`.
    """

    def __init__(self, **settings: Any) -> None:
        """`settings` as those of `load`; `threads` is 1. Raises SetupError as `load` does."""
        known = load_settings(**{"threads": 1, **settings})
        self._documents = make_documents(known, follow_bundle(known))

    def __call__(self, batch: Any) -> Any:
        """A pyarrow.Table of the batch: a table, a data frame, or arrays by column."""
        from ticketmill.bulk.tables import as_table, raw_tickets, table_of

        return table_of(self._documents.enrich(list(raw_tickets(as_table(batch)))))


def load(**settings: Any) -> Ticketmill:
    """Loads the bundle, about 1 second. `settings` win over the TICKETMILL_* variables, see docs/settings.md.

    As in `load(threads=2, bundle="bundles/current")`. Raises SetupError when a setting is wrong or the bundle
    is missing; `ticketmill models build` makes one.
    """
    known = load_settings(**settings)
    return Ticketmill(load_enricher(known), known.max_ticket_bytes, make_intake(known))


def _as_json(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TicketRejected(
        RejectionCode.NOT_JSON, f"expected values that JSON has, found {type(value).__name__}"
    )
