"""The part of a ticket's page that asks whether another one is the same matter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from ticketmill.domain.duplicates import DUPLICATE_OF, NOT_DUPLICATE_OF, reference_of
from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.domain.errors import CorrectionRefused, SetupError, TransientFailure
from ticketmill.entrypoints.web.changes import make_known
from ticketmill.entrypoints.web.page.contents import Desk, Done, Notice, no_such_ticket
from ticketmill.entrypoints.web.page.correcting import answer_with, recorded
from ticketmill.entrypoints.web.page.form import Form, text_of
from ticketmill.entrypoints.web.page.labels import words
from ticketmill.entrypoints.web.page.listing import Entry
from ticketmill.entrypoints.web.page.looking import problem
from ticketmill.entrypoints.web.page.query import BadQuery, ListQuery
from ticketmill.entrypoints.web.page.templating import is_fragment, render
from ticketmill.entrypoints.web.problems import Problem
from ticketmill.entrypoints.web.search import search_of
from ticketmill.operations.corrections import Speaker
from ticketmill.operations.duplicates import DuplicateVerdicts
from ticketmill.queries.duplicate_candidates import DuplicateCandidate
from ticketmill.queries.duplicate_groups import DuplicateGroups
from ticketmill.text.mask import Mask

SHOWN = 3
SHOWN_WORDS = 5
HOURS_A_DAY = 24

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A candidate, as the page shows it."""

    entry: Entry
    reference: str | None
    reasons: tuple[str, ...]
    words: tuple[str, ...]


@router.get("/tickets/{ticket_id}/duplicates")
def show(request: Request, ticket_id: str) -> Response:
    """The group of a ticket and what may belong to it: for the page's script alone, or as a page."""
    try:
        desk = Desk.of(request, ListQuery.of(request.query_params.multi_items()))
    except BadQuery as error:
        return problem(request, Notice("That list is none.", str(error)), 400)
    row = desk.row(ticket_id)
    if row is None:
        return problem(request, no_such_ticket(ticket_id), 404)
    values = _values(desk, row)
    if is_fragment(request):
        return render("duplicates.html", values)
    return render("apart.html", {**desk.frame("ticket"), **values, "part": "duplicates.html"})


@router.post("/tickets/{ticket_id}/duplicates")
def say(request: Request, ticket_id: str, form: Form) -> Response:
    """Records that two tickets are the same matter, or that they are not; the ticket stays."""
    try:
        query = ListQuery.of_text(text_of(form, "list"))
        desk = Desk.of(request, query.at(text_of(form, "cursor") or None))
    except BadQuery as error:
        return problem(request, Notice("That list is none.", str(error)), 400)
    row = desk.row(ticket_id)
    if row is None:
        return problem(request, no_such_ticket(ticket_id), 404)
    again = desk.query.of_ticket(row.ticket_id)
    verdicts, speaker = DuplicateVerdicts(desk.parts.corrections), Speaker(desk.person, desk.found_by(row))
    try:
        if other := text_of(form, "confirm"):
            after, task = verdicts.confirm(row.ticket_id, other, speaker), DUPLICATE_OF
            told = f"a duplicate of {reference_of(after)}"
        else:
            other = text_of(form, "deny")
            after, task = verdicts.deny(row.ticket_id, other, speaker), NOT_DUPLICATE_OF
            told = f"another matter than {row.ticket_id if after.ticket_id == other else other}"
    except CorrectionRefused as refused:
        notice = Notice("That cannot be recorded.", refused.message, again=again)
        return answer_with(request, desk, row, notice, 422)
    except (TransientFailure, SetupError) as failure:
        notice = Notice("Nothing was recorded.", str(failure), again=again)
        return answer_with(request, desk, row, notice, 503)
    make_known(request, after)
    done = Done(after.ticket_id, told, after.revision, (task,))
    return recorded(request, desk, done, after, row.ticket_id)


def _values(desk: Desk, row: EffectiveRow) -> dict[str, Any]:
    """What the template shows. Where there is no search index, there are no proposals; `missing` says why."""
    missing, found = "", None
    try:
        found = search_of(desk.parts).duplicates.of(row, SHOWN)
    except Problem as reason:
        missing = f"{reason.detail}: {reason.next_step}"
    except (SetupError, TransientFailure) as reason:
        missing = str(reason)
    else:
        if found is None:
            missing = "The search index does not have this ticket yet."
    group = DuplicateGroups(desk.parts.queries).of(row)
    mask = desk.parts.mask
    return {
        "ticket_id": row.ticket_id,
        "query": desk.query,
        "now": desk.now,
        "members": [
            Entry.of(mask.row(desk.visible(each)))
            for each in (group.reference, *group.members)
            if each.ticket_id not in (row.ticket_id, reference_of(row))
        ],
        "is_reference": group.reference.ticket_id == row.ticket_id,
        "is_complete": group.is_complete,
        "proposals": [_proposal(each, desk) for each in found or ()],
        "missing": missing,
    }


def _proposal(candidate: DuplicateCandidate, desk: Desk) -> Proposal:
    return Proposal(
        entry=Entry.of(desk.parts.mask.row(desk.visible(candidate.row))),
        reference=candidate.reference,
        reasons=tuple(_reasons(candidate, desk.parts.mask)),
        words=candidate.shared_words[:SHOWN_WORDS],
    )


def _reasons(candidate: DuplicateCandidate, mask: Mask) -> Iterator[str]:
    """What speaks for it, but for the words."""
    yield _apart(candidate.hours_apart)
    if candidate.is_same_customer:
        yield "same customer"
    for each in candidate.shared_entities:
        yield words(each.kind) if each.kind in mask.kinds else f"{words(each.kind)} {each.value}"
    yield f"cosine {candidate.cosine:.2f}"


def _apart(hours: float) -> str:
    """As in `20 min before`, `3 h before` and `2 days after`."""
    told = f"{abs(hours):.0f} h"
    if abs(hours) < 1:
        told = f"{60 * abs(hours):.0f} min"
    elif abs(hours) >= 2 * HOURS_A_DAY:
        told = f"{abs(hours) / HOURS_A_DAY:.0f} days"
    return f"{told} {'before' if hours >= 0 else 'after'}"
