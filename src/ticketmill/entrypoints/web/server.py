"""Runs the app on uvicorn."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn

from ticketmill.domain.errors import SetupError
from ticketmill.entrypoints.cli.output import say
from ticketmill.entrypoints.signals import stop_on_signal
from ticketmill.entrypoints.web.app import make_app
from ticketmill.entrypoints.web.assemble import connect_parts
from ticketmill.entrypoints.web.gate import is_loopback
from ticketmill.entrypoints.web.webhooks import read_secrets
from ticketmill.telemetry import logs

if TYPE_CHECKING:
    from ticketmill.settings import Settings


STOP_WITHIN_S = 5
MAX_CONNECTIONS = 1000


def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT."""
    logs.configure(settings.log_format, verbose=False)
    check_guarded(settings)
    if settings.webhook_secrets_file:
        read_secrets(settings.webhook_secrets_file)  # a mistake in it is told now
    app = make_app(connect_parts(settings))
    config = uvicorn.Config(
        app,
        host=settings.web_host,
        port=settings.web_port,
        log_config=None,  # ours
        access_log=False,
        server_header=False,
        proxy_headers=False,  # who calls is told by keys and signatures, never by a header that anybody sends
        timeout_graceful_shutdown=STOP_WITHIN_S,
        limit_concurrency=MAX_CONNECTIONS,
    )
    server = _Server(config)
    with stop_on_signal(server.stop):
        server.run()


class _Server(uvicorn.Server):
    """Says where it listens, once it does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            for listening in self.servers:
                for each in listening.sockets:
                    host, port = each.getsockname()[:2]
                    say(f"serving http://{f'[{host}]' if ':' in host else host}:{port}; Ctrl-C stops")

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to `stop_on_signal`: uvicorn would end the process by the signal once more."""
        yield

    def stop(self) -> None:
        """Ends `run`."""
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends the streams first: the server waits for open answers."""
        app: Any = self.config.app
        app.state.feed.close()
        await super().shutdown(sockets)


def check_guarded(settings: Settings) -> None:
    """Raises SetupError where everybody on the network could use the server."""
    if settings.api_keys_file or settings.alb_arn or is_loopback(settings.web_host):
        return
    raise SetupError(
        f"{settings.web_host} is not loopback, and the server has no keys: make one by `ticketmill keys new "
        "NAME --file keys.json` and set TICKETMILL_API_KEYS_FILE, or set TICKETMILL_ALB_ARN"
    )
