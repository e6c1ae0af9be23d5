"""What answers at an endpoint, and how soon a wrong one is given up."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ticketmill.aws import clients as aws_clients
from ticketmill.deploy import emulator
from ticketmill.deploy.endpoint import Answering, ask, check_answers, is_loopback, split_endpoint
from ticketmill.deploy.stack import find_stack
from ticketmill.domain.errors import SetupError


@contextmanager
def server(
    status: int, body: bytes, headers: dict[str, str] | None = None, date: str | None = None
) -> Iterator[str]:
    """Something that gives every request the same answer."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def date_time_string(self, timestamp: float | None = None) -> str:
            return date or super().date_time_string(timestamp)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()


@contextmanager
def silence() -> Iterator[str]:
    """Something that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def greeting(first: bytes) -> Iterator[str]:
    """Something that speaks first, and not HTTP."""

    def greet(listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.sendall(first)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=greet, args=(listening,), daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("status", "body", "headers", "who"),
    [
        (200, b'{"services": {"s3": "available"}}', {}, Answering.EMULATOR),
        (404, b"<Error/>", {"x-amzn-RequestId": "1"}, Answering.AWS),
        (200, b"<html>", {}, Answering.FOREIGN),
        (200, b"", {}, Answering.FOREIGN),
        (200, b'{"a": 1}', {}, Answering.FOREIGN),
        (200, b"[1]", {}, Answering.FOREIGN),
        (500, b"boom", {}, Answering.FOREIGN),
    ],
)
def test_who_answers_is_told(status: int, body: bytes, headers: dict[str, str], who: Answering) -> None:
    with server(status, body, headers) as endpoint_url:
        assert ask(endpoint_url).who is who


def test_what_does_not_speak_http_is_foreign() -> None:
    with greeting(b"SSH-2.0-OpenSSH_9\r\n") as endpoint_url:
        assert ask(endpoint_url).who is Answering.FOREIGN


def test_what_stays_silent_is_given_up() -> None:
    with silence() as endpoint_url:
        started = time.monotonic()
        assert ask(endpoint_url, timeout_s=0.1).who is Answering.SILENT
        assert time.monotonic() - started < 10
        with pytest.raises(SetupError, match=r"does not answer at .*AWS_ENDPOINT_URL to another port"):
            check_answers(endpoint_url)


def test_where_nobody_listens_nobody_answers() -> None:
    with silence() as endpoint_url:
        pass
    assert ask(endpoint_url).who is Answering.NOBODY
    with pytest.raises(SetupError, match=r"nothing answers at .*ticketmill up"):
        check_answers(endpoint_url)


def test_the_clock_of_the_endpoint_is_read_off_its_date() -> None:
    with server(200, b"", date=formatdate(time.time() + 600, usegmt=True)) as endpoint_url:
        ahead_s = ask(endpoint_url).clock_ahead_s
    assert ahead_s == pytest.approx(600, abs=60)
    with server(200, b"", date="soon") as endpoint_url:
        assert ask(endpoint_url).clock_ahead_s is None


@pytest.mark.parametrize(
    "endpoint_url", ["", "nonsense", "127.0.0.1:4566", "ftp://x", "http://", "http://x:99999", "http://[::1"]
)
def test_what_is_no_address_is_refused(endpoint_url: str) -> None:
    with pytest.raises(SetupError, match="is not an address: set AWS_ENDPOINT_URL"):
        split_endpoint(endpoint_url)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("s3.localhost", True), ("127.0.0.9", True), ("::1", True), ("192.0.2.1", False)],
)
def test_loopback_is_told_from_other_hosts(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_an_emulator_is_not_started_where_something_stays_silent(tmp_path: Path) -> None:
    with silence() as endpoint_url, pytest.raises(SetupError, match="does not answer"):
        emulator.start(endpoint_url, tmp_path)


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"<html></html>"), (200, b""), (200, b'{"a": 1}'), (404, b"no"), (501, b"")]
)
def test_looking_for_a_stack_at_something_else_says_that_it_is_not_aws(
    status: int, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server(status, body) as endpoint_url:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": endpoint_url,
        }.items():
            monkeypatch.setenv(name, value)
        clients = aws_clients.connect()
        try:
            with pytest.raises(SetupError, match=r"something answers that is not AWS at .*another port"):
                find_stack(clients, "ticketmill")
        finally:
            for client in (clients.s3, clients.sqs, clients.dynamodb, clients.cloudformation):
                client.close()
