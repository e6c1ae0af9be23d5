"""The page of gaps: what the taxonomy lacks, and which of its labels overlap."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

from fastapi import APIRouter, Request, Response

from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.domain.errors import SetupError, TransientFailure
from ticketmill.domain.gap_report import GapReport
from ticketmill.entrypoints.web.page.contents import Desk, Notice
from ticketmill.entrypoints.web.page.templating import render
from ticketmill.entrypoints.web.parts import WebParts
from ticketmill.entrypoints.web.problems import problem_of

SHOWN_GAPS = 30
SHOWN_OVERLAPS = 20
SHOWN_TICKETS = 3

router = APIRouter()


@router.get("/gaps")
def gaps(request: Request) -> Response:
    """The last report."""
    parts: WebParts = request.app.state.parts
    values: dict[str, Any] = {**Desk.of(request).frame("models"), "report": None}
    try:
        report = parts.gaps()
        if report is not None:
            values |= {
                "report": report,
                "gaps": report.gaps[:SHOWN_GAPS],
                "overlaps": report.overlaps[:SHOWN_OVERLAPS],
                "rows": _rows(parts, report),
                "shown": SHOWN_TICKETS,
            }
        return render("gaps.html", values)
    except (TransientFailure, SetupError) as error:
        problem = problem_of(error)
        notice = Notice("Gaps cannot be shown.", str(error), again="/gaps")
        return render("problem.html", {**values, "notice": notice}, problem.status_code if problem else 500)


def _rows(parts: WebParts, report: GapReport) -> Mapping[str, EffectiveRow]:
    """The tickets that are shown, by id, as people may see them."""
    of_gaps = (each.tickets[:SHOWN_TICKETS] for each in report.gaps[:SHOWN_GAPS])
    found = parts.queries.rows_of(list(dict.fromkeys(chain.from_iterable(of_gaps))))
    return {row.ticket_id: parts.mask.row(row) for row in found}
