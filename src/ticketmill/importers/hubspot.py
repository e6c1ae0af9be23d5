"""HubSpot Service Hub: tickets of the CRM API and of workflow webhooks."""

from __future__ import annotations

from collections.abc import Mapping

from ticketmill.domain.errors import RejectionCode, TicketRejected
from ticketmill.importers.priorities import WORDS_ALONE, level_of
from ticketmill.importers.raw_ticket import RawTicket, raw_ticket
from ticketmill.importers.values import Payload, child, first_object, first_text, name_of, names_of

SOURCE = "hubspot"
FIELDS = {
    "ticket_id": "id, else properties.hs_object_id",
    "subject": "properties.subject",
    "body": "properties.content",
    "priority": "properties.hs_ticket_priority: LOW, MEDIUM, HIGH, URGENT",
    "created_at": "properties.createdate, else createdAt",
    "customer_id": "associations.contacts.results[0].id",
    "tags": "properties.hs_ticket_category",
    "channel": "properties.source_type, else hs_object_source_label",
}
PRIORITIES = WORDS_ALONE


def matches(payload: Payload) -> bool:
    """Whether `payload` is a ticket of the CRM, or one of HubSpot's events."""
    if "subscriptionType" in payload and "objectId" in payload:
        return True
    properties = payload.get("properties")
    if not isinstance(properties, Mapping):
        return "hs_ticket_priority" in payload or "hs_pipeline" in payload
    return any(key in properties for key in ("hs_ticket_priority", "hs_pipeline", "hs_pipeline_stage"))


def ticket(payload: Payload) -> RawTicket:
    """The ticket of a payload."""
    if "subscriptionType" in payload and "properties" not in payload:
        message = (
            "expected a ticket with its properties, found an event that names it alone: fetch the ticket"
        )
        raise TicketRejected(RejectionCode.EMPTY_TEXT, message, "properties")
    properties = first_object(payload.get("properties"), payload)
    stated = name_of(properties.get("hs_ticket_priority"))
    contacts = child(payload, "associations", "contacts", "results")
    return raw_ticket(
        SOURCE,
        first_text(payload, "id", "objectId") or name_of(properties.get("hs_object_id")),
        subject=name_of(properties.get("subject")),
        body=name_of(properties.get("content")),
        priority=level_of(stated),
        stated_priority=stated,
        created_at=name_of(properties.get("createdate")) or payload.get("createdAt"),
        customer_id=first_text(contacts[0], "id") if isinstance(contacts, list) and contacts else "",
        channel=name_of(properties.get("source_type") or properties.get("hs_object_source_label")).lower(),
        tags=names_of(name_of(properties.get("hs_ticket_category"))),
    )
