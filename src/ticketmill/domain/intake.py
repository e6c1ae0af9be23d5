"""From a dropped document to its ticket. Only identity and text can reject it, see docs/intake.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ticketmill.domain.errors import RejectionCode, TicketRejected
from ticketmill.domain.json_document import MAX_TICKET_BYTES, decode, several_tickets
from ticketmill.domain.labels import Urgency
from ticketmill.domain.optional_fields import (
    EMPTY,
    Understood,
    customer_of,
    language_of,
    source_of,
    tags_are_all,
    tags_of,
)
from ticketmill.domain.priority import PriorityNumbers, priority_of
from ticketmill.domain.raw_fields import RawFields
from ticketmill.domain.text_fields import (
    BODY_FIELDS,
    MAX_SUBJECT_CHARS,
    SUBJECT_FIELDS,
    long_texts,
    text_in,
)
from ticketmill.domain.ticket import Ticket, TicketMetadata, has_text
from ticketmill.domain.ticket_id import ID_EXPECTED, id_text, is_usable_id, mapped_id
from ticketmill.domain.times import time_of
from ticketmill.domain.warning import TicketWarning, UnknownForm, WarningCode, excerpt, json_type

KnownShapes = Callable[[object], Sequence[Mapping[str, Any]] | None]
"""The raw tickets in a payload whose shape is that of a helpdesk; None where the shape is not known."""

_WRAPPERS = ("tickets", "ticket")


def no_known_shapes(_document: object) -> None:
    """Knows no helpdesk."""
    return


def unmasked(ticket: Ticket) -> Ticket:
    """Hides nothing."""
    return ticket


@dataclass(frozen=True, slots=True)
class Intake:
    """How dropped documents are read."""

    known_shapes: KnownShapes = no_known_shapes
    priority_numbers: PriorityNumbers | None = None
    mask: Callable[[Ticket], Ticket] = unmasked
    """Hides what nothing but the raw object may hold."""

    def parse(self, body: bytes, max_bytes: int = MAX_TICKET_BYTES) -> Ticket:
        """The ticket in a document. Raises TicketRejected with the code and the field of the first fault."""
        value, warnings = decode(body, max_bytes)
        return self.mask(ticket_from(self._sole_ticket(value), warnings, self.priority_numbers))

    def _sole_ticket(self, document: object) -> object:
        """The one raw ticket of a document, whatever it is wrapped in."""
        if _is_ours(document):
            return document
        known = self.known_shapes(document)
        return sole_ticket(document if known is None else list(known))


def parse_ticket(body: bytes, max_bytes: int = MAX_TICKET_BYTES) -> Ticket:
    """The ticket in a document that is of no helpdesk's shape."""
    return Intake().parse(body, max_bytes)


def sole_ticket(document: object) -> object:
    """The one ticket in an array or in `{"tickets": […]}`; any other document as it is.

    Raises TicketRejected where there are several: one object is one ticket.
    """
    if isinstance(document, dict) and not _is_ours(document):
        wrapper = next((name for name in _WRAPPERS if isinstance(document.get(name), list | dict)), None)
        inner = document[wrapper] if wrapper and not _has_text_field(document) else None
        if inner is not None:
            return sole_ticket(inner)
    if not isinstance(document, list) or not document:
        return document
    if len(document) > 1:
        raise several_tickets(len(document), "an array")
    return document[0]


def ticket_from(
    document: object, warnings: Iterable[TicketWarning] = (), numbers: PriorityNumbers | None = None
) -> Ticket:
    """The ticket in a decoded JSON object; `id` stands in for a missing `ticket_id`.

    `warnings` are those of the decoding; `numbers` says which way priorities that are numbers count.
    """
    document = sole_ticket(document)
    if not isinstance(document, dict):
        found = "an empty array" if document == [] else json_type(document)
        raise TicketRejected(RejectionCode.SCHEMA, f"expected a JSON object, found {found}")
    fields = RawFields(document, warnings)
    ticket_id = _ticket_id(fields)
    subject, body = _texts(fields, ticket_id)
    priority = _priority(fields, numbers)
    created_at = _created_at(fields)
    customer_id = _understood(fields, "customer_id", fields.take("customer_id"), customer_of)
    metadata = _metadata(fields)
    return Ticket(
        ticket_id=ticket_id,
        subject=subject,
        body=body,
        priority=priority,
        created_at=created_at,
        customer_id=customer_id,
        metadata=metadata,
        extra=fields.kept,
        warnings=tuple(fields.warnings),
    )


def readable_id(fields: Mapping[str, Any]) -> str | None:
    """The usable ticket id of a decoded ticket that may be invalid otherwise, else None."""
    try:
        return _ticket_id(RawFields(fields))
    except TicketRejected:
        return None


def _is_ours(document: object) -> bool:
    """Whether a document says that it is a raw ticket of ours: no helpdesk calls its id so."""
    return isinstance(document, dict) and id_text(document.get("ticket_id")) not in ("", None)


def _has_text_field(document: Mapping[str, Any]) -> bool:
    return any(name in document for name in ("subject", "body", *BODY_FIELDS))


def _ticket_id(fields: RawFields) -> str:
    """The id, mapped to a usable one where that is needed. It raises what no id can be made of."""
    for name in ("ticket_id", "id"):
        if fields.spelling(name) is None:
            continue
        value = fields.take(name)
        text = id_text(value)
        if text == "":
            continue
        ticket_id = mapped_id(text or "")
        if text is None or not is_usable_id(ticket_id):
            raise _unusable_id(value, text)
        _warn_of_id(fields, value, text, ticket_id)
        return ticket_id
    raise TicketRejected(RejectionCode.SCHEMA, "ticket_id: required", "ticket_id")


