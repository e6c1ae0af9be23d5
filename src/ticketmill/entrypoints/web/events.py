"""Server-sent events: tickets as they are enriched or corrected."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.responses import StreamingResponse

from ticketmill.domain.labels import Status
from ticketmill.entrypoints.web.caller import MAY_READ
from ticketmill.entrypoints.web.feed import Feed
from ticketmill.entrypoints.web.parts import API

EVENT_STREAM = "text/event-stream"

EVENT_SCHEMA = {
    "type": "object",
    "description": "One event of the stream.",
    "required": ["event", "data"],
    "properties": {
        "id": {"type": "string", "description": "When the change was noticed, for Last-Event-ID."},
        "event": {"enum": [*Status, "corrected", "surge", "reset"]},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "description": "The row, as GET /tickets/{ticket_id} gives it; with `surge` what GET "
            "/surges/{surge_id} gives; an empty object with `reset`.",
        },
    },
}

router = APIRouter(prefix=API, tags=["tickets"])


@router.get(
    "/events",
    dependencies=MAY_READ,
    response_class=StreamingResponse,
    responses={200: {"content": {EVENT_STREAM: {"schema": EVENT_SCHEMA}}}},
)
async def get_events(
    request: Request,
    last_event_id: Annotated[
        str | None, Header(max_length=64, description="The last event that the client got.")
    ] = None,
) -> StreamingResponse:
    """Streams rows as they change: `enriched`, `partial`, `rejected`, `failed` and `corrected`; and `surge`.

    The data of each event is the row, or the surge that opened, grew or closed, or that somebody spoke of.
    With Last-Event-ID the stream begins with what changed since then, and `reset` says that more has changed
    than can be told: load the list again. An event may come twice. A stream ends after an hour: browsers
    connect again by themselves.
    """
    feed: Feed = request.app.state.feed
    feed.check_room()
    return StreamingResponse(feed.listen(last_event_id), media_type=EVENT_STREAM)
