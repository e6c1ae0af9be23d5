"""A pipeline over ports in memory, and what it left behind."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count

from fakes import (
    NOW,
    FakeEnrichedTickets,
    FakeEnricher,
    FakeRawTickets,
    FakeRows,
    decode,
)

from ticketmill.domain.errors import RejectionCode
from ticketmill.domain.message import Message, RawObject, Upload
from ticketmill.domain.row import TicketRow
from ticketmill.pipeline.batch import Pipeline
from ticketmill.pipeline.outcome import Result

LATER = NOW + timedelta(seconds=5)


class World:
    """A pipeline over fakes, and what it left behind."""

    def __init__(self) -> None:
        self.raw = FakeRawTickets()
        self.enriched = FakeEnrichedTickets()
        self.rows = FakeRows()
        self.enricher = FakeEnricher()
        self.serial = 1
        attempts = count(1)
        self.pipeline = Pipeline(
            raw_tickets=self.raw,
            enriched_tickets=self.enriched,
            rows=self.rows,
            decode=decode,
            enricher=self.enricher,
            executor=ThreadPoolExecutor(4),
            max_ticket_bytes=10_000,
            serving_serial=lambda: self.serial,
            attempt_token=lambda: f"a{next(attempts)}",
            clock=lambda: NOW,
        )

    def process(self, *messages: Message) -> dict[str, Result]:
        """The result of each message, by its id."""
        return {each.message.message_id: each.result for each in self.pipeline.process_batch(messages)}

    def serve(self, fingerprint: str) -> None:
        """Lets another bundle serve from now on."""
        self.serial += 1
        self.enricher.fingerprint = fingerprint

    def row(self, ticket_id: str) -> TicketRow:
        return self.rows.rows[ticket_id]

    def rejection_code(self, ticket_id: str) -> RejectionCode | None:
        rejection = self.row(ticket_id).rejection
        return rejection and rejection.code

    def meanwhile(self, drop: Callable[[], Message]) -> None:
        """Lets another worker see an upload through, between the next read of an object and its write."""
        fetch = self.raw.fetch

        def overtaken(upload: Upload, max_bytes: int) -> RawObject | None:
            found = fetch(upload, max_bytes)
            self.raw.fetch = fetch  # type: ignore[method-assign]
            self.process(drop())
            return found

        self.raw.fetch = overtaken  # type: ignore[method-assign]
