"""What CloudFormation answers to a change set, where no emulator answers so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import boto3
import pytest
from botocore.stub import ANY, Stubber

from ticketmill.deploy import change_set as change_sets
from ticketmill.deploy.change_set import Change, discard, prepare
from ticketmill.domain.errors import SetupError

STACK_ID = "arn:aws:cloudformation:us-east-1:111122223333:stack/mine/0c9f4a5e"
SET_ID = "arn:aws:cloudformation:us-east-1:111122223333:changeSet/ticketmill-1/0c9f4a5e"


@pytest.fixture
def cloudformation(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return boto3.client(
        "cloudformation", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )


@pytest.fixture
def service(cloudformation: Any) -> Iterator[Stubber]:
    """Answers what a test lays down, in that order, and fails where it is asked for anything else."""
    with Stubber(cloudformation) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def clients(cloudformation: Any) -> Any:
    return Mock(cloudformation=cloudformation)


def standing(service: Stubber, status: str = "UPDATE_COMPLETE") -> None:
    stack = {
        "StackName": "mine",
        "StackId": STACK_ID,
        "StackStatus": status,
        "CreationTime": "2026-01-01",
        "Parameters": [{"ParameterKey": "Kept", "ParameterValue": "1"}, {"ParameterKey": "Gone"}],
        "Tags": [{"Key": "owner", "Value": "support"}],
    }
    service.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": "mine"})


def asked_for(service: Stubber) -> None:
    known = [{"ParameterKey": name} for name in ("Kept", "Given", "New")]
    service.add_response("validate_template", {"Parameters": known}, {"TemplateBody": "body"})
    expected = {
        "StackName": "mine",
        "ChangeSetName": ANY,
        "ChangeSetType": "UPDATE",
        "TemplateBody": "body",
        "Parameters": [
            {"ParameterKey": "Given", "ParameterValue": "2"},
            {"ParameterKey": "Kept", "UsePreviousValue": True},
        ],
        "Tags": [
            {"Key": "application", "Value": "ticketmill"},
            {"Key": "owner", "Value": "support"},
            {"Key": "stage", "Value": "live"},
        ],
        "Capabilities": ["CAPABILITY_IAM"],
        "ImportExistingResources": False,
    }
    service.add_response("create_change_set", {"Id": SET_ID, "StackId": STACK_ID}, expected)


def answered(service: Stubber, status: str, changes: list[dict[str, Any]] | None = None, **more: Any) -> None:
    expected = {"ChangeSetName": SET_ID, **more.pop("asked", {})}
    found = {
        "ChangeSetId": SET_ID,
        "Status": status,
        "Changes": [{"Type": "Resource", "ResourceChange": each} for each in changes or []],
        **more,
    }
    service.add_response("describe_change_set", found, expected)


def modified(name: str, type_: str, replacement: str) -> dict[str, Any]:
    return {
        "Action": "Modify",
        "LogicalResourceId": name,
        "ResourceType": type_,
        "Replacement": replacement,
        "PolicyAction": "ReplaceAndRetain",
    }


def test_changes_are_read_to_the_last_page(clients: Any, service: Stubber) -> None:
    standing(service)
    asked_for(service)
    answered(service, "CREATE_IN_PROGRESS")
    answered(service, "CREATE_COMPLETE", [modified("B", "AWS::SQS::Queue", "True")], NextToken="more")
    answered(
        service,
        "CREATE_COMPLETE",
        [modified("A", "AWS::CloudWatch::Alarm", "Conditional")],
        asked={"NextToken": "more"},
    )
    prepared = prepare(clients, "mine", "body", {"Given": "2"}, {"stage": "live"}, poll_s=0)
    assert prepared.kind == "UPDATE"
    assert [(each.logical_id, each.loses_tickets) for each in prepared.changes] == [("A", False), ("B", True)]


def test_nothing_is_left_of_a_change_set_without_changes(clients: Any, service: Stubber) -> None:
    standing(service)
    asked_for(service)
    answered(service, "FAILED", StatusReason="The submitted information didn't contain changes.")
    service.add_response("delete_change_set", {}, {"ChangeSetName": SET_ID})
    assert prepare(clients, "mine", "body", {"Given": "2"}, {"stage": "live"}).changes == ()


def test_a_change_set_that_fails_is_cleared_away_and_says_what_the_checks_found(
    clients: Any, service: Stubber
) -> None:
    standing(service)
    asked_for(service)
    answered(service, "FAILED", StatusReason="Validation failed")
    refusal = {
        "EventType": "VALIDATION_ERROR",
        "LogicalResourceId": "RawBucket",
        "ValidationStatusReason": "mine-raw already exists",
    }
    service.add_response("describe_events", {"OperationEvents": [refusal]}, {"ChangeSetName": SET_ID})
    service.add_response("delete_change_set", {}, {"ChangeSetName": SET_ID})
    with pytest.raises(
        SetupError, match=r"Validation failed: RawBucket: mine-raw already exists; --adopt takes in"
    ):
        prepare(clients, "mine", "body", {"Given": "2"}, {"stage": "live"})


@pytest.mark.parametrize(
    ("status", "way_out"),
    [
        ("UPDATE_IN_PROGRESS", "try again in a minute"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --stack-name mine.* and deploy again"),
        ("ROLLBACK_COMPLETE", "delete-stack --stack-name mine.* and deploy again"),
    ],
)
def test_a_stack_that_is_not_fit_for_it_says_the_way_out(
    clients: Any, service: Stubber, status: str, way_out: str
) -> None:
    standing(service, status)
    if not status.endswith("_IN_PROGRESS"):
        service.add_response("describe_stack_events", {"StackEvents": []}, {"StackName": "mine"})
        service.add_client_error("describe_events", "ValidationError")
    with pytest.raises(SetupError, match=way_out):
        prepare(clients, "mine", "body", {}, {})


def test_a_right_that_lacks_is_named_in_the_services_words(clients: Any, service: Stubber) -> None:
    said = "User: me is not authorized to perform: cloudformation:DescribeStacks"
    service.add_client_error("describe_stacks", "AccessDenied", said)
    with pytest.raises(SetupError, match=f"preparing the deployment of stack mine: {said}"):
        prepare(clients, "mine", "body", {}, {})


def test_a_stack_that_stands_is_never_deleted_with_its_change_set(clients: Any, service: Stubber) -> None:
    service.add_response("delete_change_set", {}, {"ChangeSetName": SET_ID})
    standing(service, "CREATE_COMPLETE")
    discard(clients, change_sets.ChangeSet("mine", SET_ID, "CREATE", ()))


@pytest.mark.parametrize(
    ("change", "loses"),
    [
        (Change("Remove", "RawBucket", "AWS::S3::Bucket", "", is_kept=False), True),
        (Change("Remove", "RawBucket", "AWS::S3::Bucket", "", is_kept=True), False),
        (Change("Modify", "TicketsTable", "AWS::DynamoDB::Table", "True", is_kept=False), True),
        (Change("Modify", "TicketsTable", "AWS::DynamoDB::Table", "False", is_kept=False), False),
        (Change("Remove", "AgeAlarm", "AWS::CloudWatch::Alarm", "", is_kept=False), False),
        (Change("Import", "RawBucket", "AWS::S3::Bucket", "", is_kept=False), False),
    ],
)
def test_tickets_are_lost_where_what_holds_them_goes(change: Change, loses: bool) -> None:
    assert change.loses_tickets is loses
