"""The routes of the page that only show."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ticketmill.domain.duplicates import DUPLICATE_TASKS
from ticketmill.domain.errors import SetupError, TransientFailure
from ticketmill.entrypoints.web.page.chart import FACETS, day_chart
from ticketmill.entrypoints.web.page.contents import Desk, Done, Notice, no_such_ticket
from ticketmill.entrypoints.web.page.events import told
from ticketmill.entrypoints.web.page.labels import known_labels
from ticketmill.entrypoints.web.page.listing import Listing
from ticketmill.entrypoints.web.page.overviews import Overviews
from ticketmill.entrypoints.web.page.query import WORDS, BadQuery, ListQuery, ticket_address, typed
from ticketmill.entrypoints.web.page.record import full_record, pretty
from ticketmill.entrypoints.web.page.templating import is_fragment, render, static_response
from ticketmill.entrypoints.web.parts import WebParts
from ticketmill.queries.columns import FILTERS, VOCABULARIES
from ticketmill.queries.cursor import BadCursor
from ticketmill.queries.trends import Step

SPANS = (7, 30, 90)
"""The days that trends show."""
MOST_COUNTED = 20_000
SEE_OTHER = 303
ASKED_WRONGLY = (BadQuery, BadCursor)
NOT_ANSWERED = (TransientFailure, SetupError)

router = APIRouter()


@router.get("/")
def triage(request: Request) -> Response:
    """The list of a view, and its first ticket."""
    try:
        if words := request.query_params.get("filter", "").strip():
            return _found(request, words)
        query = _asked(request)
    except BadQuery as error:
        return _page(request, Desk.of(request), notice=Notice("That filter is none.", str(error)), status=400)
    return _page(request, Desk.of(request, query))


@router.get("/tickets/{ticket_id}")
def ticket(request: Request, ticket_id: str) -> Response:
    """A ticket beside the list that it was found in; for the page's script the ticket alone."""
    try:
        desk = Desk.of(request, _asked(request))
    except BadQuery as error:
        return _page(request, Desk.of(request), notice=Notice("That filter is none.", str(error)), status=400)
    try:
        row = desk.row(ticket_id)
    except NOT_ANSWERED as error:
        return _page(request, desk, notice=_unanswered(request, error), status=503)
    notice = None if row else no_such_ticket(ticket_id)
    if is_fragment(request):
        return render("ticket.html", desk.ticket_values(row, None, notice), 200 if row else 404)
    return _page(request, desk, opened=ticket_id, ticket_notice=notice, status=200 if row else 404)


@router.get("/tickets/{ticket_id}/raw")
def raw(request: Request, ticket_id: str) -> Response:
    """The stored object of a ticket, as JSON for people."""
    desk = Desk.of(request)
    row = desk.row(ticket_id)
    if row is None:
        return problem(request, no_such_ticket(ticket_id), 404)
    record = full_record(desk.parts, row)
    values = {"ticket_id": row.ticket_id, "json": pretty(record.document), "part": "json.html"}
    if is_fragment(request):
        return render("json.html", values)
    return render("apart.html", {**desk.frame("ticket"), **values})


@router.get("/tickets/{ticket_id}/history")
def history(request: Request, ticket_id: str) -> Response:
    """The uploads, enrichments and corrections of a ticket, the newest first."""
    desk = Desk.of(request)
    row = desk.row(ticket_id)
    if row is None:
        return problem(request, no_such_ticket(ticket_id), 404)
    values = {
        "ticket_id": row.ticket_id,
        "events": told(desk.parts.history.of(row), desk.parts.mask.text),
        "part": "history.html",
    }
    if is_fragment(request):
        return render("history.html", values)
    return render("apart.html", {**desk.frame("ticket"), **values})


@router.get("/list")
def rows(request: Request) -> Response:
    """The list alone, for the page's script."""
    try:
        desk = Desk.of(request, _asked(request))
        values = desk.list_values(desk.listing(), request.query_params.get("current", ""))
    except ASKED_WRONGLY as error:
        return problem(request, Notice("That list is none.", str(error)), 400)
    return render("list.html", values)


@router.get("/views")
def views(request: Request) -> Response:
    """The views with their counts, for the page's script: counted after the list is there."""
    try:
        desk = Desk.of(request, _asked(request))
    except BadQuery as error:
        return problem(request, Notice("That list is none.", str(error)), 400)
    return render("views.html", desk.views_values(overviews_of(request)))


