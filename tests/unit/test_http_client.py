"""Requests to where rules point: what is never called, never followed, and when to come again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from answering_server import AnsweringServer, Reply

from ticketmill.domain.errors import RetryLater, TransientFailure
from ticketmill.targets.http import HttpClient, is_blocked

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[AnsweringServer]:
    made = AnsweringServer()
    yield made
    made.close()


@pytest.fixture
def client() -> HttpClient:
    return HttpClient(connect_timeout_s=1, read_timeout_s=1, now=lambda: NOON)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.170.2",
        "fe80::1%eth0",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "fd00:ec2::254",
        "100.100.100.200",
        "0.0.0.0",  # noqa: S104 - an address that is refused
        "224.0.0.1",
    ],
)
def test_link_local_and_metadata_addresses_are_blocked(address: str) -> None:
    assert is_blocked(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "93.184.216.34", "2606:2800:220:1::1"])
def test_ordinary_addresses_are_not(address: str) -> None:
    assert not is_blocked(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/x",
        "ftp://example.com",
        "https://user:password@example.com",
        "example.com",
        "https://",
    ],
)
def test_only_https_without_a_user_is_called_beyond_this_machine(url: str, client: HttpClient) -> None:
    with pytest.raises(TransientFailure) as raised:
        client.request("GET", url, {})
    assert raised.value.code == "bad_address"
    assert "password" not in str(raised.value)


def test_a_redirect_is_not_followed(client: HttpClient, server: AnsweringServer) -> None:
    server.reply = lambda _asked: Reply(302, headers={"Location": f"{server.url}/elsewhere"})
    with pytest.raises(TransientFailure, match="redirects are not followed"):
        client.request("POST", f"{server.url}/hook", {}, {"a": 1})
    assert [each.path for each in server.asked] == ["/hook"]


@pytest.mark.parametrize(
    ("status", "headers", "after_s"),
    [
        (429, {"Retry-After": "17"}, 17),
        (429, {"Retry-After": "Sat, 21 Nov 2026 12:02:00 GMT"}, 120),
        (429, {}, 60),
        (429, {"Retry-After": "soon"}, 60),
        (503, {"Retry-After": "5"}, 5),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOON.timestamp()) + 90)}, 90),
    ],
)
def test_a_rate_limit_says_when_to_come_again(
    status: int, headers: dict[str, str], after_s: float, client: HttpClient, server: AnsweringServer
) -> None:
    server.reply = lambda _asked: Reply(status, headers=headers)
    with pytest.raises(RetryLater) as raised:
        client.request("GET", server.url, {})
    assert raised.value.after_s == after_s


@pytest.mark.parametrize(("status", "is_outage"), [(400, False), (401, False), (404, False), (500, True)])
def test_a_failure_names_the_host_where_the_service_itself_failed(
    status: int, is_outage: bool, client: HttpClient, server: AnsweringServer
) -> None:
    server.reply = lambda _asked: Reply(status)
    with pytest.raises(TransientFailure) as raised:
        client.request("GET", f"{server.url}/secret-path", {})
    assert raised.value.code == f"http_{status}"
    assert (raised.value.dependency is not None) == is_outage
    assert "secret-path" not in str(raised.value)


def test_a_host_that_does_not_answer_is_an_outage(client: HttpClient, server: AnsweringServer) -> None:
    server.close()
    with pytest.raises(TransientFailure) as raised:
        client.request("GET", server.url, {})
    assert raised.value.dependency == "127.0.0.1"


def test_a_name_that_leads_to_a_blocked_address_is_not_called(server: AnsweringServer) -> None:
    """The address counts to which the connection stands, whatever the name is."""
    client = HttpClient(is_blocked=lambda address: address == "127.0.0.1")
    url = server.url.replace("127.0.0.1", "localhost")
    with pytest.raises(TransientFailure) as raised:
        client.request("POST", url, {}, {"a": 1})
    assert raised.value.code == "blocked_address"
    assert server.asked == []
