"""What each policy of the stack allows is what the commands of its holder ask for: no less, and no more."""

from __future__ import annotations

import fnmatch
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from commands import WorkOff
from rows_contract import row

from ticketmill.aws.clients import Clients
from ticketmill.aws.sqs import SqsQueue
from ticketmill.bootstrap import Adapters
from ticketmill.deploy.stack import Stack

RECORDED = Path(__file__).with_name("recorded.py")

# the action behind an operation, where it is called otherwise
ACTIONS = {
    "HeadObject": "GetObject",
    "ListObjectsV2": "ListBucket",
    "SendMessageBatch": "SendMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
}
# asked for by no operation: S3 answers 403 instead of 404 without it, for a ticket that is not there; and a
# worker of the version before puts rows
SILENT = {"s3:ListBucket", "dynamodb:PutItem"}
# what a worker does with learned versions, and only while there are some
OF_LEARNED_VERSIONS = ("/learning/models/*", "/learning/features/*", "/learning/disagreements/*", "/index/*")

STREAM = "the table's stream"

Right = tuple[str, str]
"""An action and the ARN of what it is done to."""
Commands = Callable[..., set[Right]]


@pytest.fixture
def arns(clients: Clients, stack: Stack, stack_name: str) -> dict[str, str]:
    """The ARN of each queue and of the stack, by URL and name."""
    queues = {
        url: clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        for url in (
            stack.queue_url,
            stack.dead_letter_queue_url,
            stack.routing_queue_url,
            stack.routing_dead_letter_queue_url,
        )
        if url
    }
    (found,) = clients.cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    tables = {
        name: clients.dynamodb.describe_table(TableName=name)["Table"]
        for name in (stack.table, stack.learning_table)
        if name is not None
    }
    named = {name: table["TableArn"] for name, table in tables.items()}
    stream = {STREAM: tables[stack.table]["LatestStreamArn"]}
    return {**queues, **stream, stack_name: found["StackId"], **named}


def rights(call: tuple[str, str, dict[str, Any]], arns: dict[str, str]) -> Iterator[Right]:
    """What a call needs."""
    service, operation, given = call
    action = f"{service}:{ACTIONS.get(operation, operation)}"
    if service == "s3":
        key = f"/{given['Key']}" if "Key" in given else ""
        yield action, f"arn:aws:s3:::{given['Bucket']}{key}"
    elif service == "dynamodbstreams":  # reads go by iterators, which name no stream
        yield f"dynamodb:{operation}", arns[STREAM]
    elif service == "sqs":
        yield action, arns[given["QueueUrl"]]
    elif service == "cloudformation":
        yield action, arns[given["StackName"]]
    elif "TransactItems" in given:
        # a transaction needs the right to each of its parts
        for part in given["TransactItems"]:
            ((operation, inner),) = part.items()
            yield f"{service}:{operation}Item", arns[inner["TableName"]]
    elif "RequestItems" in given:
        for table in given["RequestItems"]:
            yield action, arns[table]
    else:
        index = f"/index/{given['IndexName']}" if "IndexName" in given else ""
        yield action, arns[given["TableName"]] + index


@pytest.fixture
def asked(environment: dict[str, str], arns: dict[str, str], tmp_path: Path) -> Commands:
    """Runs commands of ours; what they needed of AWS, all together."""

    def run(*commands: list[str]) -> set[Right]:
        calls = tmp_path / "calls.jsonl"
        done = subprocess.run(
            [sys.executable, RECORDED, calls],
            env=environment,
            input=json.dumps(commands),
            capture_output=True,
            text=True,
            check=False,
            timeout=150,
        )
        assert done.returncode == 0, done.stderr
        lines = calls.read_text(encoding="utf-8").splitlines()
        return {right for line in lines for right in rights(json.loads(line), arns)}

    return run


@pytest.fixture
def allowed(emulator: str, clients: Clients, stack_name: str) -> Callable[[str], set[Right]]:
    """The actions and patterns of ARNs that a policy of the deployed stack allows."""

    def read(output: str) -> set[Right]:
        iam = boto3.client("iam")
        (found,) = clients.cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
        (arn,) = [each["OutputValue"] for each in found["Outputs"] if each["OutputKey"] == output]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        statements = (document if isinstance(document, dict) else json.loads(document))["Statement"]
        return {
            (action, resource)
            for statement in statements
            for action in _list(statement["Action"])
            for resource in _list(statement["Resource"])
        }

    return read


def _list(found: str | list[str]) -> list[str]:
    return [found] if isinstance(found, str) else found


def covers(rule: Right, right: Right) -> bool:
    return rule[0] == right[0] and fnmatch.fnmatchcase(right[1], rule[1])


def covered(right: Right, allowed: set[Right]) -> bool:
    return any(covers(rule, right) for rule in allowed)


