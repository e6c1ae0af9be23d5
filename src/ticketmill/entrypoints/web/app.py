"""Puts the routes together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from ticketmill.entrypoints.web import (
    admin,
    counts,
    duplicates,
    enrich,
    events,
    gaps,
    jobs,
    labels,
    models,
    openapi,
    page,
    problems,
    search,
    surges,
    tickets,
    webhooks,
)
from ticketmill.entrypoints.web.answers import Answers
from ticketmill.entrypoints.web.caller import MAY_USE_PAGE, scopes_of
from ticketmill.entrypoints.web.feed import Feed
from ticketmill.entrypoints.web.gate import Gate, TrustedCaller, allowed_hosts
from ticketmill.entrypoints.web.keys import KeyRing
from ticketmill.entrypoints.web.limits import RateLimit
from ticketmill.entrypoints.web.outermost import Outermost
from ticketmill.entrypoints.web.parts import API, WebParts
from ticketmill.entrypoints.web.sign_in import SignIn
from ticketmill.settings import Settings

ROUTERS = tuple(
    each.router
    for each in (
        *(tickets, search, duplicates, labels, enrich, counts, events),
        *(models, gaps, jobs, surges, webhooks, admin),
    )
)


@asynccontextmanager
async def _running(app: FastAPI) -> AsyncIterator[None]:
    app.state.parts.enricher.start()
    yield
    app.state.feed.close()


def make_app(parts: WebParts, trusted: TrustedCaller | None = None, streams: bool = True) -> FastAPI:
    """The API under `/api/v1`, and the page at `/`.

    `trusted` tells who was signed in before the server. Without `streams` there are no server-sent events.
    """
    app = FastAPI(
        title="ticketmill",
        version=version("ticketmill"),
        description="Enriched support tickets: put them in, find them, correct them.",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # those pages load scripts from other hosts
        redoc_url=None,
        separate_input_output_schemas=False,
        lifespan=_running,
        middleware=[Middleware(Outermost), Middleware(_gate(parts.settings, trusted))],
    )
    app.state.parts = parts
    app.state.answers = Answers(parts.settings.web_list_kept_s)
    app.state.surges = surges.RecentSurges(parts.surges, parts.now)
    app.state.feed = Feed(parts.queries, parts.now, parts.mask, surges=app.state.surges.get)
    problems.install(app)
    openapi.install(app)

    @app.get(f"{API}/health", operation_id="health", tags=["server"])
    async def health() -> dict[str, str]:
        """Whether the server answers."""
        return {"status": "ok"}

    for router in ROUTERS:
        if streams or router is not events.router:
            app.include_router(router)
    app.include_router(page.router, dependencies=MAY_USE_PAGE)
    return app


def _gate(settings: Settings, trusted: TrustedCaller | None) -> Callable[[ASGIApp], Gate]:
    """Makes the gate. Its parts are made at once: a file of keys that is none stops the start."""
    scopes = scopes_of(settings.alb_scopes.split(","))
    return partial(
        Gate,
        hosts=allowed_hosts(settings.web_allowed_hosts, settings.web_host),
        max_body_bytes=settings.web_max_body_bytes,
        rate=RateLimit(settings.web_requests_per_minute),
        keys=KeyRing(settings.api_keys_file) if settings.api_keys_file else None,
        sign_in=SignIn(settings.alb_arn, scopes) if settings.alb_arn else None,
        trusted=trusted,
    )
