"""The helpdesks whose payloads are known. The order is that in which they are asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ticketmill.domain.priority import PriorityNumbers
from ticketmill.importers import (
    freshdesk,
    front,
    github,
    gorgias,
    helpscout,
    hubspot,
    intercom,
    jira,
    linear,
    osticket,
    salesforce,
    servicenow,
    zammad,
    zendesk,
    zoho,
)
from ticketmill.importers.raw_ticket import RawTicket
from ticketmill.importers.values import Payload


class Source(Protocol):
    """A module that reads the payloads of one helpdesk: pure functions, no input or output."""

    SOURCE: str
    FIELDS: dict[str, str]
    """Where each field of a raw ticket comes from, for people."""
    PRIORITIES: PriorityNumbers | None
    """Which way the numbers of its priorities count."""

    def matches(self, payload: Payload) -> bool:
        """Whether the keys of `payload` are those of this helpdesk."""

    def ticket(self, payload: Payload) -> RawTicket:
        """The ticket of a payload. Raises TicketRejected where it has no text."""


# Those with a mark of their own first; those told by common names last.
SOURCES: Mapping[str, Source] = {
    source.SOURCE: source
    for source in (
        intercom,
        zammad,
        freshdesk,
        gorgias,
        helpscout,
        zoho,
        hubspot,
        salesforce,
        servicenow,
        jira,
        linear,
        front,
        osticket,
        github,
        zendesk,
    )
}
