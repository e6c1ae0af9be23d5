"""Puts the routes together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI, Request

from ticketmill.entrypoints.web import page
from ticketmill.entrypoints.web.parts import WebParts

API = "/api/v1"
LOCAL_PERSON = "local"


@asynccontextmanager
async def _running(app: FastAPI) -> AsyncIterator[None]:
    app.state.parts.enricher.start()
    yield


def make_app(parts: WebParts) -> FastAPI:
    """The API under `/api/v1`, and the page at `/`."""
    app = FastAPI(title="ticketmill", version=version("ticketmill"), lifespan=_running)
    app.state.parts = parts

    @app.middleware("http")
    async def name_person(request: Request, call_next):  # type: ignore[no-untyped-def]
        request.state.person = LOCAL_PERSON
        return await call_next(request)

    @app.get(f"{API}/health", operation_id="health")
    def health() -> dict[str, str]:
        """Whether the server answers."""
        return {"status": "ok"}

    app.include_router(page.router)
    return app
