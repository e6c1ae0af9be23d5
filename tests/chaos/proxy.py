"""A reverse proxy between workers and emulator that plays faults on what passes through it."""

from __future__ import annotations

import http.client
import re
import socket
import sys
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from faults import BEFORE, HANG_S, Fault, Faults, Kind
from loopback_server import LoopbackServer
from tricks import Tricks
from wire import Answer, Request

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "expect", "content-length", "host"})
_TICKET_ID = re.compile(rb"\bS\d+-\d{4}\b")


@dataclass(frozen=True, slots=True)
class Seen:
    """One line of the proxy's diary."""

    at_s: float
    ticket_ids: frozenset[bytes]
    line: str


class Proxy(LoopbackServer):
    """Listens on a loopback port of its own until closed."""

    def __init__(self, upstream_url: str, faults: Faults, tricks: Tricks) -> None:
        self.faults, self.tricks = faults, tricks
        self.diary: list[Seen] = []
        self.read_at: dict[str, float] = {}
        """When a worker last read an object of a ticket, by the monotonic clock."""
        parts = urlsplit(upstream_url)
        self.upstream = (parts.hostname or "", parts.port or 80)
        self._started = time.monotonic()
        super().__init__(_Server(("127.0.0.1", 0), _handler_of(self)))

    def note(self, request: Request, answer: Answer | None, what: str) -> None:
        """Writes down what became of a request; the ticket ids in it make it findable."""
        at_s = time.monotonic() - self._started
        text = request.path.encode() + request.body + (answer.body if answer else b"")
        status = answer.status if answer else "none"
        line = f"{at_s:7.3f} s  {request.worker} {request.operation} {what} -> {status}"
        self.diary.append(Seen(at_s, frozenset(_TICKET_ID.findall(text)), line))


class _Server(ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed, or gave up waiting, is what this is all about."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Cut(OSError):
    """Ends the connection without another byte."""


def _handler_of(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        pass

    Handler.proxy = proxy
    return Handler


class _Handler(BaseHTTPRequestHandler):
    proxy: Proxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.emulator: http.client.HTTPConnection | None = None

    def finish(self) -> None:
        if self.emulator is not None:
            self.emulator.close()
        super().finish()

    def handle(self) -> None:
        try:
            super().handle()
        except (OSError, http.client.HTTPException):
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """The diary tells more."""

    def _serve(self) -> None:
        request = Request(
            self.command,
            self.path,
            {name.lower(): value for name, value in self.headers.items()},
            self._body(),
        )
        faults = self.proxy.faults
        if request.service not in ("s3", "sqs", "dynamodb") or not faults.on:
            self._reply(request, self._forward(request))
            return
        self._spring(request, after=False)
        fault = faults.fault(request.service)
        answer = None
        try:
            answer = self._with_effect(request, fault)
        finally:
            self.proxy.note(request, answer, fault.kind if fault else "passed")
        self._reply(request, answer, torn=fault is not None and fault.kind is Kind.TORN)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _serve  # noqa: N815 - http.server's names

    def _with_effect(self, request: Request, fault: Fault | None) -> Answer:
        """The fault's part before the effect, the effect, and the fault's part after it."""
        kind = fault.kind if fault else None
        if kind in BEFORE:
            return self._failure(request, kind)
        if fault and kind is Kind.SLOW:
            time.sleep(fault.delay_s)
        answer = self._forward(self.proxy.tricks.on_request(request))
        if request.operation == "s3.GET":
            for ticket_id in _TICKET_ID.findall(request.path.encode()):
                self.proxy.read_at[ticket_id.decode()] = time.monotonic()
        answer = self.proxy.tricks.on_answer(request, answer)
        self._spring(request, after=True)
        if fault and kind is Kind.SLOW_ANSWER:
            time.sleep(fault.delay_s)
        if kind in (Kind.LOST, Kind.CUT_LOST, Kind.HUNG_LOST):
            return self._failure(request, kind)
        return answer

    def _failure(self, request: Request, kind: Kind | None) -> Answer:
        if kind in (Kind.REFUSED, Kind.LOST):
            status, content_type, body = self.proxy.faults.error(request.service)
            return Answer(status, [("Content-Type", content_type)], b"" if self.command == "HEAD" else body)
        if kind in (Kind.HUNG, Kind.HUNG_LOST):
            time.sleep(HANG_S)
        raise _Cut

    def _spring(self, request: Request, after: bool) -> None:
        trap = self.proxy.faults.trap(request.operation, after)
        if trap is not None and trap.strike(request.worker) and not after:
            raise _Cut  # it died before it could ask

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return b"".join(iter(self._chunk, b""))
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:
            raise _Cut  # the client died before it had sent all
        return body

    def _chunk(self) -> bytes:
        line = self.rfile.readline()
        if not line:
            raise _Cut
        size = int(line.split(b";")[0], 16)
        chunk = self.rfile.read(size)
        self.rfile.readline()
        return chunk

    def _forward(self, request: Request) -> Answer:
        """What the emulator answers; once more on a new connection where the kept one has ended."""
        kept = self.emulator is not None
        try:
            return self._ask(request)
        except (OSError, http.client.HTTPException):
            if self.emulator is not None:
                self.emulator.close()
                self.emulator = None
            if not kept:
                raise
        return self._ask(request)

    def _ask(self, request: Request) -> Answer:
        if self.emulator is None:
            self.emulator = http.client.HTTPConnection(*self.proxy.upstream, timeout=60)
            self.emulator.connect()
            self.emulator.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        headers = {name: value for name, value in request.headers.items() if name not in _HOP_BY_HOP}
        headers |= {"host": f"{self.proxy.upstream[0]}:{self.proxy.upstream[1]}"}
        if request.body or request.method in ("PUT", "POST"):
            headers["content-length"] = str(len(request.body))
        self.emulator.request(request.method, request.path, body=request.body or None, headers=headers)
        found = self.emulator.getresponse()
        return Answer(found.status, found.getheaders(), found.read())

    def _reply(self, request: Request, answer: Answer, torn: bool = False) -> None:
        """Sends an answer in one write, or half of it."""
        kept = [(name, value) for name, value in answer.headers if name.lower() not in _HOP_BY_HOP]
        length = str(len(answer.body))
        if request.method == "HEAD":
            length = next((value for name, value in answer.headers if name.lower() == "content-length"), "0")
        lines = [f"HTTP/1.1 {answer.status} {http.client.responses.get(answer.status, '')}"]
        lines += [f"{name}: {value}" for name, value in (*kept, ("Content-Length", length))]
        body = b"" if request.method == "HEAD" else answer.body
        if torn:
            body = body[: len(body) // 2]
        self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        if torn:
            raise _Cut
