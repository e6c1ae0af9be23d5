"""The page of the map: tickets as points, those that are about the same thing together."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from markupsafe import Markup

from ticketmill.domain.errors import SetupError, TransientFailure
from ticketmill.entrypoints.web.page.contents import Desk, Notice
from ticketmill.entrypoints.web.page.query import ticket_address
from ticketmill.entrypoints.web.page.templating import render
from ticketmill.entrypoints.web.parts import WebParts
from ticketmill.entrypoints.web.problems import problem_of
from ticketmill.learning.map_plot import draw_map

router = APIRouter()


@router.get("/map")
def ticket_map(request: Request, colour: str = "intent") -> Response:
    """The last map, coloured by a task."""
    parts: WebParts = request.app.state.parts
    values: dict[str, Any] = {**Desk.of(request).frame("models"), "map": None}
    try:
        drawn = parts.ticket_map()
        if drawn is not None:
            task = colour if colour in drawn.labels else next(iter(drawn.labels))
            drawing = draw_map(drawn, task, ticket_address)
            # texts are escaped where they are drawn
            picture = Markup(drawing.inline())  # noqa: S704
            values |= {"map": drawn, "task": task, "drawing": drawing, "picture": picture}
        return render("map.html", values)
    except (TransientFailure, SetupError) as error:
        problem = problem_of(error)
        notice = Notice("The map cannot be shown.", str(error), again="/map")
        return render("problem.html", {**values, "notice": notice}, problem.status_code if problem else 500)
