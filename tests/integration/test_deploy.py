"""`ticketmill deploy` and infra/deploy: what they say would change, what they change, and how they end."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ticketmill.aws.clients import Clients
from ticketmill.deploy.stack import template_body

SCRIPT = Path(__file__).parents[2] / "infra" / "deploy"
DATA = {"RawBucket", "EnrichedBucket", "TicketsQueue", "DeadLetterQueue", "TicketsTable"}

only_ministack = pytest.mark.skipif(
    "TICKETMILL_TEST_ENDPOINT_URL" in os.environ,
    reason="LocalStack imports nothing, checks no parameter, and ends no failed change set",
)

Deploy = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def deploy(
    clients: Clients, stack_name: str, parameters: dict[str, str], shell_path: str
) -> Iterator[Deploy]:
    """Runs infra/deploy for a stack of the test's own; `code` is the exit code that it must end with."""
    environment = {**os.environ, "PATH": shell_path}
    needed = [f"--parameter={name}={value}" for name, value in parameters.items()]

    def run(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        command = [str(SCRIPT), "--stack", stack_name, *needed, *map(str, arguments)]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=90
        )
        assert done.returncode == code, done.stderr
        return done

    yield run
    clients.cloudformation.delete_stack(StackName=stack_name)


def status_of(clients: Clients, stack_name: str) -> str | None:
    try:
        return clients.cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]["StackStatus"]
    except ClientError:
        return None


def tags_of(clients: Clients, stack_name: str) -> dict[str, str]:
    (found,) = clients.cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    return {tag["Key"]: tag["Value"] for tag in found["Tags"]}


def changes_of(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    told = json.loads(done.stdout)
    return {change["logical_id"]: change for change in told["changes"]}


@pytest.fixture
def changed_template(tmp_path: Path) -> Callable[[str, str], Path]:
    """The template with one text in the place of another."""

    def write(old: str, new: str) -> Path:
        assert old in template_body()
        path = tmp_path / "template.yaml"
        path.write_text(template_body().replace(old, new), encoding="utf-8")
        return path

    return write


def test_a_dry_run_of_a_new_stack_lists_what_it_would_make_and_leaves_nothing(
    clients: Clients, stack_name: str, deploy: Deploy, parameters: dict[str, str]
) -> None:
    done = deploy("--dry-run", "--json")
    told = json.loads(done.stdout)
    assert (told["stack"], told["kind"], told["executed"], told["outputs"]) == (
        stack_name,
        "CREATE",
        False,
        {},
    )
    assert {change["action"] for change in told["changes"]} == {"Add"}
    made = DATA - {"TicketsTable"} if parameters else DATA
    assert changes_of(done).keys() >= made
    assert status_of(clients, stack_name) is None
    with pytest.raises(ClientError):
        clients.s3.head_bucket(Bucket=f"{stack_name}-raw-000000000000-us-east-1")


def test_a_deployment_makes_the_stack_and_a_second_one_finds_it_up_to_date(
    clients: Clients, stack_name: str, deploy: Deploy
) -> None:
    done = deploy()
    assert f"Stack {stack_name}: a new stack" in done.stdout
    assert f"{stack_name}-raw-" in done.stdout, "the outputs"
    assert status_of(clients, stack_name) == "CREATE_COMPLETE"
    assert deploy().stdout == f"stack {stack_name} is up to date\n"
    assert status_of(clients, stack_name) == "CREATE_COMPLETE"


def test_a_dry_run_of_a_change_names_the_resource_and_changes_nothing(
    clients: Clients, stack_name: str, deploy: Deploy
) -> None:
    deploy()
    flag = "--parameter=VisibilityTimeoutSeconds=90"
    shown = changes_of(deploy("--dry-run", "--json", flag))
    assert shown["TicketsQueue"]["action"] == "Modify"
    assert shown["TicketsQueue"]["type"] == "AWS::SQS::Queue"
    assert shown["TicketsQueue"]["replacement"] == "False"
    assert "TicketsQueue" in deploy("--dry-run", flag).stdout
    assert status_of(clients, stack_name) == "CREATE_COMPLETE"
    queue_url = json.loads(deploy("--json", flag).stdout)["outputs"]["QueueUrl"]
    found = clients.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["VisibilityTimeout"])
    assert found["Attributes"]["VisibilityTimeout"] == "90"


