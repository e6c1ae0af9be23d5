from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import boto3
import pytest

from ticketmill.aws.clients import Clients
from ticketmill.aws.events import decode
from ticketmill.aws.s3 import S3RawTickets
from ticketmill.aws.sqs import SqsQueue
from ticketmill.deploy import stack as stacks
from ticketmill.deploy.notification import wait_for_events
from ticketmill.deploy.stack import Stack, deploy, find_stack, template_body
from ticketmill.domain.errors import SetupError
from ticketmill.domain.message import Uploads


def attributes(clients: Clients, queue_url: str) -> dict[str, str]:
    found = clients.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])
    return {str(name): value for name, value in found["Attributes"].items()}


@pytest.mark.localstack
def test_a_second_deployment_of_the_same_template_changes_nothing(
    clients: Clients, stack: Stack, stack_name: str
) -> None:
    assert stack.changed
    assert deploy(clients, stack_name) == replace(stack, changed=False)


@pytest.mark.localstack
def test_a_deployment_with_another_parameter_changes_the_stack_and_keeps_the_rest(
    clients: Clients, stack: Stack, stack_name: str
) -> None:
    assert deploy(clients, stack_name, {"MaxReceiveCount": "3"}).changed
    assert deploy(clients, stack_name, {"VisibilityTimeoutSeconds": "90"}).changed
    found = attributes(clients, stack.queue_url)
    assert found["VisibilityTimeout"] == "90"
    assert int(json.loads(found["RedrivePolicy"])["maxReceiveCount"]) == 3


def test_a_stack_is_found_by_its_name(clients: Clients, stack: Stack, stack_name: str) -> None:
    assert find_stack(clients, stack_name) == replace(stack, changed=False)


def test_a_stack_that_does_not_exist_says_what_to_do(clients: Clients) -> None:
    with pytest.raises(SetupError, match=r"no stack nowhere .*ticketmill up.*TICKETMILL_STACK"):
        find_stack(clients, "nowhere")


def test_a_stack_of_something_else_is_not_taken_for_ours(clients: Clients, stack_name: str) -> None:
    body = "Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n"
    clients.cloudformation.create_stack(StackName=stack_name, TemplateBody=body)
    with pytest.raises(SetupError, match=r"has no output 'RawBucket'"):
        find_stack(clients, stack_name)