@router.get("/trends")
def trends(request: Request) -> Response:
    """How many tickets had which label, day by day."""
    desk = Desk.of(request)
    name, days = request.query_params.get("by", "urgency"), request.query_params.get("days", "30")
    span = int(days) if days in map(str, SPANS) else 30
    names = [*FACETS, *desk.parts.queries.own]
    name = name if name in names else "urgency"
    values: dict[str, Any] = {**desk.frame("trends"), "name": name, "days": span, "facets": names}
    values |= {"spans": SPANS, "chart": None, "counted_from": None, "counted": 0}
    first = Step.DAY.start(desk.now - timedelta(days=span - 1))
    try:
        found = desk.parts.queries.trends(first, None, Step.DAY, MOST_COUNTED)
    except NOT_ANSWERED as error:
        return render("trends.html", {**values, "notice": _unanswered(request, error)}, 503)
    values |= {"chart": day_chart(name, found, first, desk.now), "counted": found.total.rows}
    return render("trends.html", {**values, "counted_from": found.total.counted_from})


@router.get("/help")
def keys(request: Request) -> Response:
    """What the keys do, and what the marks mean."""
    return render("help.html", Desk.of(request).frame("help"))


@router.get("/static/{name}")
def static(request: Request, name: str) -> Response:
    """A script, a style or the icon."""
    return static_response(name) or problem(request, Notice("There is no such file.", name), 404)


def problem(request: Request, notice: Notice, status: int) -> Response:
    """A page, or for the page's script a part of one, that says what went wrong."""
    values = {**Desk.of(request).frame("problem"), "notice": notice}
    return render("notice.html" if is_fragment(request) else "problem.html", values, status)


def overviews_of(request: Request) -> Overviews:
    """The counts that this server keeps."""
    state = request.app.state
    if not hasattr(state, "overviews"):
        state.overviews = Overviews(state.parts.queries, state.parts.now)
    kept: Overviews = state.overviews
    return kept


def _asked(request: Request) -> ListQuery:
    """The list that the address asks for. BadQuery where there is no such filter or label."""
    parts: WebParts = request.app.state.parts
    query = ListQuery.of(request.query_params.multi_items()).checked(parts.queries.own)
    if query.words and parts.search is None:
        raise BadQuery("this server has no search index: it needs pip install 'ticketmill[search]'")
    return query


def _found(request: Request, words: str) -> Response:
    """Where the typed words lead: to a list, or to a ticket."""
    desk = Desk.of(request)
    tasks = desk.parts.corrections.tasks.values()
    names = {facet: name for name, facet in FILTERS.items()}
    labels = [(names[facet], known) for facet, known in VOCABULARIES.items()]
    labels += [(names.get(task.name, task.name), tuple(task.labels)) for task in tasks]
    found = typed(words, known_labels(labels), desk.parts.queries.own, desk.can_search)
    if isinstance(found, str) and desk.can_search and desk.row(found) is None:
        found = ListQuery(((WORDS, found),))
    address = ticket_address(found) if isinstance(found, str) else found.address()
    return RedirectResponse(address, SEE_OTHER)


def _page(
    request: Request,
    desk: Desk,
    opened: str = "",
    notice: Notice | None = None,
    ticket_notice: Notice | None = None,
    status: int = 200,
) -> Response:
    """The page with its three parts. Where the list cannot be had, its place says why."""
    listing, row = Listing.of(desk.query, (), None), None
    values: dict[str, Any] = {}
    try:
        if notice is None:
            listing = desk.listing()
        first = listing.entries[0].ticket_id if listing.entries else ""
        row = desk.row(opened or first) if opened or first else None
        current = row.ticket_id if row else ""
        values |= desk.ticket_values(row, listing.after(current), ticket_notice)
    except BadCursor as error:
        notice, status = Notice("This list cannot go on.", str(error), again="/"), 400
    except NOT_ANSWERED as error:
        notice, status = _unanswered(request, error, "search" if desk.query.words else "table"), 503
    counted = overviews_of(request) if "counts" in request.query_params and notice is None else None
    done = Done.of_text(
        request.query_params.get("done", ""), [*desk.parts.corrections.tasks, *DUPLICATE_TASKS]
    )
    return render(
        "page.html",
        {
            **desk.frame("triage"),
            **({"view": None, "next_id": None, "ticket_notice": None} | values),
            **desk.list_values(listing, row.ticket_id if row else "", notice),
            **desk.views_values(counted),
            "typed": request.query_params.get("filter", ""),
            "opened": opened,
            "done": done,
        },
        status,
    )


def _unanswered(request: Request, error: Exception, who: str = "table") -> Notice:
    address = f"{request.url.path}?{request.url.query}"
    return Notice(f"The {who} does not answer.", str(error), again=address)
