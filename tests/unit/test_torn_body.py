from __future__ import annotations

import io
from datetime import UTC, datetime

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber
from urllib3.response import HTTPResponse

from ticketmill.aws.s3 import S3RawTickets
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import Upload


def test_a_connection_that_ends_within_a_ticket_is_transient() -> None:
    client = boto3.client("s3", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    arrived = HTTPResponse(
        io.BytesIO(b'{"ticket_id"'),
        headers={"Content-Length": "100"},
        preload_content=False,
        enforce_content_length=True,
    )
    answer = {
        "Body": StreamingBody(arrived, 100),
        "ContentLength": 100,
        "ETag": '"e"',
        "LastModified": datetime(2026, 11, 21, tzinfo=UTC),
    }
    with Stubber(client) as stub:
        stub.add_response("get_object", answer)
        with pytest.raises(TransientFailure, match="fetching a ticket from S3"):
            S3RawTickets(client, "raw").fetch(Upload("raw", "tickets/T.json", "tickets/T.json"), 1000)
    client.close()
