"""Mails: one message in a file (.eml), and mailboxes of many (.mbox)."""

from __future__ import annotations

import email
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from email.errors import MessageError
from email.message import Message
from email.policy import compat32, default
from email.utils import getaddresses
from itertools import islice
from typing import Any

from ticketmill.domain.errors import RejectionCode, TicketRejected
from ticketmill.domain.intake import ticket_from
from ticketmill.importers.priorities import level_of
from ticketmill.importers.raw_ticket import RawTicket, raw_ticket

SOURCE = "mail"
FIELDS = {
    "ticket_id": "Message-ID, else made of the text",
    "subject": "Subject",
    "body": "the text/plain parts, else the text/html parts; attachments are listed",
    "priority": "Importance, Priority or X-Priority where it says high or low",
    "created_at": "Date",
    "customer_id": "From, else Sender: the address",
    "tags": "none",
    "channel": "email",
}

MAX_MESSAGE_BYTES = 64 << 20
MAX_PARTS = 1000
MAX_HEADER_CHARS = 500

AUTOMATIC_HEADERS = (
    "Auto-Submitted",
    "Precedence",
    "List-Unsubscribe",
    "List-Id",
    "X-Auto-Response-Suppress",
)
"""Headers that tell mail that no person wrote. They are kept in `metadata.headers`."""

_FAULTS = (MessageError, LookupError, ValueError, TypeError, AttributeError, NameError, RecursionError)
"""What the standard library raises on headers and parts that break the rules."""
_HEADER = re.compile(
    rb"\A(?:[!-9;-~]+:[^\n]*\n(?:[ \t][^\n]*\n)*){0,60}?"
    rb"(?:From|Received|Message-ID|Return-Path|Delivered-To|MIME-Version):",
    re.IGNORECASE,
)
_UTF8_LIKELY = {"us-ascii", "ascii", "iso-8859-1", "latin-1", "windows-1252", "cp1252", "unknown-8bit", ""}
_PRIORITIES = {"1": "high", "2": "high", "4": "low", "5": "low", "urgent": "high", "non-urgent": "low"}


def is_mail(head: bytes) -> bool:
    """Whether a file begins with the headers of a mail."""
    return _HEADER.match(head) is not None


def is_mailbox(head: bytes) -> bool:
    """Whether a file begins as a mailbox does."""
    return head.startswith(b"From ") and b"\n" in head


def messages(lines: Iterable[bytes], max_bytes: int = MAX_MESSAGE_BYTES) -> Iterator[bytes | TicketRejected]:
    """The messages of a mailbox, each after a line `From …` that a blank line precedes."""
    message: list[bytes] = []
    size, after_blank, begun = 0, True, False
    for line in lines:
        if after_blank and line.startswith(b"From "):
            if begun:
                yield _message(message, size, max_bytes)
            message, size, begun = [], 0, True
        elif begun:
            size += len(line)
            if size <= max_bytes:
                message.append(re.sub(rb"\A>(?=>*From )", b"", line))
        after_blank = not line.strip()
    if begun:
        yield _message(message, size, max_bytes)


def ticket(content: bytes) -> RawTicket:
    """The ticket in one message. Raises TicketRejected where it has no text."""
    message = _parsed(content)
    plain, html, attachments = _parts(message)
    sender = _address(message)
    made = raw_ticket(
        SOURCE,
        _header(message, "Message-ID").strip("<> "),
        subject=_header(message, "Subject"),
        body="\n\n".join(plain or html),
        priority=_priority(message),
        created_at=_header(message, "Date"),
        customer_id=sender,
        channel="email",
        metadata={"headers": _automatic(message)},
        extra={
            "in_reply_to": _header(message, "In-Reply-To"),
            "references": _header(message, "References").split(),
            "attachments": attachments,
        },
    )
    ticket_from(made)
    return made


def address_in(text: str) -> str:
    """The address in a header such as `Ada <ada@example.com>`."""
    try:
        addresses = getaddresses([text[:MAX_HEADER_CHARS]])
    except _FAULTS:
        return ""
    return addresses[0][1].lower() if addresses else ""


