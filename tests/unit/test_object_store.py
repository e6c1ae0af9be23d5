"""Tickets come by obstore; whatever it cannot do, botocore does, and says why that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import boto3
import pytest
from s3_server import HEAD, Answer, Asked, S3Server, refusal

from ticketmill.aws.clients import connect
from ticketmill.aws.object_store import bucket_url
from ticketmill.aws.s3 import S3EnrichedTickets, S3RawTickets
from ticketmill.domain.errors import SetupError, TransientFailure
from ticketmill.domain.message import Upload

BODY = b'{"ticket_id": "TKT-001", "body": "Hello"}'
KEY = "tickets/T.json"

Serve = Callable[..., S3Server]


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials, a region, and no proxy and no endpoint but those of a test."""
    proxies = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy")
    for name in (*proxies, "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """An S3 of scripted answers; one answer serves every request."""
    servers: list[S3Server] = []

    def start(script: Answer | Callable[[Asked], Answer]) -> S3Server:
        servers.append(S3Server((lambda _: script) if isinstance(script, Answer) else script))
        monkeypatch.setenv("AWS_ENDPOINT_URL", servers[-1].endpoint_url)
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def raw_tickets() -> S3RawTickets:
    return S3RawTickets(connect(), "raw")


def upload(key: str = KEY) -> Upload:
    return Upload("raw", key, key)


def first(answer: Answer, then: Answer) -> Callable[[Asked], Answer]:
    """What obstore gets, and then botocore."""
    return lambda asked: answer if asked.by_obstore else then


def test_a_ticket_takes_one_request_that_says_who_asks(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-the-session")
    monkeypatch.setenv("AWS_SDK_UA_APP_ID", "worker-7")
    s3 = serve(Answer(body=BODY))
    raw = raw_tickets().fetch(upload(), 1000)
    assert raw is not None
    assert (raw.bucket, raw.key, raw.body, raw.size_bytes) == ("raw", KEY, BODY, len(BODY))
    assert (raw.etag, raw.version_id) == ("e1", "v1")
    assert raw.last_modified == datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
    (asked,) = s3.asked
    assert (asked.method, asked.path) == ("GET", f"/raw/{KEY}")
    assert asked.headers["user-agent"].startswith("ticketmill/")
    assert " app/worker-7 " in asked.headers["user-agent"]
    assert "/eu-west-1/s3/aws4_request" in asked.headers["authorization"]
    assert asked.headers["x-amz-security-token"] == "of-the-session"


def test_an_enrichment_takes_one_request_and_is_json(serve: Serve) -> None:
    s3 = serve(Answer())
    S3EnrichedTickets(connect(), "enriched").put("tickets/T/1.json", BODY)
    (asked,) = s3.asked
    assert asked.by_obstore
    assert (asked.method, asked.path, asked.body) == ("PUT", "/enriched/tickets/T/1.json", BODY)
    assert asked.headers["content-type"] == "application/json"


def test_an_object_put_while_versioning_was_off_has_no_version(serve: Serve) -> None:
    serve(Answer(body=BODY, headers={**HEAD, "x-amz-version-id": "null"}))
    raw = raw_tickets().fetch(upload(), 1000)
    assert raw is not None
    assert raw.version_id is None


def test_a_ticket_over_the_limit_is_not_waited_for(serve: Serve) -> None:
    serve(Answer(body=b"x" * 1001, length=10**12))
    raw = raw_tickets().fetch(upload(), 1000)
    assert raw is not None
    assert (raw.body, raw.size_bytes, raw.etag) == (None, 10**12, "e1")


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=BODY[:9], length=len(BODY)),
        Answer(503),
        refusal(403, "AccessDenied", "no"),
        refusal(404, "NoSuchKey", "no"),
        Answer(301, headers={}),
        Answer(body=b"a page of another server", headers={}),
    ],
    ids=["truncated", "unavailable", "denied", "missing", "moved", "not of S3"],
)
def test_what_obstore_cannot_get_botocore_can(serve: Serve, answer: Answer) -> None:
    s3 = serve(first(answer, then=Answer(body=BODY)))
    raw = raw_tickets().fetch(upload(), 1000)
    assert raw is not None
    assert (raw.body, raw.etag, raw.version_id) == (BODY, "e1", "v1")
    assert [asked.by_obstore for asked in s3.asked] == [True, False]


def test_what_obstore_cannot_put_botocore_can(serve: Serve) -> None:
    s3 = serve(first(Answer(503), then=Answer()))
    S3EnrichedTickets(connect(), "enriched").put("tickets/T/1.json", BODY)
    assert [asked.by_obstore for asked in s3.asked] == [True, False]
    assert {asked.path for asked in s3.asked} == {"/enriched/tickets/T/1.json"}


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("/tickets/a.json", "/raw//tickets/a.json"),
        ("tickets//a.json", "/raw/tickets//a.json"),
        ("tickets/../a.json", "/raw/tickets/../a.json"),
        ("tickets/a.json/", "/raw/tickets/a.json/"),
        ("tickets/a\tb.json", "/raw/tickets/a%09b.json"),
    ],
)
def test_a_key_that_obstore_would_change_is_fetched_by_botocore(serve: Serve, key: str, path: str) -> None:
    s3 = serve(Answer(body=BODY))
    raw = raw_tickets().fetch(upload(key), 1000)
    assert raw is not None
    assert raw.key == key
    assert [(asked.by_obstore, asked.path) for asked in s3.asked] == [(False, path)]


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (403, "AccessDenied", "Access Denied"),
        (400, "InvalidRequest", "The object was stored using a form of Server Side Encryption."),
        (403, "InvalidObjectState", "The operation is not valid for the object's storage class"),
    ],
)
def test_a_refusal_is_told_in_the_words_of_s3(serve: Serve, status: int, code: str, message: str) -> None:
    serve(refusal(status, code, message))
    with pytest.raises(TransientFailure, match="fetching a ticket from S3") as caught:
        raw_tickets().fetch(upload(), 1000)
    assert caught.value.code == code
    assert f"{code} ({message})" in str(caught.value)


def test_a_throttle_that_lasts_is_transient_and_has_its_code(serve: Serve) -> None:
    s3 = serve(refusal(503, "SlowDown", "Please reduce your request rate."))
    with pytest.raises(TransientFailure) as caught:
        S3EnrichedTickets(connect(), "enriched").put("tickets/T/1.json", BODY)
    assert caught.value.code == "SlowDown"
    assert [asked.by_obstore for asked in s3.asked] == [True, False, False, False]


def test_a_connection_that_ends_within_a_ticket_is_transient(serve: Serve) -> None:
    serve(Answer(body=BODY[:9], length=len(BODY)))
    with pytest.raises(TransientFailure, match="fetching a ticket from S3: "):
        raw_tickets().fetch(upload(), 1000)


def test_a_connection_that_ends_within_a_refusal_is_transient(serve: Serve) -> None:
    serve(Answer(404, b"<Error><Code>NoSu", {}, length=100))
    with pytest.raises(TransientFailure, match="fetching a ticket from S3: "):
        raw_tickets().fetch(upload(), 1000)


def test_nobody_at_the_endpoint_is_transient(serve: Serve) -> None:
    serve(Answer()).close()
    with pytest.raises(TransientFailure, match="EndpointConnectionError"):
        raw_tickets().fetch(upload(), 1000)


@pytest.mark.parametrize(
    ("no_proxy", "by_proxy"), [("", True), ("127.0.0.1", False), ("*", False), ("example.com", True)]
)
def test_a_proxy_is_used_where_botocore_uses_it(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, no_proxy: str, by_proxy: bool
) -> None:
    proxy = serve(Answer(body=BODY))
    s3 = serve(Answer(body=BODY))
    monkeypatch.setenv("HTTP_PROXY", proxy.endpoint_url)
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert raw_tickets().fetch(upload(), 1000) is not None
    assert ([each.by_obstore for each in proxy.asked], [each.by_obstore for each in s3.asked]) == (
        ([True], []) if by_proxy else ([], [True])
    )


def test_the_endpoint_of_s3_comes_before_that_of_all_services(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_s3, of_all = serve(Answer(body=BODY)), serve(Answer(body=BODY))
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", of_s3.endpoint_url)
    assert raw_tickets().fetch(upload(), 1000) is not None
    assert ([each.by_obstore for each in of_s3.asked], of_all.asked) == ([True], [])


@pytest.mark.parametrize(
    ("environment", "bucket", "url"),
    [
        ({}, "raw", "https://raw.s3.eu-west-1.amazonaws.com"),
        ({}, "raw.of.us", "https://s3.eu-west-1.amazonaws.com/raw.of.us"),
        ({"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "raw", "https://raw.s3.dualstack.eu-west-1.amazonaws.com"),
        ({"AWS_USE_FIPS_ENDPOINT": "true"}, "raw", "https://raw.s3-fips.eu-west-1.amazonaws.com"),
        ({"AWS_ENDPOINT_URL": "http://localhost:4566"}, "raw", "http://localhost:4566/raw"),
    ],
)
def test_a_bucket_is_addressed_as_botocore_addresses_it(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], bucket: str, url: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert bucket_url(boto3.Session().client("s3"), bucket) == url


def test_a_name_that_no_bucket_can_have_is_told_at_the_start() -> None:
    with pytest.raises(SetupError, match=r"finding the address of bucket 'no name': .*check its name"):
        S3RawTickets(connect(), "no name")
