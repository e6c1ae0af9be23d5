"""The worker's probes and metrics, asked over HTTP."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable, Iterator

import pytest

from ticketmill.domain.errors import SetupError
from ticketmill.telemetry.probes import Check, Monitor

Start = Callable[..., Monitor]


def fine() -> None:
    return None


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Monitor] = []

    def make(healthy: Check = fine, ready: Check = fine, host: str = "127.0.0.1") -> Monitor:
        monitor = Monitor(host, 0, scrape=lambda: b"up 1\n", healthy=healthy, ready=ready)
        started.append(monitor)
        return monitor

    yield make
    for monitor in started:
        monitor.close()


def get(monitor: Monitor, path: str, method: str = "GET") -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", monitor.port, timeout=5)
    connection.request(method, path)
    answer = connection.getresponse()
    found = answer.status, answer.headers["Content-Type"], answer.read()
    connection.close()
    return found


def test_metrics_are_served_as_prometheus_reads_them(start: Start) -> None:
    status, content_type, body = get(start(), "/metrics")
    assert (status, body) == (200, b"up 1\n")
    assert content_type.startswith("text/plain; version=0.0.4")


def test_being_ready_and_being_healthy_are_two_answers(start: Start) -> None:
    monitor = start(healthy=lambda: None, ready=lambda: "queue: no")
    assert (get(monitor, "/healthz")[0], get(monitor, "/readyz")[0]) == (200, 503)


def test_a_check_that_breaks_is_no_good_sign_and_quotes_nothing(start: Start) -> None:
    def broken() -> str | None:
        raise RuntimeError("secret")

    status, _, body = get(start(ready=broken), "/readyz")
    assert status == 503
    assert json.loads(body)["reason"] == "the check failed: RuntimeError"


@pytest.mark.parametrize("path", ["/", "/metrics/", "/metricsz", "/../etc/passwd", "/favicon.ico"])
def test_there_is_nothing_else(start: Start, path: str) -> None:
    assert get(start(), path)[0] == 404


def test_a_query_changes_nothing(start: Start) -> None:
    assert get(start(), "/healthz?verbose=1")[0] == 200


def test_requests_are_not_logged(start: Start, capfd: pytest.CaptureFixture[str]) -> None:
    monitor = start()
    get(monitor, "/metrics")
    get(monitor, "/nothing")
    # a client that hangs up halfway
    with socket.create_connection(("127.0.0.1", monitor.port)) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\n")
    get(monitor, "/metrics")
    assert capfd.readouterr() == ("", "")


def test_a_slow_client_does_not_keep_others_waiting(start: Start) -> None:
    monitor = start()
    with socket.create_connection(("127.0.0.1", monitor.port)) as client:
        client.sendall(b"GET /met")
        assert get(monitor, "/healthz")[0] == 200


def test_a_port_in_use_is_a_fault_of_setup_that_names_the_variable(start: Start) -> None:
    taken = start().port
    with pytest.raises(SetupError, match=rf"^TICKETMILL_METRICS_PORT: .* port {taken} of 127\.0\.0\.1"):
        Monitor("127.0.0.1", taken, scrape=bytes, healthy=fine, ready=fine)


def test_an_address_that_does_not_exist_is_a_fault_of_setup_that_names_the_variable(start: Start) -> None:
    with pytest.raises(SetupError, match=r"^TICKETMILL_METRICS_HOST: .*300\.0\.0\.1"):
        start(host="300.0.0.1")


def test_once_closed_it_frees_its_port() -> None:
    first = Monitor("127.0.0.1", 0, scrape=bytes, healthy=fine, ready=fine)
    first.close()
    with pytest.raises(ConnectionRefusedError):
        get(first, "/healthz")
    Monitor("127.0.0.1", first.port, scrape=bytes, healthy=fine, ready=fine).close()
