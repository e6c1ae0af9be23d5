"""Which failures say that a service is down, and which are of one request."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from ticketmill.aws.clients import connect, transient
from ticketmill.domain.errors import TransientFailure


def client_error(code: str, http_status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": http_status}},  # type: ignore[typeddict-item]
        "GetObject",
    )


def dependency_of(error: Exception) -> str | None:
    with pytest.raises(TransientFailure) as failure, transient("fetching", dependency="s3"):
        raise error
    return failure.value.dependency


@pytest.mark.parametrize(
    "error",
    [
        client_error("InternalError", 500),
        client_error("SlowDown", 503),
        client_error("TooManyRequestsException", 429),
        client_error("ProvisionedThroughputExceededException", 400),
        client_error("ThrottlingException", 400),
        client_error("ExpiredToken", 400),
        client_error("NoSuchBucket", 404),
        client_error("ResourceNotFoundException", 400),
        client_error("AccessDeniedException", 400),
        EndpointConnectionError(endpoint_url="http://127.0.0.1:9"),
        ReadTimeoutError(endpoint_url="http://127.0.0.1:9"),
    ],
    ids=str,
)
def test_a_service_that_fails_as_such_is_named(error: Exception) -> None:
    assert dependency_of(error) == "s3"


@pytest.mark.parametrize(
    "error",
    [
        client_error("AccessDenied", 403),
        client_error("InvalidObjectState", 403),
        client_error("NoSuchKey", 404),
        client_error("InvalidRequest", 400),
        client_error("ValidationException", 400),
    ],
    ids=str,
)
def test_a_refusal_of_one_object_or_item_names_no_service(error: Exception) -> None:
    assert dependency_of(error) is None


def test_a_process_parses_the_model_of_a_service_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    first, second = (connect().session.get_component("data_loader") for _ in range(2))
    assert first.load_service_model("sqs", "service-2") is second.load_service_model("sqs", "service-2")
