"""Server-sent events: tickets as they are enriched or corrected."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.responses import StreamingResponse

from ticketmill.entrypoints.web.caller import MAY_READ
from ticketmill.entrypoints.web.feed import Feed
from ticketmill.entrypoints.web.parts import API

EVENT_STREAM = "text/event-stream"

router = APIRouter(prefix=API, tags=["tickets"])


@router.get(
    "/events",
    dependencies=MAY_READ,
    response_class=StreamingResponse,
    responses={200: {"content": {EVENT_STREAM: {"schema": {"type": "string"}}}}},
)
async def get_events(
    request: Request,
    last_event_id: Annotated[
        str | None, Header(max_length=64, description="The last event that the client got.")
    ] = None,
) -> StreamingResponse:
    """Streams rows as they change: `enriched`, `partial`, `rejected`, `failed` and `corrected`.

    The data of each event is the row. With Last-Event-ID the stream begins with what changed since then, and
    `reset` says that more has changed than can be told: load the list again. An event may come twice.
    """
    feed: Feed = request.app.state.feed
    feed.check_room()
    return StreamingResponse(feed.listen(last_event_id), media_type=EVENT_STREAM)