def check(asked: set[Right], allowed: set[Right], seldom: tuple[str, ...] = ()) -> None:
    """Fails where something was asked for that is not allowed, or allowed and never asked for.

    What ends as one of `seldom` needs not be asked for.
    """

    assert not {right for right in asked if not covered(right, allowed)}
    unused = {rule for rule in allowed if not any(covers(rule, right) for right in asked)}
    assert not {rule for rule in unused if rule[0] not in SILENT and not rule[1].endswith(seldom)}


def drop(adapters: Adapters, ticket_id: str) -> None:
    body = json.dumps({"ticket_id": ticket_id, "body": "I was charged twice for one month."})
    adapters.raw_tickets.put(f"tickets/{ticket_id}.json", body.encode())


@pytest.mark.timeout(180)
def test_a_worker_may_do_what_it_does(
    adapters: Adapters, asked: Commands, allowed: Callable[[str], set[Right]]
) -> None:
    drop(adapters, "T1")
    adapters.queue.send("no event")
    # a message that asks for a backfill, and the one that it finds
    adapters.queue.send(json.dumps({"backfill": {"everything": True}}))
    used = asked(["work", "--for", "10"])
    check(used, allowed("WorkerPolicyArn"), seldom=OF_LEARNED_VERSIONS)


@pytest.mark.timeout(180)
def test_an_operator_may_do_what_the_commands_do(
    clients: Clients,
    adapters: Adapters,
    asked: Commands,
    allowed: Callable[[str], set[Right]],
    work_off: WorkOff,
    tmp_path: Path,
) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules: [{id: a, send: {to: slack, text: '{subject}', url_env: HOOK}}]")
    drop(adapters, "T1")
    work_off()
    drop(adapters, "T2")
    for body in ("no event", '{"ticket_id": "T2"}'):
        adapters.dead_letters.send(body)
    assert adapters.stack.routing_dead_letter_queue_url
    SqsQueue(clients.sqs, adapters.stack.routing_dead_letter_queue_url).send("no delivery")
    sent = clients.sqs.send_message(
        QueueUrl=adapters.stack.dead_letter_queue_url, MessageBody='{"ticket_id": "T1"}'
    )
    message_id = sent["MessageId"]
    used = asked(
        ["status"],
        ["list"],
        ["show", "T1"],
        ["dlq", "list"],
        ["dlq", "explain", "T2"],
        ["dlq", "redrive", "--reason", "unreadable_message"],
        ["dlq", "delete", message_id, "--yes"],
        ["backfill", "--missing"],
        ["dlq", "list", "--deliveries"],
        ["dlq", "redrive", "--deliveries"],
        ["rules", "test", "T1", "--rules", str(rules), "--json"],
    )
    check(used, allowed("OperatorPolicyArn"))


@pytest.mark.timeout(180)
def test_a_corrector_may_do_what_the_commands_do_beside_an_operator(
    adapters: Adapters,
    asked: Commands,
    allowed: Callable[[str], set[Right]],
    work_off: WorkOff,
    tmp_path: Path,
) -> None:
    drop(adapters, "T1")
    work_off()
    export = tmp_path / "labels.jsonl"
    used = asked(
        ["label", "T1", "--urgency", "high"],
        ["corrections", "list"],
        ["corrections", "export", str(export)],
        ["corrections", "import", str(export)],
        ["corrections", "reapply"],
    )
    of_corrector, of_operator = allowed("CorrectorPolicyArn"), allowed("OperatorPolicyArn")
    check({right for right in used if not covered(right, of_operator)}, of_corrector - of_operator)
    assert {right for right in used if covered(right, of_operator)}


@pytest.mark.timeout(180)
def test_a_router_may_do_what_it_does(
    adapters: Adapters,
    environment: dict[str, str],
    asked: Commands,
    allowed: Callable[[str], set[Right]],
    tmp_path: Path,
) -> None:
    """One delivery is a dry run and succeeds, the other asks for a body that is gone and fails."""
    rules = tmp_path / "rules.yaml"
    zendesk = "send: {to: zendesk, base_url: 'https://x.example', user_env: U, token_env: T}"
    rules.write_text(f"rules: [{{id: a, {zendesk}}}, {{id: b, include_body: true, {zendesk}}}]")
    environment |= {"TICKETMILL_RULES": str(rules), "TICKETMILL_RETRY_BASE_S": "0"}
    assert adapters.rows.put(row(enriched_key="tickets/TKT-001/gone.json"), None)
    used = asked(["route", "--from-start", "--until-empty"])
    check(used, allowed("RouterPolicyArn"))


def test_an_uploader_may_do_what_a_drop_does(
    asked: Commands, allowed: Callable[[str], set[Right]], tmp_path: Path
) -> None:
    path = tmp_path / "ticket.json"
    path.write_text('{"ticket_id": "T1", "body": "I was charged twice."}', encoding="utf-8")
    check(asked(["drop", str(path)]), allowed("UploaderPolicyArn"))
