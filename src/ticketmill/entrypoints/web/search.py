"""Tickets by what they mean: a question in words, and tickets like one."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from ticketmill.bootstrap.search import Search
from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.entrypoints.web.caller import MAY_READ
from ticketmill.entrypoints.web.filters import AnyTime, Searched
from ticketmill.entrypoints.web.parts import API, Parts, WebParts
from ticketmill.entrypoints.web.problems import Problem
from ticketmill.entrypoints.web.rows import JSON, TicketId, answer, content_etag, row_json, row_of
from ticketmill.queries.similar import SimilarTicket, When
from ticketmill.queries.word_search import Question

router = APIRouter(prefix=API, tags=["search"])


class FoundTicket(BaseModel):
    """A ticket, and how well it fits."""

    score: float
    """Only scores of one answer can be compared."""
    ticket: EffectiveRow
    """The row with its effective labels."""


class FoundTickets(BaseModel):
    """Tickets, the best first."""

    tickets: list[FoundTicket]
    """The tickets."""
    is_complete: bool
    """False where more tickets may pass the filters than were looked at."""


class LikeTicket(BaseModel):
    """A ticket like another, and what was decided of it."""

    when: When
    """`now` came within seven days of the ticket, `past` before, `later` after."""
    score: float
    """The cosine of the two embeddings."""
    words: list[str]
    """Words that both have, the rarest first."""
    duplicate_of: str | None
    """The ticket that a person says it is a duplicate of."""
    ticket: EffectiveRow
    """The row with its effective labels."""


class LikeTickets(BaseModel):
    """Tickets like one, the nearest first."""

    similar: list[LikeTicket]
    """The tickets."""


@router.get("/search", dependencies=MAY_READ, responses={200: {"model": FoundTickets}})
def search(parts: Parts, asked: Searched) -> Response:
    """Finds tickets by a question in words, the best first.

    It finds what means the same and what has the same words, among the tickets that pass the filters. The
    answer has no cursor: ask for more by `limit`, or for others by other words.
    """
    now = parts.now()
    filters = asked.filters(parts.queries.own)
    question = Question(asked.q, filters, asked.start(now), asked.end(now))
    result = search_of(parts).words.find(question, asked.limit)
    found = [_with_row({"score": round(each.score, 4)}, each.row, parts) for each in result.tickets]
    complete = json.dumps(result.is_complete).encode()
    body = b'{"tickets":[' + b",".join(found) + b'],"is_complete":' + complete + b"}"
    return Response(body, media_type=JSON)


@router.get("/tickets/{ticket_id}/similar", dependencies=MAY_READ, responses={200: {"model": LikeTickets}})
def similar_tickets(
    request: Request, parts: Parts, ticket_id: TicketId, asked: Annotated[AnyTime, Query()]
) -> Response:
    """The tickets that are most like one, what was decided of them, and the words they share."""
    now = parts.now()
    found = similar_of(parts, row_of(parts, ticket_id), asked.limit, asked.start(now), asked.end(now))
    body = b'{"similar":[' + b",".join(_with_row(each.about(), each.row, parts) for each in found) + b"]}"
    return answer(body, content_etag(body), request.headers)


def search_of(parts: WebParts) -> Search:
    """Search over the index. Raises the problem 501 where the server has none."""
    if parts.search is None:
        raise Problem(
            501,
            "no_search",
            "the server has no search index",
            "install it: pip install 'ticketmill[search]', then start the server again",
        )
    return parts.search()


def similar_of(parts: WebParts, row: EffectiveRow, limit: int, *period: Any) -> list[SimilarTicket]:
    """The tickets like one. Raises the problem 404 where the index does not have it."""
    found = search_of(parts).similar.of(row, limit, *period)
    if found is None:
        reason = "is not in the search index yet" if row.enriched_key else "has no enrichment"
        raise Problem(404, "not_indexed", f"the ticket {reason}", "try again in a few seconds")
    return found


def _with_row(fields: dict[str, Any], row: EffectiveRow, parts: WebParts) -> bytes:
    """The fields and the row of a ticket, as JSON. The row is written as it is."""
    written = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return written[:-1] + b',"ticket":' + row_json(row, parts.mask) + b"}"
