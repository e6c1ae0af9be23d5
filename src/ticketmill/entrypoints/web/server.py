"""Runs the app on uvicorn."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ticketmill.settings import Settings


def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT."""
    import uvicorn

    from ticketmill.entrypoints.web.app import make_app
    from ticketmill.entrypoints.web.assemble import connect_parts
    from ticketmill.telemetry import logs

    logs.configure(settings.log_format, verbose=False)
    app = make_app(connect_parts(settings))
    uvicorn.run(app, host=settings.web_host, port=settings.web_port, log_config=None, access_log=False)
