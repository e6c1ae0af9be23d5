"""Metrics and probes over HTTP: /metrics, /healthz, /readyz, /dependencies, /models."""

from __future__ import annotations

import json
import logging
import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

from ticketmill.domain.errors import SetupError

log = logging.getLogger(__name__)

JSON_TYPE = "application/json"
# see prometheus_client.CONTENT_TYPE_PLAIN_0_0_4, which every scraper reads
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
REQUEST_TIMEOUT_S = 10.0
CLOSES_WITHIN_S = 0.2

Check: TypeAlias = Callable[[], str | None]
Answer: TypeAlias = tuple[HTTPStatus, str, bytes]


class Monitor:
    """A server in a thread of its own.

    `scrape` gives the metrics, `models` and `dependencies` how the named models and the services do, as JSON;
    `healthy` and `ready` give None, or the reason why not. It listens once it is made; SetupError where it
    cannot. Port 0 is any free one: `port` says which.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        scrape: Callable[[], bytes],
        healthy: Check,
        ready: Check,
        models: Callable[[], bytes] = lambda: b"[]",
        dependencies: Callable[[], bytes] = lambda: b"{}",
    ) -> None:
        answers: dict[str, Callable[[], Answer]] = {
            "/metrics": lambda: (HTTPStatus.OK, METRICS_TYPE, scrape()),
            "/healthz": lambda: _verdict(healthy()),
            "/readyz": lambda: _verdict(ready()),
            "/models": lambda: (HTTPStatus.OK, JSON_TYPE, models()),
            "/dependencies": lambda: (HTTPStatus.OK, JSON_TYPE, dependencies()),
        }
        self._server = _listen(host, port, answers)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(CLOSES_WITHIN_S,), name="monitor", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Answers no more and frees the port."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    def __init__(
        self, address: Any, family: socket.AddressFamily, answers: dict[str, Callable[[], Answer]]
    ) -> None:
        self.address_family = family
        self.answers = answers
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # HTTPServer would ask DNS for the host's full name, which may take long, for a header we do not send
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - as socketserver calls
        # a client that hung up; the default prints a traceback
        log.debug("a request to the monitor ended early: %s", sys.exception())


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "ticketmill"
    sys_version = ""
    timeout = REQUEST_TIMEOUT_S

    def do_GET(self) -> None:
        answer = self.server.answers.get(self.path.partition("?")[0], _not_found)
        try:
            status, content_type, body = answer()
        except Exception as error:  # noqa: BLE001 - a probe that fails is an answer too
            status, content_type, body = _verdict(f"the check failed: {type(error).__name__}")
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
        """Nothing: probes come every few seconds."""


def _listen(host: str, port: int, answers: dict[str, Callable[[], Answer]]) -> _Server:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return _Server(address, family, answers)
    except socket.gaierror as error:
        raise SetupError(f"TICKETMILL_METRICS_HOST: no such address as {host}: {error.strerror}") from None
    except OSError as error:
        raise SetupError(
            f"TICKETMILL_METRICS_PORT: cannot listen on port {port} of {host}: {error.strerror}"
        ) from None


def _verdict(reason: str | None) -> Answer:
    if reason is None:
        return HTTPStatus.OK, JSON_TYPE, b'{"status": "ok"}'
    body = json.dumps({"status": "unavailable", "reason": reason}).encode()
    return HTTPStatus.SERVICE_UNAVAILABLE, JSON_TYPE, body


def _not_found() -> Answer:
    return HTTPStatus.NOT_FOUND, JSON_TYPE, b'{"status": "not found"}'
