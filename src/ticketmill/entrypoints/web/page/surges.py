"""The pages of surges, and the banner of those that are open."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ticketmill.domain.errors import LearningRefused, SetupError, TransientFailure
from ticketmill.domain.surge import SurgeRecord, SurgeVerdict, current_first
from ticketmill.entrypoints.web.page.contents import Desk, Notice
from ticketmill.entrypoints.web.page.form import Form, text_of
from ticketmill.entrypoints.web.page.listing import Entry
from ticketmill.entrypoints.web.page.looking import SEE_OTHER, problem
from ticketmill.entrypoints.web.page.templating import is_fragment, render
from ticketmill.entrypoints.web.problems import problem_of
from ticketmill.entrypoints.web.surges import SNOOZED_HOURS, say_of_surge

REFUSED = (LearningRefused, TransientFailure, SetupError)
SHOWN_TICKETS = 100
BANNER, SURGE = "banner", "surge"
"""Where a form stood."""

router = APIRouter()


@router.get("/surges")
def overview(request: Request) -> Response:
    """The last surges; for the page's script the table alone."""
    desk = Desk.of(request)
    try:
        found = current_first(desk.parts.surges().newest(), desk.now)
    except REFUSED as error:
        return problem(
            request, Notice("The surges cannot be shown.", str(error), again="/surges"), _status(error)
        )
    values = {**desk.frame("surges"), "surges": found}
    return render("surge_rows.html" if is_fragment(request) else "surges.html", values)


@router.get("/surges/banner")
def banner(request: Request) -> Response:
    """The surges that nobody has spoken of yet, for the page's script."""
    return render("surge_banner.html", Desk.of(request).frame("triage"))


@router.get("/surges/{surge_id}")
def surge(request: Request, surge_id: str) -> Response:
    """A surge and its tickets."""
    desk = Desk.of(request)
    try:
        record = desk.parts.surges().find(surge_id)
        entries = _entries(desk, record)
    except REFUSED as error:
        return problem(request, Notice("The surge cannot be shown.", str(error)), _status(error))
    return render("surge.html", {**desk.frame("surges"), "surge": record, "entries": entries})


@router.post("/surges/{surge_id}")
def say(request: Request, surge_id: str, form: Form) -> Response:
    """Records what a person says, and goes back to where they said it."""
    try:
        verdict = SurgeVerdict(text_of(form, "say"))
    except ValueError:
        told = Notice("Nothing was recorded.", "say acknowledge, snooze or dismiss")
        return problem(request, told, 422)
    hours = timedelta(hours=SNOOZED_HOURS) if verdict is SurgeVerdict.SNOOZE else None
    try:
        say_of_surge(request, surge_id, verdict, request.state.person, hours)
    except REFUSED as error:
        return problem(request, Notice("Nothing was recorded.", str(error)), _status(error))
    if is_fragment(request):
        return banner(request)
    back = text_of(form, "back")
    address = {BANNER: "/", SURGE: f"/surges/{surge_id}"}.get(back, "/surges")
    return RedirectResponse(address, SEE_OTHER)


def _entries(desk: Desk, record: SurgeRecord) -> list[Entry]:
    """The first tickets, as the list shows them."""
    rows = desk.parts.queries.rows_of(record.tickets[:SHOWN_TICKETS])
    return [desk.entry(row) for row in rows]


def _status(error: Exception) -> int:
    found = problem_of(error)
    return found.status_code if found else 500
