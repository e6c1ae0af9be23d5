"""Puts together what the routes work with, from the settings."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ticketmill import bootstrap
from ticketmill.entrypoints.web.background import BackgroundEnricher
from ticketmill.entrypoints.web.parts import WebParts
from ticketmill.operations.corrections import Corrections
from ticketmill.queries.history import TicketHistory

if TYPE_CHECKING:
    from ticketmill.settings import Settings


def connect_parts(settings: Settings) -> WebParts:
    """The parts for the stack of the settings. SetupError where it is not there."""
    from ticketmill.aws.memory import MemoryLabelJournal

    adapters = bootstrap.connect(settings)
    journal = MemoryLabelJournal()
    return WebParts(
        settings=settings,
        queries=adapters.queries,
        corrections=Corrections(adapters.rows, journal, {}),
        records=adapters.enriched_tickets,
        raw_bucket=adapters.stack.raw_bucket,
        raw_tickets=adapters.raw_tickets,
        intake=bootstrap.make_intake(settings),
        enricher=BackgroundEnricher(partial(bootstrap.load_enricher, settings)),
        history=TicketHistory(adapters.raw_tickets, adapters.enriched_tickets, journal),
    )
