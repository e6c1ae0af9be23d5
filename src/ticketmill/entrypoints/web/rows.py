"""Rows as JSON and their ETags. Rows are written as they are: nothing validates them a second time."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Annotated

from fastapi import Path, Response
from pydantic import BaseModel
from starlette.datastructures import Headers

from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.domain.ticket_id import MAX_ID_CHARS, known_as
from ticketmill.entrypoints.web.parts import WebParts
from ticketmill.entrypoints.web.problems import Problem, unknown_ticket
from ticketmill.text.mask import Mask

JSON = "application/json"
REVALIDATE = "private, no-cache"

TicketId = Annotated[
    str,
    Path(min_length=1, max_length=MAX_ID_CHARS * 3, description="The ticket's id, or its helpdesk's own."),
]
_REVISION = re.compile(r'(?:W/)?"(\d+)(?:-[0-9a-f]+)?"')


class TicketPage(BaseModel):
    """Rows, the newest upload first."""

    tickets: list[EffectiveRow]
    """The rows with their effective labels."""
    cursor: str | None = None
    """Goes on after these: give it with the same filters. Null where there is no more."""


def row_json(row: EffectiveRow, mask: Mask) -> bytes:
    """A row as others may see it; what has no value is left out."""
    return mask.row(row).model_dump_json(exclude_none=True).encode()


def page_json(rows: Iterable[EffectiveRow], cursor: str | None, mask: Mask) -> bytes:
    """A page of rows."""
    tail = f'"{cursor}"' if cursor else "null"
    return (
        b'{"tickets":['
        + b",".join(row_json(row, mask) for row in rows)
        + b'],"cursor":'
        + tail.encode()
        + b"}"
    )


def row_etag(row: EffectiveRow) -> str:
    """The revision, and what changes without one: a noted failure."""
    noted = f"-{int(row.failure.failed_at.timestamp() * 1000):x}" if row.failure else ""
    return f'"{row.revision}{noted}"'


def content_etag(body: bytes) -> str:
    """A hash of the answer."""
    return f'W/"{hashlib.blake2b(body, digest_size=9).hexdigest()}"'


def answer(body: bytes, etag: str, headers: Headers) -> Response:
    """The answer, or 304 where the client has it already."""
    known = {each.strip() for each in headers.get("if-none-match", "").split(",")}
    own = {"ETag": etag, "Cache-Control": REVALIDATE}
    if etag in known or "*" in known:
        return Response(status_code=304, headers=own)
    return Response(body, headers=own, media_type=JSON)


def row_answer(row: EffectiveRow, mask: Mask, headers: Headers) -> Response:
    """The answer with one row."""
    return answer(row_json(row, mask), row_etag(row), headers)


def revisions_in(if_match: str) -> set[int] | None:
    """The revisions that If-Match names; None for any. Raises the problem 400 where it names none."""
    if if_match.strip() == "*":
        return None
    found = [_REVISION.fullmatch(each.strip()) for each in if_match.split(",")]
    if not all(found):
        raise Problem(
            400, "bad_if_match", "If-Match holds no ETag of a ticket", "send the ETag that GET gave"
        )
    return {int(each[1]) for each in found if each}


def row_of(parts: WebParts, ticket_id: str) -> EffectiveRow:
    """The row of a ticket, by its id here or by that of its helpdesk. Raises the problem 404."""
    for known in known_as(ticket_id):
        if row := parts.queries.get(known):
            return row
    raise unknown_ticket()
