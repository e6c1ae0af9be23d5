"""Connections that end in the middle of an answer of S3."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.response import StreamingBody
from botocore.stub import Stubber
from urllib3.response import HTTPResponse

from ticketmill.aws.s3 import S3RawTickets
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import Upload

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

UPLOAD = Upload("raw", "tickets/T.json", "tickets/T.json")


@pytest.fixture
def s3() -> Iterator[S3Client]:
    client = boto3.client("s3", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    yield client
    client.close()


def torn(beginning: bytes, status: int = 200) -> HTTPResponse:
    return HTTPResponse(
        io.BytesIO(beginning),
        headers={"Content-Length": "100"},
        status=status,
        preload_content=False,
        enforce_content_length=True,
    )


def test_a_connection_that_ends_within_a_ticket_is_transient(s3: S3Client) -> None:
    answer = {
        "Body": StreamingBody(torn(b'{"ticket_id"'), 100),
        "ContentLength": 100,
        "ETag": '"e"',
        "LastModified": datetime(2026, 11, 21, tzinfo=UTC),
    }
    with Stubber(s3) as stub:
        stub.add_response("get_object", answer)
        with pytest.raises(TransientFailure, match="fetching a ticket from S3"):
            S3RawTickets(s3, "raw").fetch(UPLOAD, 1000)


def test_a_connection_that_ends_within_a_refusal_is_transient(s3: S3Client) -> None:
    def refuse(**_: Any) -> AWSResponse:
        return AWSResponse("http://127.0.0.1", 404, {}, torn(b"<Error><Code>NoSu", 404))

    s3.meta.events.register("before-send.s3.GetObject", refuse)
    with pytest.raises(TransientFailure, match="fetching a ticket from S3: ProtocolError"):
        S3RawTickets(s3, "raw").fetch(UPLOAD, 1000)