def _message(lines: list[bytes], size: int, max_bytes: int) -> bytes | TicketRejected:
    if size > max_bytes:
        message = f"expected a message of at most {max_bytes} bytes, found {size}"
        return TicketRejected(RejectionCode.TOO_LARGE, message)
    return b"".join(lines)


def _parsed(content: bytes) -> Message:
    """A message by today's rules for headers, or by the older ones where it breaks these."""
    with suppress(*_FAULTS):
        return email.message_from_bytes(content, policy=default)
    try:
        return email.message_from_bytes(content, policy=compat32)
    except _FAULTS as fault:
        message = f"expected a mail, found one that cannot be read ({type(fault).__name__})"
        raise TicketRejected(RejectionCode.SCHEMA, message) from None


def _header(message: Message, name: str) -> str:
    """A header as one line, decoded where that can be done."""
    try:
        value = message[name]
    except _FAULTS:
        value = next((raw for key, raw in message.raw_items() if key.lower() == name.lower()), "")
    text = str(value or "").encode("utf-8", "replace").decode()
    return " ".join(text.split())


def _address(message: Message) -> str:
    for name in ("From", "Sender", "Reply-To"):
        if address := address_in(_header(message, name)):
            return address
    return ""


def _priority(message: Message) -> str | None:
    for name in ("Importance", "X-Priority", "Priority", "X-MSMail-Priority"):
        stated = _header(message, name).lower().split(" ")[0]
        level = _PRIORITIES.get(stated) or level_of(stated)
        if level in ("high", "low"):
            return level
    return None


def _automatic(message: Message) -> dict[str, str]:
    """The headers that tell automatic mail; Content-Type only where it is a report of a mail server."""
    names = [*AUTOMATIC_HEADERS, *(["Content-Type"] if _kind(message) == "multipart/report" else [])]
    found = {name: _header(message, name)[:MAX_HEADER_CHARS] for name in names}
    return {name: value for name, value in found.items() if value}


def _parts(message: Message) -> tuple[list[str], list[str], list[Mapping[str, str]]]:
    """The plain texts and the HTML texts in order, and the attachments."""
    plain: list[str] = []
    html: list[str] = []
    attachments: list[Mapping[str, str]] = []
    for part in islice(_leaves(message), MAX_PARTS):
        kind = _kind(part)
        if kind not in ("text/plain", "text/html") or _is_attached(part):
            attachments.append(_listed(part, kind))
            continue
        text = _text(part).strip()
        if text and kind == "text/plain":
            plain.append(text)
        elif text:
            html.append(text)
    return plain, html, attachments


def _leaves(message: Message) -> Iterator[Message]:
    """The parts that hold no other part, in order; a mail that is attached to a mail counts as one."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        inside = part.get_payload()
        if isinstance(inside, list) and _kind(part) != "message/rfc822":
            waiting += [each for each in reversed(inside) if isinstance(each, Message)]
        else:
            yield part


def _kind(part: Message) -> str:
    try:
        return part.get_content_type()
    except _FAULTS:
        return "application/octet-stream"


def _is_attached(part: Message) -> bool:
    try:
        return part.get_content_disposition() == "attachment" or bool(part.get_filename())
    except _FAULTS:
        return True


def _listed(part: Message, kind: str) -> dict[str, str]:
    try:
        name = part.get_filename() or ""
    except _FAULTS:
        name = ""
    content = _decoded(part)
    listed = {"name": str(name), "type": kind, "size": str(len(content)) if content else ""}
    return {field: value for field, value in listed.items() if value}


def _decoded(part: Message) -> bytes:
    try:
        content: Any = part.get_payload(decode=True)
    except _FAULTS:
        return b""
    return content if isinstance(content, bytes) else b""


def _text(part: Message) -> str:
    """A part's text by its charset; where that is unknown or wrong, UTF-8 or Windows' western code page."""
    content = _decoded(part)
    try:
        charset = str(part.get_content_charset("") or "").lower()
    except _FAULTS:
        charset = ""
    candidates = ["utf-8", charset] if charset in _UTF8_LIKELY else [charset, "utf-8"]
    for candidate in filter(None, candidates):
        try:
            return content.decode(candidate)
        except (LookupError, ValueError):
            continue
    return content.decode("cp1252", "replace")
