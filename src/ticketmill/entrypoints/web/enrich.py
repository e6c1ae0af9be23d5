"""Enrichment without storing."""

from __future__ import annotations

import json
from functools import partial
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from ticketmill.domain.enrichment import EnrichedTicket
from ticketmill.domain.errors import TicketRejected
from ticketmill.domain.intake import Intake
from ticketmill.domain.ticket import Ticket
from ticketmill.entrypoints.web.caller import MAY_WRITE
from ticketmill.entrypoints.web.parts import API, Parts, WebParts
from ticketmill.entrypoints.web.problems import Problem
from ticketmill.entrypoints.web.rows import JSON
from ticketmill.pipeline.enricher import Enricher

MAX_TICKETS = 64

router = APIRouter(prefix=API, tags=["enrichment"])


class EnrichRequest(BaseModel):
    """Raw tickets to enrich."""

    model_config = ConfigDict(extra="forbid")

    tickets: Annotated[list[dict[str, JsonValue]], Field(min_length=1, max_length=MAX_TICKETS)]
    """Raw tickets, or payloads of helpdesks with one ticket each."""


class Enriched(BaseModel):
    """The tickets with what the models say, in the order of the request."""

    tickets: list[EnrichedTicket]
    """The raw tickets with their enrichments."""


@router.post("/enrich", dependencies=MAY_WRITE, responses={200: {"model": Enriched}})
async def enrich(
    request: Request,
    parts: Parts,
    asked: EnrichRequest,
    vector: Annotated[bool, Query(description="With the embeddings.")] = False,
) -> Response:
    """Enriches up to 64 tickets as a worker would now, and keeps nothing of them.

    All are checked first: where one is invalid, none is enriched, and `errors` says what is wrong.
    """
    work = partial(_enriched, parts, ready(parts), asked, vector)
    body = await to_thread.run_sync(work, limiter=_limiter(request, parts))
    return Response(body, media_type=JSON)


def ready(parts: WebParts) -> Enricher:
    """The enricher. Raises the problem 503 where it is not loaded."""
    enricher = parts.enricher.enricher
    if enricher is not None:
        return enricher
    if parts.enricher.failure:
        raise Problem(
            503,
            "models_unavailable",
            "the models could not be loaded",
            "look at the server's log, then start it again",
            {"Retry-After": "60"},
        )
    raise Problem(
        503, "models_loading", "the models are being loaded", "try again in 2 s", {"Retry-After": "2"}
    )


def _limiter(request: Request, parts: WebParts) -> CapacityLimiter:
    """As many requests at once as the encoder has threads: more would only wait within it."""
    state = request.app.state
    if not hasattr(state, "enrich_limiter"):
        state.enrich_limiter = CapacityLimiter(parts.settings.threads)
    limiter: CapacityLimiter = state.enrich_limiter
    return limiter


def _enriched(parts: WebParts, enricher: Enricher, asked: EnrichRequest, vector: bool) -> bytes:
    tickets = _checked(parts.intake, parts.settings.max_ticket_bytes, asked.tickets)
    without = None if vector else {"enrichment": {"embedding"}}
    written = (
        EnrichedTicket(**dict(ticket), enrichment=enrichment).model_dump_json(exclude=without)
        for ticket, enrichment in zip(tickets, enricher.enrich(tickets, parts.learned()), strict=True)
    )
    return ('{"tickets":[' + ",".join(written) + "]}").encode()


def _checked(intake: Intake, max_bytes: int, raw: list[dict[str, Any]]) -> list[Ticket]:
    tickets, errors = [], []
    for number, document in enumerate(raw):
        try:
            tickets.append(intake.parse(json.dumps(document).encode(), max_bytes))
        except TicketRejected as refused:
            field = f"body.tickets.{number}" + (f".{refused.field}" if refused.field else "")
            errors.append({"field": field, "code": refused.code, "expected": refused.message})
    if errors:
        raise Problem(
            422,
            "invalid_tickets",
            f"{len(errors)} of {len(raw)} tickets are invalid",
            "correct what `errors` names and send it again",
            errors=errors,
        )
    return tickets
