"""Which helpdesk a decoded payload is of, told by its keys, and its tickets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ticketmill.domain.errors import RejectionCode, TicketRejected
from ticketmill.domain.intake import ticket_from
from ticketmill.importers import zendesk
from ticketmill.importers.priorities import level_of
from ticketmill.importers.raw_ticket import RawTicket, raw_ticket
from ticketmill.importers.sources import SOURCES, Source
from ticketmill.importers.unpack import keys_seen, payloads, wrapped_in
from ticketmill.importers.values import Payload, child, first_text, names_of, text_of

AUTO = "auto"
"""Each payload is read by the source that knows its keys; our own raw tickets stay as they are."""

_OWN_IDS = ("ticket_id", "id", "ticketid")
_OWN_TEXTS = ("subject", "body")


def recognise(document: object) -> str | None:
    """The source of a payload, or of the first payload in an array or wrapper.

    None for our own raw tickets and for whatever has no known shape.
    """
    if isinstance(document, Mapping) and zendesk.is_page(document):
        return zendesk.SOURCE
    first = next(payloads(document, _is_known), None)
    return source_of(first) if isinstance(first, Mapping) else None


def source_of(payload: Payload) -> str | None:
    """The source whose keys `payload` has; None for our own raw tickets and unknown shapes."""
    if _has_our_names(payload):
        return None
    return next((name for name, source in SOURCES.items() if source.matches(payload)), None)


def holds_payloads(document: object) -> bool:
    """Whether a document is a payload of a known source, or wraps tickets: else it is one ticket, or none."""
    if isinstance(document, list) or recognise(document) is not None:
        return True
    return isinstance(document, Mapping) and not _is_known(document) and wrapped_in(document) is not None


def is_own(document: object) -> bool:
    """Whether a document is a raw ticket of ours, as far as its names tell: an id and a subject or a body."""
    if not isinstance(document, Mapping):
        return False
    names = {str(name).lower() for name in document}
    return any(name in names for name in _OWN_IDS) and any(name in names for name in _OWN_TEXTS)


def read(document: object, source: str = AUTO) -> Iterator[RawTicket | TicketRejected]:
    """The raw tickets in a decoded document, and in its place the reason for each payload that is refused.

    A ticket that stands in the document as a raw ticket of ours is given as it is. Every other one is checked
    by the rules that the pipeline has for raw tickets.
    """
    if source == AUTO and isinstance(document, Mapping) and zendesk.is_page(document):
        source = zendesk.SOURCE
    named = None if source == AUTO else SOURCES[source]
    for payload in payloads(document, _is_known if named is None else named.matches):
        try:
            yield _ticket(payload, named)
        except TicketRejected as refused:
            yield refused


def _ticket(payload: object, named: Source | None) -> RawTicket:
    if not isinstance(payload, Mapping):
        raise TicketRejected(RejectionCode.SCHEMA, f"expected a ticket, found {keys_seen(payload)}")
    if named is None:
        name = source_of(payload)
        if name is None and is_own(payload):
            return dict(payload)
        if name is None:
            raise _unknown(payload)
        named = SOURCES[name]
    try:
        by_hand = is_own(payload) and not named.matches(payload)
        ticket = _named_by_hand(payload, named) if by_hand else named.ticket(payload)
    except RecursionError:
        raise TicketRejected(RejectionCode.SCHEMA, "expected less nesting") from None
    ticket_from(ticket)
    return ticket


def _named_by_hand(payload: Payload, source: Source) -> RawTicket:
    """A ticket whose fields somebody gave our names, while its priority still counts as the source does."""
    metadata = payload.get("metadata")
    return raw_ticket(
        source.SOURCE,
        first_text(payload, "ticket_id", "id"),
        subject=payload.get("subject"),
        body=first_text(payload, "body", "description"),
        priority=level_of(payload.get("priority"), source.PRIORITIES),
        stated_priority=payload.get("priority"),
        created_at=payload.get("created_at"),
        customer_id=payload.get("customer_id"),
        channel=text_of(child(metadata, "source")),
        language=child(metadata, "language"),
        tags=names_of(child(metadata, "tags")),
    )


def _is_known(payload: Payload) -> bool:
    if source_of(payload) is not None:
        return True
    return is_own(payload) and ("body" in payload or wrapped_in(payload) is None)


def _has_our_names(payload: Payload) -> bool:
    if not isinstance(payload.get("body"), str) or "is_inbound" in payload:  # a message of Front
        return False
    return bool(text_of(payload.get("ticket_id"))) or ("id" in payload and "subject" in payload)


def _unknown(payload: Payload) -> TicketRejected:
    message = (
        f"expected a ticket or a payload of {', '.join(sorted(SOURCES))}; found {keys_seen(payload)}. "
        "Name the source with --from"
    )
    return TicketRejected(RejectionCode.SCHEMA, message)
