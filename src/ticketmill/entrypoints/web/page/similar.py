"""The part of a ticket's page that shows tickets like it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.domain.errors import SetupError, TransientFailure
from ticketmill.entrypoints.web.page.contents import Desk, Notice, no_such_ticket
from ticketmill.entrypoints.web.page.listing import Entry
from ticketmill.entrypoints.web.page.looking import problem
from ticketmill.entrypoints.web.page.query import BadQuery, ListQuery
from ticketmill.entrypoints.web.page.templating import is_fragment, render
from ticketmill.entrypoints.web.problems import Problem
from ticketmill.entrypoints.web.search import similar_of
from ticketmill.queries.similar import SimilarTicket, When

SHOWN = 5
TITLES = {When.NOW: "Now: within seven days of it", When.PAST: "Past", When.LATER: "Later"}

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Like:
    """A similar ticket, as the page shows it."""

    entry: Entry
    score: float
    duplicate_of: str | None
    words: tuple[str, ...]


@router.get("/tickets/{ticket_id}/similar")
def show(request: Request, ticket_id: str) -> Response:
    """The tickets that are most like one: for the page's script alone, or as a page."""
    try:
        desk = Desk.of(request, ListQuery.of(request.query_params.multi_items()))
    except BadQuery as error:
        return problem(request, Notice("That list is none.", str(error)), 400)
    row = desk.row(ticket_id)
    if row is None:
        return problem(request, no_such_ticket(ticket_id), 404)
    values = {"ticket_id": row.ticket_id, "query": desk.query, "now": desk.now, **_values(desk, row)}
    if is_fragment(request):
        return render("similar.html", values)
    return render("apart.html", {**desk.frame("ticket"), **values, "part": "similar.html"})


def _values(desk: Desk, row: EffectiveRow) -> dict[str, Any]:
    """The similar tickets by when they came; where they cannot be had, `missing` says why."""
    found: list[SimilarTicket] = []
    missing = ""
    try:
        found = similar_of(desk.parts, row, SHOWN)
    except Problem as reason:
        missing = f"{reason.detail}: {reason.next_step}"
    except (SetupError, TransientFailure) as reason:
        missing = str(reason)
    groups = [
        (title, [_like(each, desk) for each in found if each.when is when]) for when, title in TITLES.items()
    ]
    return {"groups": [(title, likes) for title, likes in groups if likes], "missing": missing}


def _like(each: SimilarTicket, desk: Desk) -> Like:
    entry = Entry.of(desk.parts.mask.row(desk.visible(each.row)))
    return Like(entry, each.score, each.duplicate_of, each.words)
