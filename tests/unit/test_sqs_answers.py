"""What is made of the answers of SQS that an emulator seldom gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.stub import Stubber
from fakes import announce

from ticketmill.aws.sqs import SqsQueue
from ticketmill.domain.errors import TransientFailure

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

URL = "https://sqs.us-east-1.amazonaws.com/000000000000/tickets"
MESSAGES = [announce("a", message_id=f"m{number}") for number in range(3)]


@pytest.fixture
def sqs() -> Iterator[SQSClient]:
    client = boto3.client("sqs", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    yield client
    client.close()


def failed(number: int, code: str, sender_fault: bool) -> dict[str, object]:
    return {"Id": str(number), "Code": code, "SenderFault": sender_fault}


@pytest.mark.parametrize("code", ["ExpiredToken", "UnrecognizedClientException"])
def test_credentials_that_expired_are_named_with_what_to_do(code: str, sqs: SQSClient) -> None:
    with Stubber(sqs) as stubber:
        stubber.add_client_error("receive_message", code, http_status_code=403)
        with pytest.raises(TransientFailure, match="renew them") as told:
            SqsQueue(sqs, URL).receive(10, 0)
    assert told.value.code == code


def test_what_sqs_left_undeleted_is_deleted_in_another_request(sqs: SQSClient) -> None:
    with Stubber(sqs) as stubber:
        stubber.add_response(
            "delete_message_batch",
            {"Successful": [{"Id": "0"}, {"Id": "2"}], "Failed": [failed(1, "InternalError", False)]},
        )
        stubber.add_response(
            "delete_message_batch",
            {"Successful": [{"Id": "0"}], "Failed": []},
            {"QueueUrl": URL, "Entries": [{"Id": "0", "ReceiptHandle": MESSAGES[1].receipt}]},
        )
        assert SqsQueue(sqs, URL).acknowledge(MESSAGES) == {"m0", "m1", "m2"}
        stubber.assert_no_pending_responses()


def test_what_is_not_ours_to_delete_is_not_asked_for_again(sqs: SQSClient) -> None:
    with Stubber(sqs) as stubber:
        stubber.add_response(
            "delete_message_batch",
            {
                "Successful": [{"Id": "0"}, {"Id": "1"}],
                "Failed": [failed(2, "ReceiptHandleIsInvalid", True)],
            },
        )
        assert SqsQueue(sqs, URL).acknowledge(MESSAGES) == {"m0", "m1"}


def test_an_extension_counts_only_what_sqs_confirms_and_tells_expired_receipts_apart(sqs: SQSClient) -> None:
    with Stubber(sqs) as stubber:
        stubber.add_response(
            "change_message_visibility_batch",
            {
                "Successful": [{"Id": "0"}],
                "Failed": [failed(1, "ReceiptHandleIsInvalid", True), failed(2, "InternalError", False)],
            },
        )
        extension = SqsQueue(sqs, URL).extend(MESSAGES, 60)
    assert (extension.confirmed, extension.expired) == ({"m0"}, {"m1"})


def test_an_extension_that_sqs_does_not_mention_is_neither_confirmed_nor_expired(sqs: SQSClient) -> None:
    with Stubber(sqs) as stubber:
        stubber.add_response("change_message_visibility_batch", {"Successful": [{"Id": "2"}], "Failed": []})
        extension = SqsQueue(sqs, URL).extend(MESSAGES, 60)
    assert (extension.confirmed, extension.expired) == ({"m2"}, frozenset())


def test_messages_are_released_ten_a_request_and_a_request_that_fails_confirms_nothing(
    sqs: SQSClient, caplog: pytest.LogCaptureFixture
) -> None:
    messages = [announce("a", message_id=f"m{number}") for number in range(12)]
    with Stubber(sqs) as stubber:
        stubber.add_client_error("change_message_visibility_batch", "RequestThrottled", http_status_code=400)
        stubber.add_response(
            "change_message_visibility_batch",
            {"Successful": [{"Id": "0"}, {"Id": "1"}], "Failed": []},
            {
                "QueueUrl": URL,
                "Entries": [
                    {"Id": str(position), "ReceiptHandle": message.receipt, "VisibilityTimeout": 7}
                    for position, message in enumerate(messages[10:])
                ],
            },
        )
        assert SqsQueue(sqs, URL).release(messages, 7) == {"m10", "m11"}
    assert "releasing 10 messages: RequestThrottled" in caplog.text
