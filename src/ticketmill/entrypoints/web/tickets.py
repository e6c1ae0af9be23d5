"""Tickets: put one in, list them, look at one."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.domain.enrichment import EnrichedTicket
from ticketmill.domain.errors import TransientFailure
from ticketmill.entrypoints.web.answers import Answers, Kept
from ticketmill.entrypoints.web.caller import MAY_READ, MAY_WRITE
from ticketmill.entrypoints.web.filters import Listed
from ticketmill.entrypoints.web.intake import Received, receive
from ticketmill.entrypoints.web.parts import API, Parts, WebParts
from ticketmill.entrypoints.web.problems import Problem
from ticketmill.entrypoints.web.rows import (
    JSON,
    TicketId,
    TicketPage,
    answer,
    content_etag,
    page_json,
    row_answer,
    row_of,
)
from ticketmill.importers.sources import SOURCES
from ticketmill.text.mask import Mask

MAX_ENTRIES = 5000
"""Index entries that one page looks through at the most: a rare label is found page by page."""
MISSING = frozenset({"NoSuchKey", "NotFound", "404"})

SourceName: Any = Literal[tuple(sorted(SOURCES))]

router = APIRouter(prefix=API, tags=["tickets"])


@router.post(
    "/tickets",
    status_code=202,
    dependencies=MAY_WRITE,
    response_model=Received,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": {"$ref": "#/components/schemas/RawTicket"}}},
        }
    },
)
async def put_ticket(
    request: Request,
    parts: Parts,
    source: Annotated[
        SourceName | None, Query(alias="from", description="The helpdesk whose payload the body is.")
    ] = None,
) -> Response:
    """Puts a ticket into the bucket, from where it is enriched.

    The same ticket with the same content is stored once, however often it is sent.
    """
    body = await request.body()
    received = await run_in_threadpool(receive, parts, body, source)
    headers = {"Location": received.tickets[0].href} if received.tickets else {}
    return Response(received.model_dump_json(), 202, headers, media_type=JSON)


@router.get("/tickets", dependencies=MAY_READ, responses={200: {"model": TicketPage}})
async def list_tickets(request: Request, parts: Parts, asked: Listed) -> Response:
    """Lists tickets, the newest upload first.

    A page looks through a bounded number of tickets: it may hold fewer than `limit`, even none, and still
    have a cursor that goes on. An answer may be a second old.
    """
    answers: Answers = request.app.state.answers
    query = request.url.query
    kept = answers.get(query)
    if kept is None:
        body = await run_in_threadpool(_page, parts, asked)
        kept = Kept(body, content_etag(body))
        answers.put(query, kept)
    return answer(kept.body, kept.etag, request.headers)


def _page(parts: WebParts, asked: Any) -> bytes:
    now = parts.now()
    page = parts.queries.list(
        asked.filters(parts.queries.own),
        asked.start(now),
        asked.end(now),
        cursor=asked.cursor,
        limit=asked.limit,
        most_entries=MAX_ENTRIES,
    )
    return page_json(page.rows, page.cursor, parts.mask)


@router.get("/tickets/{ticket_id}", dependencies=MAY_READ, responses={200: {"model": EffectiveRow}})
def get_ticket(request: Request, parts: Parts, ticket_id: TicketId) -> Response:
    """The row of a ticket with its effective labels. Its ETag is what PUT …/labels asks for."""
    return row_answer(row_of(parts, ticket_id), parts.mask, request.headers)


@router.get("/tickets/{ticket_id}/record", dependencies=MAY_READ, responses={200: {"model": EnrichedTicket}})
def get_record(
    request: Request,
    parts: Parts,
    ticket_id: TicketId,
    vector: Annotated[bool, Query(description="With the embedding.")] = False,
) -> Response:
    """The full enrichment of a ticket, as the models made it and the bucket holds it."""
    row = row_of(parts, ticket_id)
    record = parts.mask.document(_record(parts, row))
    if not vector:
        record.get("enrichment", {}).pop("embedding", None)
    body = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return answer(body, content_etag(body), request.headers)


class History(BaseModel):
    """What happened to a ticket."""

    events: list[dict[str, Any]]
    """The newest first. `kind` is uploaded, enriched, rejected, failed or corrected."""


@router.get("/tickets/{ticket_id}/history", dependencies=MAY_READ)
def get_history(parts: Parts, ticket_id: TicketId) -> History:
    """The uploads, enrichments and corrections of a ticket, the newest first."""
    row = row_of(parts, ticket_id)
    return History(events=[_event(each, parts.mask) for each in parts.history.of(row)])


def _event(event: Any, mask: Mask) -> dict[str, Any]:
    fields = {name: getattr(event, name) for name in event.__dataclass_fields__}
    if event.correction is not None:
        said = event.correction
        said = said.model_copy(update={"note": said.note and mask.text(said.note)})
        fields["correction"] = said.model_dump(mode="json", exclude_none=True)
    return {name: value for name, value in fields.items() if value is not None}


def _record(parts: WebParts, row: EffectiveRow) -> dict[str, Any]:
    """The stored object, with what this version does not know."""
    again = f"make it again: ticketmill backfill --ids {row.ticket_id} --force"
    if row.enriched_key is None:
        reason = "was rejected" if row.rejection else "is not enriched yet"
        raise Problem(404, "no_record", f"the ticket {reason}", "GET the ticket itself to see why")
    try:
        found: dict[str, Any] = json.loads(parts.records.get(row.enriched_key))
    except TransientFailure as failure:
        if failure.code in MISSING:
            raise Problem(404, "no_record", "the enriched object is gone", again) from None
        raise
    return found