def test_parameters_and_tags_that_are_not_given_keep_their_value(
    clients: Clients, stack_name: str, deploy: Deploy
) -> None:
    deploy("--parameter=MaxReceiveCount=3", "--tag=owner=support", "--tag=stage=trial")
    deploy("--parameter=VisibilityTimeoutSeconds=90", "--tag=stage=live")
    (found,) = clients.cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    held = {each["ParameterKey"]: each["ParameterValue"] for each in found["Parameters"]}
    assert (held["MaxReceiveCount"], held["VisibilityTimeoutSeconds"]) == ("3", "90")
    assert tags_of(clients, stack_name) == {"application": "ticketmill", "owner": "support", "stage": "live"}


def test_a_change_that_would_lose_tickets_is_refused_unless_it_is_asked_for(
    clients: Clients, stack_name: str, deploy: Deploy, changed_template: Callable[[str, str], Path]
) -> None:
    before = json.loads(deploy("--json").stdout)["outputs"]["QueueUrl"]
    renamed = changed_template(
        'QueueName: !Sub "${AWS::StackName}-tickets"', 'QueueName: !Sub "${AWS::StackName}-x"'
    )
    shown = deploy("--template", renamed, "--dry-run")
    assert "LOST" in shown.stdout
    done = deploy("--template", renamed, "--json", code=4)
    assert changes_of(done)["TicketsQueue"]["loses_tickets"]
    assert not json.loads(done.stdout)["executed"]
    assert "nothing was changed: TicketsQueue would be lost" in done.stderr
    assert status_of(clients, stack_name) == "CREATE_COMPLETE"
    after = json.loads(deploy("--template", renamed, "--json", "--allow-loss").stdout)["outputs"]["QueueUrl"]
    assert (before.endswith("-tickets"), after.endswith("-x")) == (True, True)


def test_a_parameter_that_the_template_does_not_have_is_named(deploy: Deploy) -> None:
    done = deploy("--parameter=Visibility=90", code=3)
    assert done.stdout == ""
    assert "no parameter Visibility; it has" in done.stderr
    assert "VisibilityTimeoutSeconds" in done.stderr


@pytest.mark.parametrize("flag", ["--parameter=MaxReceiveCount", "--tag==x", "--template=/nowhere.yaml"])
def test_wrong_usage_exits_with_2(deploy: Deploy, flag: str) -> None:
    assert "Usage" in deploy(flag, code=2).stderr


@only_ministack
def test_a_value_that_the_template_forbids_is_told_in_the_services_words(
    clients: Clients, stack_name: str, deploy: Deploy
) -> None:
    done = deploy("--parameter=Processor=nobody", code=3)
    assert "Processor" in done.stderr
    assert "Traceback" not in done.stderr
    assert status_of(clients, stack_name) is None


@only_ministack
def test_a_deployment_that_fails_names_the_resource_and_the_way_out(
    deploy: Deploy, changed_template: Callable[[str, str], Path]
) -> None:
    broken = changed_template("${AWS::StackName}-enriched-", "${AWS::StackName}_ENRICHED_")
    broken.write_text(
        broken.read_text().replace("MessageRetentionPeriod: 1209600", "MessageRetentionPeriod: 1")
    )
    done = deploy("--template", broken, code=3)
    assert "was not deployed" in done.stderr
    assert "deploy again" in done.stderr


@only_ministack
def test_a_deleted_stack_leaves_its_tickets_and_a_later_one_would_take_them_in(
    clients: Clients, stack_name: str, deploy: Deploy
) -> None:
    outputs = json.loads(deploy("--json").stdout)["outputs"]
    clients.s3.put_object(Bucket=outputs["RawBucket"], Key="tickets/a.json", Body=b"{}")
    clients.cloudformation.delete_stack(StackName=stack_name)
    assert clients.s3.head_object(Bucket=outputs["RawBucket"], Key="tickets/a.json")
    assert clients.dynamodb.describe_table(TableName=outputs["TableName"])
    refused = deploy(code=3).stderr
    assert f"{outputs['RawBucket']}' already exists" in refused
    assert "--adopt takes in what an earlier stack left" in refused
    clients.cloudformation.delete_stack(StackName=stack_name)
    # ministack knows what it would import, and then refuses the names that are there
    found = changes_of(deploy("--adopt", "--dry-run", "--json"))
    imported = {name for name, change in found.items() if change["action"] == "Import"}
    assert imported == {"RawBucket", "EnrichedBucket", "TicketsTable", "LearningTable"}
