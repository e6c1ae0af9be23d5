"""From documents to enriched tickets without a queue: what the filter and the bulk runs do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from ticketmill.bisection import as_failure, bisect
from ticketmill.domain.enrichment import EnrichedTicket, Enrichment
from ticketmill.domain.serving import NO_SERIAL
from ticketmill.domain.ticket import Ticket
from ticketmill.pipeline.enricher import Enricher
from ticketmill.pipeline.learned import NOTHING_LEARNED, Learned
from ticketmill.pipeline.ports import ParseTicket

FAULT = "fault"
"""The code of a document that a bug stopped, beside those of rejections."""


@dataclass(frozen=True)
class DocumentEnricher:
    """Makes the records that the worker makes, by the same intake and the same enricher."""

    enricher: Enricher
    parse: ParseTicket
    max_ticket_bytes: int
    learned: Learned = NOTHING_LEARNED
    """The versions that serve, where a rollout is followed."""
    serving_serial: int = NO_SERIAL
    """Of the decision that chose the bundle of `enricher`."""

    def enrich(self, documents: Sequence[bytes]) -> list[EnrichedTicket | Exception]:
        """The enriched ticket of each document, or why there is none: TicketRejected, or a fault of ours."""
        parsed = list(map(self._parsed, documents))
        tickets = [each for each in parsed if isinstance(each, Ticket)]
        enrichments = iter(bisect(tickets, partial(self.enricher.enrich, learned=self.learned)))
        return [
            self._joined(each, next(enrichments)) if isinstance(each, Ticket) else each for each in parsed
        ]

    def _parsed(self, document: bytes) -> Ticket | Exception:
        try:
            return self.parse(document, self.max_ticket_bytes)
        except BaseException as error:  # noqa: BLE001 - one document's fault is its own
            return as_failure(error)

    def _joined(self, ticket: Ticket, enrichment: Enrichment | Exception) -> EnrichedTicket | Exception:
        if isinstance(enrichment, Exception):
            return enrichment
        signed = enrichment.model_copy(update={"serving_serial": self.serving_serial})
        return EnrichedTicket(**dict(ticket), enrichment=signed)
