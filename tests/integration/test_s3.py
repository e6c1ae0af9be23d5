from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from ticketmill.aws.clients import Clients
from ticketmill.aws.s3 import S3EnrichedTickets, S3RawTickets
from ticketmill.deploy.stack import Stack
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import Upload
from ticketmill.domain.row import RawVersion

KEY = "tickets/a b+ü/c.json"
BODY = json.dumps({"ticket_id": "TKT-001", "subject": "Grüße 🎻"}).encode()


@pytest.fixture
def raw_tickets(clients: Clients, stack: Stack) -> S3RawTickets:
    return S3RawTickets(clients, stack.raw_bucket)


def upload(stack: Stack, key: str = KEY, fallback_key: str | None = None) -> Upload:
    return Upload(bucket=stack.raw_bucket, key=key, fallback_key=fallback_key or key)


def test_a_fetched_ticket_is_what_was_dropped(raw_tickets: S3RawTickets, stack: Stack) -> None:
    raw_tickets.put(KEY, BODY)
    raw = raw_tickets.fetch(upload(stack), max_bytes=len(BODY))
    assert raw is not None
    assert (raw.bucket, raw.key, raw.body, raw.size_bytes) == (stack.raw_bucket, KEY, BODY, len(BODY))
    assert raw.etag == hashlib.md5(BODY, usedforsecurity=False).hexdigest()
    assert raw.version_id
    assert raw.last_modified.tzinfo is not None


@pytest.mark.localstack
def test_the_version_fetched_is_the_newest(raw_tickets: S3RawTickets, stack: Stack) -> None:
    raw_tickets.put(KEY, b"{}")
    raw_tickets.put(KEY, BODY)
    raw = raw_tickets.fetch(upload(stack), max_bytes=1000)
    assert raw is not None
    assert raw.body == BODY


def test_a_ticket_over_the_limit_comes_without_its_body(raw_tickets: S3RawTickets, stack: Stack) -> None:
    raw_tickets.put(KEY, BODY)
    raw = raw_tickets.fetch(upload(stack), max_bytes=len(BODY) - 1)
    assert raw is not None
    assert raw.body is None
    assert raw.size_bytes == len(BODY)


@pytest.mark.localstack
def test_a_key_that_was_never_encoded_is_found_as_it_was_spelled(
    raw_tickets: S3RawTickets, stack: Stack
) -> None:
    raw_tickets.put("tickets/100%25+1.json", BODY)
    raw = raw_tickets.fetch(
        upload(stack, key="tickets/100% 1.json", fallback_key="tickets/100%25+1.json"), max_bytes=1000
    )
    assert raw is not None
    assert raw.key == "tickets/100%25+1.json"


def test_a_missing_ticket_is_none(raw_tickets: S3RawTickets, stack: Stack) -> None:
    assert raw_tickets.fetch(upload(stack, fallback_key="tickets/another.json"), max_bytes=1000) is None


@pytest.mark.localstack
def test_a_deleted_ticket_is_none_and_not_current(
    raw_tickets: S3RawTickets, stack: Stack, clients: Clients
) -> None:
    raw_tickets.put(KEY, BODY)
    raw = raw_tickets.fetch(upload(stack), max_bytes=1000)
    assert raw is not None
    clients.s3.delete_object(Bucket=stack.raw_bucket, Key=KEY)
    assert raw_tickets.fetch(upload(stack), max_bytes=1000) is None
    assert not raw_tickets.is_current(RawVersion.of(raw))


@pytest.mark.localstack
def test_a_version_is_current_until_its_key_is_put_again_even_with_the_same_bytes(
    raw_tickets: S3RawTickets, stack: Stack
) -> None:
    raw_tickets.put(KEY, BODY)
    raw = raw_tickets.fetch(upload(stack), max_bytes=1000)
    assert raw is not None
    assert raw_tickets.is_current(RawVersion.of(raw))
    raw_tickets.put(KEY, BODY)
    assert not raw_tickets.is_current(RawVersion.of(raw))


@pytest.mark.localstack
def test_without_versions_the_etag_says_what_is_current(raw_tickets: S3RawTickets, stack: Stack) -> None:
    raw_tickets.put(KEY, BODY)
    raw = raw_tickets.fetch(upload(stack), max_bytes=1000)
    assert raw is not None
    unversioned = replace(raw, version_id=None)
    assert raw_tickets.is_current(RawVersion.of(unversioned))
    raw_tickets.put(KEY, b"{}")
    assert not raw_tickets.is_current(RawVersion.of(unversioned))


def test_an_enrichment_comes_back_as_json(clients: Clients, stack: Stack) -> None:
    enriched = S3EnrichedTickets(clients, stack.enriched_bucket)
    enriched.put("tickets/TKT-001/ab-cd.json", BODY)
    assert enriched.get("tickets/TKT-001/ab-cd.json") == BODY
    head = clients.s3.head_object(Bucket=stack.enriched_bucket, Key="tickets/TKT-001/ab-cd.json")
    assert head["ContentType"] == "application/json"


@pytest.mark.localstack
def test_a_failure_of_s3_is_transient_and_names_its_code(clients: Clients, stack: Stack) -> None:
    nowhere = S3RawTickets(clients, "no-such-bucket-of-ours")
    with pytest.raises(TransientFailure, match=r"fetching a ticket from S3: NoSuchBucket"):
        nowhere.fetch(upload(stack), max_bytes=1000)
    with pytest.raises(TransientFailure, match=r"reading an enrichment from S3: NoSuchKey"):
        S3EnrichedTickets(clients, stack.enriched_bucket).get("tickets/none.json")


@pytest.mark.localstack
def test_every_key_is_fetched_as_boto3_put_it(
    raw_tickets: S3RawTickets, stack: Stack, clients: Clients
) -> None:
    for key in (
        "tickets/ü +*~'()!@$&,;=:.json",
        "tickets/100%25.json",
        "tickets/a%2Fb.json",
        "tickets//double.json",
        "tickets/a\tb.json",
    ):
        clients.s3.put_object(Bucket=stack.raw_bucket, Key=key, Body=BODY)
        raw = raw_tickets.fetch(upload(stack, key), max_bytes=1000)
        assert raw is not None, key
        assert (raw.key, raw.body) == (key, BODY)


@pytest.mark.localstack
def test_a_fetched_ticket_is_described_as_boto3_describes_it(
    raw_tickets: S3RawTickets, stack: Stack, clients: Clients
) -> None:
    raw_tickets.put(KEY, BODY)
    raw = raw_tickets.fetch(upload(stack), max_bytes=1000)
    head = clients.s3.head_object(Bucket=stack.raw_bucket, Key=KEY)
    assert raw is not None
    assert (raw.version_id, f'"{raw.etag}"') == (head["VersionId"], head["ETag"])
    assert (raw.last_modified, raw.size_bytes) == (head["LastModified"], head["ContentLength"])
