"""Outlook's messages (.msg). Needs the extra `msg`."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from ticketmill.domain.errors import RejectionCode, SetupError, TicketRejected
from ticketmill.domain.intake import ticket_from
from ticketmill.importers import mail
from ticketmill.importers.raw_ticket import RawTicket, raw_ticket

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
FIELDS = {
    **mail.FIELDS,
    "ticket_id": "Message-ID of the transport headers, else made of the text",
    "body": "the plain body, else the HTML body; attachments are listed",
    "created_at": "the time of sending",
    "customer_id": "the sender's address",
}

_FAULTS = (OSError, ValueError, LookupError, TypeError, AttributeError, struct.error, OverflowError)
"""What the library raises on files that break the rules."""
_PRIORITIES = {"high": "high", "urgent": "high", "low": "low"}


def ticket(content: bytes) -> RawTicket:
    """The ticket in one message. Raises TicketRejected, and SetupError without the extra `msg`."""
    try:
        from oxmsg import Message
    except ImportError:
        raise SetupError("a .msg file needs the extra `msg`: pip install 'ticketmill[msg]'") from None
    try:
        message = Message.load(content)
        headers = {name.lower(): " ".join(value.split()) for name, value in message.message_headers.items()}
        sender = mail.address_in(message.sender or "")
        body = message.body or message.html_body or ""
        subject, sent = message.subject, message.sent_date
        attachments = [_listed(attachment) for attachment in message.attachments]
    except _FAULTS as fault:
        text = f"expected an Outlook message, found a file that cannot be read ({type(fault).__name__})"
        raise TicketRejected(RejectionCode.SCHEMA, text) from None
    made = raw_ticket(
        mail.SOURCE,
        headers.get("message-id", "").strip("<> "),
        subject=subject.replace("\0", ""),
        body=body.replace("\0", ""),
        priority=_PRIORITIES.get(headers.get("importance", "").lower()),
        created_at=sent.isoformat() if sent else headers.get("date"),
        customer_id=sender,
        channel="email",
        metadata={"headers": _automatic(headers)},
        extra={
            "in_reply_to": headers.get("in-reply-to"),
            "references": headers.get("references", "").split(),
            "attachments": attachments,
        },
    )
    ticket_from(made)
    return made


def _automatic(headers: Mapping[str, str]) -> dict[str, str]:
    found = {name: headers.get(name.lower(), "")[: mail.MAX_HEADER_CHARS] for name in mail.AUTOMATIC_HEADERS}
    return {name: value for name, value in found.items() if value}


def _listed(attachment: Any) -> dict[str, str]:
    listed = {
        "name": attachment.file_name or "",
        "type": attachment.mime_type or "",
        "size": str(attachment.size or ""),
    }
    return {field: value for field, value in listed.items() if value}
