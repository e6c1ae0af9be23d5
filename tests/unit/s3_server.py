"""An S3 of scripted answers on a loopback port, for what no emulator can be made to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from loopback_server import LoopbackServer

HEAD = {"ETag": '"e1"', "Last-Modified": "Sat, 21 Nov 2026 09:30:00 GMT", "x-amz-version-id": "v1"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request gets. `length` says more than `body` holds where the connection ends within it."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: dict(HEAD))
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came: by whom, for what, with which headers (their names in lower case)."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def by_obstore(self) -> bool:
        return "obstore/" in self.headers["user-agent"]


def refusal(status: int, code: str, message: str) -> Answer:
    """An error as S3 words it."""
    text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Answer(status, text.encode(), {"Content-Type": "application/xml"})


class S3Server(LoopbackServer):
    """Listens until closed, and answers each request with what `script` makes of it."""

    def __init__(self, script: Callable[[Asked], Answer]) -> None:
        self.script = script
        self.asked: list[Asked] = []
        super().__init__(ThreadingHTTPServer(("127.0.0.1", 0), self._handler()))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # so that it tells a client to go on that expects to be told

            def answer(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers.get("content-length", 0)))
                asked = Asked(self.command, self.path, headers, body)
                server.asked.append(asked)
                answer = server.script(asked)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(answer.length or len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)
                self.close_connection = True

            do_GET = do_PUT = answer  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None:
                """Tests say what matters."""

        return Handler
