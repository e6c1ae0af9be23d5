"""Builds what finds surges, keeps them and announces them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ticketmill.bootstrap.adapters import connect_clients
from ticketmill.domain.errors import SetupError
from ticketmill.operations.surge_records import SurgeRecords
from ticketmill.settings import Settings

if TYPE_CHECKING:
    from datetime import datetime

    from ticketmill.aws.clients import Clients
    from ticketmill.deploy.stack import Stack
    from ticketmill.domain.surge import SurgeRecord
    from ticketmill.operations.surge_found import SurgeLimits
    from ticketmill.operations.surge_watch import Announce, SurgeWatch


def open_surges(settings: Settings) -> SurgeRecords:
    """The surges of the stack. SetupError where it has no learning table yet."""
    return surges_of(settings, *connect_clients(settings))


def surges_of(settings: Settings, clients: Clients, stack: Stack) -> SurgeRecords:
    """The same, where the stack is known already."""
    from ticketmill.aws.learning_items import DynamoLearningItems

    learning_table = settings.learning_table or stack.learning_table
    if not learning_table:
        raise SetupError(
            f"stack {settings.stack} has no learning table, where surges are kept: run `ticketmill up` (on "
            "AWS `ticketmill deploy`), or set TICKETMILL_LEARNING_TABLE"
        )
    return SurgeRecords(DynamoLearningItems(clients.dynamodb, learning_table))


def surge_limits(settings: Settings) -> SurgeLimits:
    """What is a surge."""
    from ticketmill.operations.surge_found import SurgeLimits

    return SurgeLimits(
        settings.surge_false_per_week, settings.surge_min_tickets, settings.surge_min_customers
    )


def make_surge_watch(settings: Settings) -> SurgeWatch:
    """What watches the index of the stack. SetupError where something is missing."""
    from ticketmill.bootstrap.adapters import connect_queries
    from ticketmill.bootstrap.search import open_ticket_vectors
    from ticketmill.operations.surge_watch import SurgeWatch
    from ticketmill.telemetry.surges import SurgeLines

    clients, stack = connect_clients(settings)
    return SurgeWatch(
        open_ticket_vectors(settings),
        connect_queries(settings).rows_of,
        surges_of(settings, clients, stack),
        surge_limits(settings),
        announcing(settings, clients),
        SurgeLines(settings.stack).write if settings.emf else lambda _open: None,
    )


def scan_past(settings: Settings, since: datetime, now: datetime) -> list[SurgeRecord]:
    """The surges that opened from `since` on, found anew. SetupError where there is no index."""
    from ticketmill.bootstrap.adapters import connect_queries
    from ticketmill.bootstrap.search import open_ticket_vectors
    from ticketmill.operations.surge_found import past_surges

    reader = open_ticket_vectors(settings)
    rows_of = connect_queries(settings).rows_of
    return past_surges(reader.current(), rows_of, reader.store.texts, surge_limits(settings), since, now)


def announcing(settings: Settings, clients: Clients) -> Announce:
    """Sends an event to the bus and the topic of the settings, where they name some."""
    from ticketmill.aws.surge_events import SurgeBus, SurgeTopic
    from ticketmill.domain.surge import SurgeEvent

    places: list[SurgeBus | SurgeTopic] = [
        *([SurgeBus(settings.surge_bus, clients.events)] if settings.surge_bus else []),
        *([SurgeTopic(settings.surge_topic, clients.sns)] if settings.surge_topic else []),
    ]

    def announce(event: SurgeEvent) -> None:
        for place in places:
            place.send(event)

    return announce
