"""The routes of the page that change something: labels, and a person's own views."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.domain.errors import CorrectionCode, CorrectionRefused, SetupError, TransientFailure
from ticketmill.domain.label import CorrectionKind, FoundBy, PersonLabel
from ticketmill.entrypoints.web.changes import make_known
from ticketmill.entrypoints.web.page.contents import Desk, Done, Notice, no_such_ticket
from ticketmill.entrypoints.web.page.form import Form, text_of
from ticketmill.entrypoints.web.page.labels import words
from ticketmill.entrypoints.web.page.listing import age
from ticketmill.entrypoints.web.page.looking import SEE_OTHER, problem
from ticketmill.entrypoints.web.page.query import BadQuery, ListQuery
from ticketmill.entrypoints.web.page.speech import Speech, speak
from ticketmill.entrypoints.web.page.templating import is_fragment, render
from ticketmill.entrypoints.web.page.views import COOKIE, with_view, write_saved
from ticketmill.operations.corrections import Speaker

STALE = (CorrectionCode.STALE_REVISION, CorrectionCode.STALE_CONTENT)
YEAR_S = 365 * 86_400

router = APIRouter()


@router.post("/tickets/{ticket_id}/labels")
def correct(request: Request, ticket_id: str, form: Form) -> Response:
    """Records what a person says, and shows the next ticket."""
    try:
        query = ListQuery.of_text(text_of(form, "list"))
        desk = Desk.of(request, query.at(text_of(form, "cursor") or None))
        before = desk.row(ticket_id)
    except BadQuery as error:
        return problem(request, Notice("That list is none.", str(error)), 400)
    if before is None:
        return problem(request, no_such_ticket(ticket_id), 404)
    speech = Speech.of(before.ticket_id, form, desk.parts.corrections.tasks)
    is_blind, found = desk.is_blind(before), desk.found_by(before)
    if is_blind and speech.is_confirmation:  # nobody confirms what they have not seen
        found = FoundBy.MARGIN
    speaker = Speaker(desk.person, found, text_of(form, "note") or None)
    try:
        after = speak(desk.parts.corrections, desk.visible(before), speech, speaker)
    except CorrectionRefused as refused:
        return _refused(request, desk, speech, refused)
    except (TransientFailure, SetupError) as failure:
        return _failed(request, desk, before, failure)
    make_known(request, after)
    stays = speech.is_undo or not (speech.is_confirmation or "advance" in form) or desk.is_blind(after)
    next_id = before.ticket_id if stays else text_of(form, "next")
    return recorded(request, desk, _done(speech, before, after), after, next_id)


@router.post("/views")
def save_view(request: Request, form: Form) -> Response:
    """Saves the list as a view of the person's own, or removes one."""
    desk = Desk.of(request)
    try:
        query = ListQuery.of_text(text_of(form, "list"))
        if name := text_of(form, "remove"):
            views = tuple(view for view in desk.saved if view.name != name)
        else:
            views = with_view(desk.saved, text_of(form, "name"), query)
        cookie = write_saved(views)
    except BadQuery as error:
        return problem(request, Notice("The view is not saved.", str(error)), 400)
    answer = RedirectResponse(query.address(), SEE_OTHER)
    answer.set_cookie(COOKIE, cookie, max_age=YEAR_S, httponly=True, samesite="strict")
    return answer


def _done(speech: Speech, before: EffectiveRow, after: EffectiveRow) -> Done:
    """What was recorded. What was taken back is not offered to be undone."""
    said = [task for task, each in after.person.items() if each != before.person.get(task)]
    tasks = () if speech.is_undo else tuple(said)
    return Done(after.ticket_id, speech.told(), after.revision, tasks)


def recorded(request: Request, desk: Desk, done: Done, after: EffectiveRow, next_id: str) -> Response:
    """The next ticket, what was done, and the entry of the corrected one as it is now."""
    if not is_fragment(request):
        pairs = f"{desk.query.of_ticket(next_id or after.ticket_id)}&done={done.text()}"
        return RedirectResponse(pairs, SEE_OTHER)
    row = after if next_id == after.ticket_id else desk.row(next_id)
    values = {**desk.ticket_values(row, None), "is_end": not next_id}
    return render("spoken.html", {**values, "done": done, "changed": desk.entry(after)})


def _refused(request: Request, desk: Desk, speech: Speech, refused: CorrectionRefused) -> Response:
    """The ticket as it is now, with what another person said of it where that was the reason."""
    row = desk.row(speech.ticket_id)
    again = desk.query.of_ticket(speech.ticket_id)
    if refused.code in STALE:
        status = 412
        others = tuple(_said(task, each, desk) for task, each in row.person.items()) if row else ()
        text = f"You said: {speech.told()}. It is not recorded: say it again if it still holds."
        notice = Notice("The ticket changed before you spoke.", text, "conflict", others, again)
    else:
        status = 404 if refused.code is CorrectionCode.UNKNOWN_TICKET else 422
        notice = Notice("That cannot be recorded.", refused.message, again=again)
    return answer_with(request, desk, row, notice, status)


def _failed(request: Request, desk: Desk, row: EffectiveRow, failure: Exception) -> Response:
    notice = Notice("Nothing was recorded.", str(failure), again=desk.query.of_ticket(row.ticket_id))
    return answer_with(request, desk, row, notice, 503)


def answer_with(
    request: Request, desk: Desk, row: EffectiveRow | None, notice: Notice, status: int
) -> Response:
    """The ticket with a notice in its place; without JavaScript the notice with a link to the ticket."""
    if not is_fragment(request):
        return problem(request, notice, status)
    changed = desk.entry(row) if row else None
    values = {**desk.ticket_values(row, None, notice), "done": None, "changed": changed}
    return render("spoken.html", values, status)


def _said(task: str, label: PersonLabel, desk: Desk) -> str:
    """As in `anna said that urgency is critical, 2 min ago`."""
    told = f"{task} is {', '.join(map(words, label.labels)) or 'none'}"
    if label.kind == CorrectionKind.CANNOT_TELL:
        told = f"{task} cannot be told"
    return f"{label.who} said that {told}, {age(label.at, desk.now)} ago"
