"""An HTTP server that writes down what it is asked, and answers as it was told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from loopback_server import LoopbackServer


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """One answer."""

    status: int = 200
    document: object = None
    headers: Mapping[str, str] = field(default_factory=dict)


class AnsweringServer:
    """`reply` makes each answer; `asked` has all requests in their order."""

    def __init__(self, reply: Callable[[Asked], Reply] = lambda _asked: Reply()) -> None:
        self.reply = reply
        self.asked: list[Asked] = []
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                asked = Asked(self.command, self.path, dict(self.headers.items()), self.rfile.read(length))
                with server._lock:
                    server.asked.append(asked)
                    reply = server.reply(asked)
                content = b"" if reply.document is None else json.dumps(reply.document).encode()
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = _answer  # noqa: N815 - names of the standard library

            def log_message(self, *_: object) -> None:
                pass

        self._server = LoopbackServer(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        self.url = self._server.endpoint_url

    def close(self) -> None:
        self._server.close()

    def by_method(self, *methods: str) -> list[Asked]:
        return [each for each in self.asked if each.method in methods]
