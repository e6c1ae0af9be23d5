"""A test of the pipeline as one would write it who works with LocalStack: nothing of ours but the worker.

localstack-client makes boto3 clients for the endpoint that AWS_ENDPOINT_URL or LOCALSTACK_HOST names.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from commands import Run
from localstack_client.session import Session

from ticketmill.deploy.stack import Stack


def session_of_the_environment() -> Session:
    # the account is read off the credentials: the stack is in that of the environment
    return Session(
        aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        region_name=os.environ["AWS_DEFAULT_REGION"],
    )


@pytest.fixture
def session(emulator: str) -> Session:
    return session_of_the_environment()


@pytest.fixture
def outputs(session: Session, stack: Stack, stack_name: str) -> dict[str, str]:
    (found,) = session.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}


@pytest.fixture
def table(session: Session, outputs: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A localstack-client session has one endpoint: where DynamoDB has its own, it takes another session."""
    if elsewhere := os.environ.get("AWS_ENDPOINT_URL_DYNAMODB"):
        with monkeypatch.context() as environment:
            environment.setenv("AWS_ENDPOINT_URL", elsewhere)
            session = session_of_the_environment()
    return session.resource("dynamodb").Table(outputs["TableName"])


@pytest.mark.localstack
def test_a_ticket_put_with_localstack_client_is_enriched(
    session: Session, outputs: dict[str, str], table: Any, ticketmill_process: Run
) -> None:
    s3, sqs = session.client("s3"), session.client("sqs")
    ticket = {"ticket_id": "TKT-LS", "subject": "Cannot log in", "body": "My password is refused."}
    s3.put_object(Bucket=outputs["RawBucket"], Key="tickets/TKT-LS.json", Body=json.dumps(ticket))
    waiting = sqs.get_queue_attributes(
        QueueUrl=outputs["QueueUrl"], AttributeNames=["ApproximateNumberOfMessages"]
    )
    assert int(waiting["Attributes"]["ApproximateNumberOfMessages"]) >= 1

    ticketmill_process("work", "--until-empty")

    row = table.get_item(Key={"ticket_id": "TKT-LS"})["Item"]
    assert row["status"] == "enriched"
    stored = s3.get_object(Bucket=outputs["EnrichedBucket"], Key=row["enriched_key"])["Body"].read()
    enriched = json.loads(stored)
    assert enriched["subject"] == "Cannot log in"
    assert enriched["enrichment"]["intent"]["label"] == row["intent"]
