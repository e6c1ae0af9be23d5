"""What LanceDB asks of S3, which is not botocore and records nothing: a proxy that it goes through."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from loopback_server import LoopbackServer
from rights import Right

ACTIONS = {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "expect"})


class LanceCalls(LoopbackServer):
    """Hands all requests on, and notes the rights that those of LanceDB need."""

    def __init__(self, upstream_url: str) -> None:
        self.rights: set[Right] = set()
        self.upstream = urlsplit(upstream_url).netloc
        super().__init__(ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self)))

    def taken(self) -> set[Right]:
        """The rights since the last call."""
        rights, self.rights = self.rights, set()
        return rights

    def note(self, method: str, target: str, agent: str) -> None:
        if "Boto" not in agent and not target.startswith("/_"):
            self.rights.update(_rights(method, target))


def _rights(method: str, target: str) -> Iterator[Right]:
    path, query = urlsplit(target).path, parse_qs(urlsplit(target).query, keep_blank_values=True)
    bucket, _, key = unquote(path).strip("/").partition("/")
    if key:
        action = "PutObject" if method == "POST" else ACTIONS[method]
        yield Right(f"s3:{action}", f"arn:aws:s3:::{bucket}/{key}", "")
    elif "delete" in query:
        yield Right("s3:DeleteObject", f"arn:aws:s3:::{bucket}/index/any", "")
    else:
        yield Right("s3:ListBucket", f"arn:aws:s3:::{bucket}", "")


def _handler_of(calls: LanceCalls) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def forward(self) -> None:
            calls.note(self.command, self.path, self.headers.get("User-Agent", ""))
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
            connection = http.client.HTTPConnection(calls.upstream)
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _HOP_BY_HOP or (self.command == "HEAD" and name == "Content-Length"):
                    self.send_header(name, value)
            if self.command != "HEAD":
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            connection.close()

        def log_message(self, *_: object) -> None:
            pass

    for method in ("GET", "HEAD", "PUT", "POST", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.forward)
    return Handler
