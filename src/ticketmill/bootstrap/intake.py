"""Builds the intake: what makes a ticket of a dropped document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ticketmill.domain.errors import TicketRejected
from ticketmill.domain.intake import Intake
from ticketmill.settings import Settings


def make_intake(settings: Settings) -> Intake:
    """The intake of the settings, which knows the payloads that the importers know."""
    return Intake(tickets_of_a_helpdesk, settings.priority_numbers)


def tickets_of_a_helpdesk(document: object) -> Sequence[Mapping[str, Any]] | None:
    """The raw tickets in a helpdesk's payload; None where no importer knows its shape.

    Raises TicketRejected where the payload holds one ticket that cannot be read.
    """
    from ticketmill.importers.recognise import read, recognise

    source = recognise(document)
    if source is None:
        return None
    found = list(read(document, source))
    tickets = [each for each in found if not isinstance(each, TicketRejected)]
    refused = [each for each in found if isinstance(each, TicketRejected)]
    if refused and len(found) == 1:
        raise refused[0]
    return tickets
