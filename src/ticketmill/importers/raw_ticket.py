"""The raw ticket that an importer makes: fields that the pipeline takes, and the same bytes each time."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ticketmill.domain.errors import RejectionCode, TicketRejected
from ticketmill.domain.ticket import has_text
from ticketmill.domain.ticket_id import MAX_ID_CHARS
from ticketmill.importers.conversation import Conversation
from ticketmill.importers.values import text_of, time_of

RawTicket = dict[str, Any]

NO_PRIORITY = ("-None-", "None", "none", 0, "0")

_UNUSABLE = re.compile(r"[^A-Za-z0-9._:@+=-]+")
_HASH_CHARS = 12


def raw_ticket(  # one keyword for each field of a raw ticket
    source: str,
    number: object,
    *,
    subject: object = "",
    body: object = "",
    priority: str | None = None,
    stated_priority: object = None,
    created_at: object = None,
    customer_id: object = None,
    channel: str = "",
    language: object = None,
    tags: Sequence[str] = (),
    metadata: Mapping[str, object] | None = None,
    extra: Mapping[str, object] | None = None,
) -> RawTicket:
    """A raw ticket of `source`; fields without a value are left out.

    Without a `number` the id is made of the text, so that the same payload has the same id. A priority or a
    time that has no clear meaning stays as it is stated: the pipeline warns of it.
    """
    subject, opened = text_of(subject), time_of(created_at)
    thread: object = None
    if isinstance(body, Conversation):
        body, thread = body
    body = text_of(body)
    identity = text_of(number) or _digest("\n".join((subject, body, text_of(customer_id))))
    ticket_id = usable_id(source, identity)
    if not has_text(subject + body):
        raise TicketRejected(RejectionCode.EMPTY_TEXT, _no_text(thread), "body", ticket_id)
    about = {
        "source": channel or source,
        "language": text_of(language),
        "tags": list(tags),
        **(metadata or {}),
    }
    fields = {
        "ticket_id": ticket_id,
        "subject": subject,
        "body": body,
        "priority": priority or (None if stated_priority in NO_PRIORITY else stated_priority),
        "created_at": opened or created_at,
        "customer_id": text_of(customer_id),
        "metadata": _without_empty(about),
        "imported_from": source,
        "thread": thread,
        **(extra or {}),
    }
    return _without_empty(fields)


def canonical_json(ticket: Mapping[str, object]) -> bytes:
    """A ticket's bytes: the same ticket has the same ones, whatever the order of its fields was."""
    return json.dumps(ticket, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode(
        "utf-8", "replace"
    )


def usable_id(source: str, identity: str) -> str:
    """As in `zendesk-1042`. Where characters must be replaced, a hash keeps two ids apart."""
    plain = f"{source}-{identity}"
    usable = _UNUSABLE.sub("-", plain)
    if usable == plain and len(usable) <= MAX_ID_CHARS:
        return usable
    return f"{usable[: MAX_ID_CHARS - _HASH_CHARS - 1].rstrip('-')}-{_digest(plain)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:_HASH_CHARS]


def _no_text(thread: object) -> str:
    if thread:
        return "expected a message of the requester, found only messages of others"
    return "expected a subject or a text, found none in the fields where this source keeps them"


def _without_empty(fields: Mapping[str, object]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}
