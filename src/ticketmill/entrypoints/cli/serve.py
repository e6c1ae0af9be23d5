"""`ticketmill serve`: the API and the page over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from ticketmill.entrypoints.cli.output import examples

EPILOG = examples(
    "ticketmill serve",
    "curl http://127.0.0.1:8080/api/v1/tickets?urgency=critical",
)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Port; 0 is any free one.")] = None,
) -> None:
    """Serve the API and the page over HTTP until Ctrl-C or SIGTERM.

    On loopback everybody on this machine may use it. Any other address needs TICKETMILL_API_KEYS_FILE.
    """
    from ticketmill.entrypoints.web.server import serve as run
    from ticketmill.settings import load_settings

    run(load_settings(web_host=host, web_port=port))
