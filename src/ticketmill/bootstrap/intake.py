"""Builds the intake: what makes a ticket of a dropped document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ticketmill.domain.errors import TicketRejected
from ticketmill.domain.intake import Intake
from ticketmill.domain.json_document import several_tickets
from ticketmill.settings import Settings
from ticketmill.text.mask import without_cards


def make_intake(settings: Settings) -> Intake:
    """The intake of the settings. It knows the payloads that the importers know, and masks card numbers."""
    return Intake(tickets_of_a_helpdesk, settings.priority_numbers, without_cards)


def tickets_of_a_helpdesk(document: object) -> Sequence[Mapping[str, Any]] | None:
    """The raw tickets in a helpdesk's payload; None where no importer knows its shape.

    Raises TicketRejected where the payload holds one ticket that cannot be read, or several.
    """
    from ticketmill.importers.recognise import read, recognise

    source = recognise(document)
    if source is None:
        return None
    found = list(read(document, source))
    if len(found) > 1:
        raise several_tickets(len(found), f"a payload of {source}")
    if found and isinstance(found[0], TicketRejected):
        raise found[0]
    return [each for each in found if not isinstance(each, TicketRejected)]