def _unusable_id(value: object, text: str | None) -> TicketRejected:
    if text is not None:
        found = f"one of {len(text)} characters"
    else:
        found = "a number too large to be exact" if isinstance(value, float) else json_type(value)
    message = f"ticket_id: {ID_EXPECTED}; found {found}"
    return TicketRejected(RejectionCode.ID_UNUSABLE, message, "ticket_id")


def _warn_of_id(fields: RawFields, value: object, text: str, ticket_id: str) -> None:
    if isinstance(value, str) and text != value:
        fields.warn(WarningCode.ID_TRIMMED, "ticket_id", excerpt(text))
    if isinstance(value, float):
        fields.warn(WarningCode.ID_NUMBER, "ticket_id", str(value))
    if ticket_id != text:
        fields.warn(WarningCode.ID_MAPPED, "ticket_id", text)


def _texts(fields: RawFields, ticket_id: str) -> tuple[str, str]:
    """Subject and body, of which one must have text that can be seen."""
    spelled = fields.spelling("body")
    stated = None if spelled is None else fields.kept[spelled]
    body = _text(fields, "body", BODY_FIELDS)
    subject = _text(fields, "subject", SUBJECT_FIELDS, MAX_SUBJECT_CHARS)
    if has_text(body):
        return subject, body
    # `"body": null` says that there is no text; an object whose text is not found says nothing
    if has_text(subject) and spelled is not None and not long_texts({"body": stated}):
        return subject, body
    if seen := long_texts(fields.kept):
        message = (
            f"expected the text in body, found none there but long texts in {', '.join(seen)}: "
            "send the customer's text as body"
        )
        raise TicketRejected(RejectionCode.TEXT_NOT_FOUND, message, "body", ticket_id)
    if has_text(subject):
        return subject, body
    message = "expected text in subject or body, found none that can be seen"
    raise TicketRejected(RejectionCode.EMPTY_TEXT, message, "body", ticket_id)


def _text(fields: RawFields, name: str, elsewhere: Iterable[str], max_chars: int | None = None) -> str:
    """The text of `subject` or `body`: its own, that of its parts, or that of a field of `elsewhere`."""
    value = fields.take(name)
    own = text_in(value, name)
    if own is not None and has_text(own.text):
        if own.path != name:
            fields.warn(WarningCode.TEXT_FROM_FIELD, name, own.path)
            fields.keep(name, value)
        return own.text
    if value not in EMPTY and not isinstance(value, str):
        fields.refuse(name, value, UnknownForm(json_type(value)))
    return _text_elsewhere(fields, name, elsewhere, max_chars) or (value if isinstance(value, str) else "")


def _text_elsewhere(fields: RawFields, field: str, names: Iterable[str], max_chars: int | None) -> str | None:
    """The text of the first of the fields `names` that has one. A field that is no more than it goes."""
    for name in names:
        spelled = fields.spelling(name)
        value = fields.kept[spelled] if spelled else None
        # a number is a count, as in `"comments": 3`
        found = text_in(value, spelled) if spelled and isinstance(value, str | list | dict) else None
        if found is None or not has_text(found.text) or len(found.text) > (max_chars or len(found.text)):
            continue
        if found.path == spelled:
            del fields.kept[spelled]
        fields.warn(WarningCode.TEXT_FROM_FIELD, field, found.path)
        return found.text
    return None


def _priority(fields: RawFields, numbers: PriorityNumbers | None) -> Urgency | None:
    value = fields.take("priority")
    try:
        return priority_of(value, numbers)
    except UnknownForm as reason:
        fields.refuse("priority", value, reason)
        return None


def _created_at(fields: RawFields) -> datetime | None:
    value = fields.take("created_at")
    try:
        return time_of(value)
    except UnknownForm as reason:
        fields.refuse("created_at", value, reason)
        return None


def _understood(
    fields: RawFields, name: str, value: object, read: Callable[[object], Understood]
) -> str | None:
    """The text of a field; the raw value is kept where that says more."""
    try:
        understood = read(value)
    except UnknownForm as reason:
        fields.refuse(name, value, reason)
        return None
    if not understood.is_all:
        fields.keep(name, value)
    return understood.value


def _metadata(fields: RawFields) -> TicketMetadata:
    value = fields.take("metadata")
    if value in EMPTY or (isinstance(value, str) and not value.strip()):
        return TicketMetadata()
    if not isinstance(value, dict):
        fields.refuse("metadata", value, UnknownForm(json_type(value)))
        return TicketMetadata()
    more = dict(value)
    source = _understood(fields, "metadata.source", more.pop("source", None), source_of)
    language = _understood(fields, "metadata.language", more.pop("language", None), language_of)
    tags = _tags(fields, more.pop("tags", None))
    return TicketMetadata.model_validate({**more, "source": source, "language": language, "tags": tags})


def _tags(fields: RawFields, value: object) -> tuple[str, ...]:
    try:
        tags = tags_of(value)
    except UnknownForm as reason:
        fields.refuse("metadata.tags", value, reason)
        return ()
    if not tags_are_all(value):
        fields.keep("metadata.tags", value)
    return tags