@pytest.mark.localstack
def test_a_failed_deployment_names_the_resource_and_a_failed_stack_the_way_out(
    clients: Clients, stack_name: str, parameters: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # the first is what ministack refuses, the second what LocalStack does
    broken = template_body().replace("MessageRetentionPeriod: 1209600", "MessageRetentionPeriod: 1")
    broken = broken.replace("${AWS::StackName}-enriched-", "${AWS::StackName}_ENRICHED_")
    monkeypatch.setattr(stacks, "template_body", lambda: broken)
    with pytest.raises(
        SetupError, match=r"was not deployed \(.*(DeadLetterQueue|EnrichedBucket): .*ticketmill up"
    ):
        deploy(clients, stack_name, parameters)
    monkeypatch.undo()
    with pytest.raises(SetupError, match=r"failed before \(.*delete-stack --stack-name .*ticketmill up"):
        deploy(clients, stack_name, parameters)


@pytest.mark.localstack
def test_both_buckets_are_versioned_encrypted_and_closed_to_the_public(
    clients: Clients, stack: Stack
) -> None:
    for bucket in (stack.raw_bucket, stack.enriched_bucket):
        assert clients.s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
        (rule,) = clients.s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"][
            "Rules"
        ]
        assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
        closed = clients.s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
        assert set(closed.values()) == {True}
        (ownership,) = clients.s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
        assert ownership["ObjectOwnership"] == "BucketOwnerEnforced"
        (statement,) = json.loads(clients.s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
        assert (statement["Effect"], statement["Condition"]) == (
            "Deny",
            {"Bool": {"aws:SecureTransport": "false"}},
        )


@pytest.mark.localstack
def test_the_queue_polls_long_keeps_two_weeks_and_redrives(clients: Clients, stack: Stack) -> None:
    tickets = attributes(clients, stack.queue_url)
    dead_letter = attributes(clients, stack.dead_letter_queue_url)
    assert tickets["ReceiveMessageWaitTimeSeconds"] == "20"
    assert tickets["MaximumMessageSize"] == "262144"
    for found in (tickets, dead_letter):
        assert found["MessageRetentionPeriod"] == "1209600"
        assert found["SqsManagedSseEnabled"] == "true"
    redrive = json.loads(tickets["RedrivePolicy"])
    assert (redrive["deadLetterTargetArn"], int(redrive["maxReceiveCount"])) == (dead_letter["QueueArn"], 10)
    assert json.loads(dead_letter["RedriveAllowPolicy"])["sourceQueueArns"] == [tickets["QueueArn"]]


@pytest.mark.localstack
def test_only_s3_for_the_raw_bucket_of_this_account_may_send(clients: Clients, stack: Stack) -> None:
    found = attributes(clients, stack.queue_url)
    account = found["QueueArn"].split(":")[4]
    statements = json.loads(found["Policy"])["Statement"]
    (allowed,) = [statement for statement in statements if statement["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "s3.amazonaws.com"}
    assert allowed["Action"] == "sqs:SendMessage"
    assert allowed["Resource"] == found["QueueArn"]
    assert allowed["Condition"] == {
        "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{stack.raw_bucket}"},
        "StringEquals": {"aws:SourceAccount": account},
    }


def test_the_indexes_repeat_no_more_of_a_row_than_it_is_found_by(clients: Clients, stack: Stack) -> None:
    table = clients.dynamodb.describe_table(TableName=stack.table)["Table"]
    assert table["KeySchema"] == [{"AttributeName": "ticket_id", "KeyType": "HASH"}]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    indexes = {index["IndexName"]: index for index in table["GlobalSecondaryIndexes"]}
    assert {
        name: [key["AttributeName"] for key in index["KeySchema"]] for name, index in indexes.items()
    } == {"by_time": ["shard", "position"], "by_status": ["status_shard", "position"]}
    assert indexes["by_time"]["Projection"] == {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["facets"]}
    assert indexes["by_status"]["Projection"]["ProjectionType"] == "KEYS_ONLY"


def test_the_template_asks_for_recovery_encryption_and_to_keep_the_data(
    clients: Clients, stack: Stack, stack_name: str
) -> None:
    """Read off the template that stands: ministack takes these and does not show them on the table."""
    body = str(clients.cloudformation.get_template(StackName=stack_name)["TemplateBody"])
    assert "PointInTimeRecoveryEnabled: true" in body
    assert "SSEEnabled: true" in body
    assert body.count("DeletionPolicy: RetainExceptOnCreate") == 4


@pytest.mark.localstack
def test_an_upload_arrives_in_the_queue_and_other_objects_do_not(clients: Clients, stack: Stack) -> None:
    raw_tickets = S3RawTickets(clients, stack.raw_bucket)
    queue = SqsQueue(clients.sqs, stack.queue_url)
    raw_tickets.put("elsewhere/a.json", b"{}")
    raw_tickets.put("tickets/a.txt", b"{}")
    raw_tickets.put("tickets/a b+ü/c.json", b"{}")
    keys: list[str] = []
    while not keys:
        messages = queue.receive(max_messages=10, wait_s=5)
        assert messages
        for message in messages:
            announcement = decode(message.body, stack.raw_bucket)
            if isinstance(announcement, Uploads):
                keys += [upload.key for upload in announcement.uploads]
    assert keys == ["tickets/a b+ü/c.json"]


@pytest.mark.localstack
def test_waiting_for_events_leaves_no_trace_and_hands_back_what_is_not_its_own(
    clients: Clients, stack: Stack
) -> None:
    queue = SqsQueue(clients.sqs, stack.queue_url)
    queue.acknowledge(queue.receive(max_messages=10, wait_s=1))  # the test event
    queue.send('{"ticket_id": "TKT-001"}')
    wait_for_events(clients, stack, timeout_s=10)
    (left,) = queue.receive(max_messages=10, wait_s=1)
    assert (left.body, left.receive_count) == ('{"ticket_id": "TKT-001"}', 2)
    assert "Versions" not in clients.s3.list_object_versions(Bucket=stack.raw_bucket)


def test_waiting_for_events_that_never_come_ends_with_a_setup_error(clients: Clients, stack: Stack) -> None:
    clients.s3.put_bucket_notification_configuration(Bucket=stack.raw_bucket, NotificationConfiguration={})
    started = datetime.now(UTC)
    with pytest.raises(SetupError, match=r"no event of an upload to .* within 1 s"):
        wait_for_events(clients, stack, timeout_s=1)
    assert (datetime.now(UTC) - started).total_seconds() < 5
    assert "Versions" not in clients.s3.list_object_versions(Bucket=stack.raw_bucket)


@pytest.mark.localstack
def test_a_key_of_the_users_encrypts_the_queues_and_the_policies_may_use_it(
    clients: Clients, stack_name: str, parameters: dict[str, str]
) -> None:
    key = "arn:aws:kms:us-east-1:000000000000:key/0c9f4a5e-0000-4000-8000-000000000000"
    stack = deploy(clients, stack_name, {**parameters, "KmsKeyArn": key})
    for queue_url in (stack.queue_url, stack.dead_letter_queue_url):
        assert attributes(clients, queue_url)["KmsMasterKeyId"] == key
    iam = boto3.client("iam")
    for each in clients.cloudformation.describe_stack_resources(StackName=stack_name)["StackResources"]:
        if each["ResourceType"] == "AWS::IAM::ManagedPolicy":
            arn = each["PhysicalResourceId"]
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
            assert key in json.dumps(document)


def alarms_of(stack_name: str) -> dict[str, list[str]]:
    """What each alarm of a stack tells, by its name."""
    found = boto3.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{stack_name}-")["MetricAlarms"]
    return {alarm["AlarmName"]: alarm["AlarmActions"] for alarm in found}


@pytest.mark.localstack
def test_alarms_tell_the_topic(clients: Clients, stack_name: str, parameters: dict[str, str]) -> None:
    topic = "arn:aws:sns:us-east-1:000000000000:people"
    deploy(clients, stack_name, {**parameters, "AlarmTopicArn": topic})
    found = alarms_of(stack_name)
    assert len(found) == 6
    assert all(actions == [topic] for actions in found.values())


def test_alarms_can_be_left_out(clients: Clients, stack_name: str, parameters: dict[str, str]) -> None:
    deploy(clients, stack_name, {**parameters, "Alarms": "false"})
    assert alarms_of(stack_name) == {}
