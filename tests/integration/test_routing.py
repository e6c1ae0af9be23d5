"""Routing as it runs: from a row in the table through stream and queue to the targets."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from answering_server import AnsweringServer, Asked, Reply
from commands import Run
from page_commands import run_page
from rows_contract import row
from test_change_stream import record
from test_router_handler import sqs_record

from ticketmill.aws.clients import Clients
from ticketmill.bootstrap import Adapters
from ticketmill.deploy.stack import Stack
from ticketmill.domain.labels import Urgency
from ticketmill.operations.routing import faults_of
from ticketmill.operations.rules_file import parse_rules

ROOT = Path(__file__).parents[2]
RECIPES = re.findall(
    r"^```yaml\n(.*?)^```$",
    (ROOT / "docs" / "routing.md").read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)

RULES = """
rules:
  - id: critical
    filters: {urgency: critical}
    send: {to: webhook, url_env: HOOK_URL, secret_env: HOOK_SECRET}
  - id: broken
    filters: {urgency: critical}
    send: {to: slack, url_env: BROKEN_URL}
"""


@pytest.fixture
def server() -> Iterator[AnsweringServer]:
    made = AnsweringServer(lambda asked: Reply(404 if asked.path == "/broken" else 200))
    yield made
    made.close()


@pytest.fixture
def rules(tmp_path: Path, server: AnsweringServer, environment: dict[str, str]) -> str:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    environment |= {
        "TICKETMILL_RULES": str(path),
        "TICKETMILL_RETRY_BASE_S": "0",
        "HOOK_URL": f"{server.url}/hook",
        "HOOK_SECRET": "whsec_c2VjcmV0",
        "BROKEN_URL": f"{server.url}/broken",
    }
    return str(path)


def hooks(server: AnsweringServer) -> list[Asked]:
    return [each for each in server.asked if each.path == "/hook"]


def test_a_ticket_that_becomes_critical_is_told_once_and_a_broken_rule_becomes_a_dead_letter(
    adapters: Adapters, ticketmill: Run, rules: str, server: AnsweringServer
) -> None:
    first = row(urgency=Urgency.HIGH)
    critical = first.model_copy(update={"urgency": Urgency.CRITICAL, "revision": 2})
    again = critical.model_copy(update={"revision": 3})
    assert adapters.rows.put(first, None)
    assert adapters.rows.put(critical, first)
    assert adapters.rows.put(again, critical)

    routed = json.loads(ticketmill("route", "--from-start", "--until-empty", "--json").stdout)
    assert routed["delivered"] == 1
    assert routed["failed"] + routed["postponed"] == 10
    (told,) = hooks(server)
    event = told.json()
    assert (event["type"], event["ticket_id"], event["revision"]) == ("TicketEnriched", "TKT-001", 2)
    assert event["was"] == {"urgency": ["high"]}
    assert told.headers["Idempotency-Key"] == "TKT-001/2/critical"
    assert "body" not in event

    (letter,) = json.loads("[" + ticketmill("dlq", "list", "--deliveries", "--json").stdout + "]")
    assert letter["delivery"]["rule"] == "broken"
    assert letter["reason"] == "http_404"
    server.reply = lambda _asked: Reply()
    ticketmill("dlq", "redrive", "--deliveries")
    routed = json.loads(ticketmill("route", "--until-empty", "--json").stdout)
    assert routed["delivered"] == 1
    assert len(hooks(server)) == 1


def test_without_from_start_only_later_changes_are_told(
    adapters: Adapters, ticketmill: Run, rules: str, server: AnsweringServer
) -> None:
    ticketmill("route", "--until-empty")
    assert adapters.rows.put(row(urgency=Urgency.CRITICAL), None)
    ticketmill("route", "--until-empty")
    assert len(hooks(server)) == 1


def test_rules_test_tells_what_would_be_sent_and_sends_nothing(
    adapters: Adapters, ticketmill: Run, rules: str, server: AnsweringServer
) -> None:
    assert adapters.rows.put(row(urgency=Urgency.CRITICAL), None)
    told = json.loads(ticketmill("rules", "test", "TKT-001", "--json").stdout)
    assert [each["sent_if_new"] for each in told["rules"]] == [True, True]
    assert server.asked == []


@pytest.fixture
def receiver(clients: Clients, stack_name: str) -> Iterator[tuple[str, str, str]]:
    """A bus and a topic that both lead to one queue: their ARNs and the queue's URL."""
    sqs, sns, events = boto3.client("sqs"), boto3.client("sns"), boto3.client("events")
    queue_url = sqs.create_queue(QueueName=f"{stack_name}-told")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    bus = events.create_event_bus(Name=f"{stack_name}-bus")["EventBusArn"]
    pattern = json.dumps({"source": ["ticketmill"], "detail-type": ["TicketEnriched"]})
    events.put_rule(Name=f"{stack_name}-told", EventBusName=f"{stack_name}-bus", EventPattern=pattern)
    events.put_targets(
        Rule=f"{stack_name}-told", EventBusName=f"{stack_name}-bus", Targets=[{"Id": "1", "Arn": queue}]
    )
    topic = sns.create_topic(Name=f"{stack_name}-topic")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})
    yield bus, topic, queue_url
    for client in (sqs, sns, events):
        client.close()


def test_a_bus_and_a_topic_are_told(
    adapters: Adapters,
    ticketmill: Run,
    rules: str,
    receiver: tuple[str, str, str],
    clients: Clients,
    stack: Stack,
) -> None:
    bus, topic, queue_url = receiver
    Path(rules).write_text(
        f"rules:\n  - {{id: bus, send: {{to: eventbridge, bus: '{bus}'}}}}\n"
        f"  - {{id: topic, send: {{to: sns, topic: '{topic}'}}}}\n"
    )
    assert adapters.rows.put(row(urgency=Urgency.CRITICAL), None)
    ticketmill("route", "--from-start", "--until-empty")
    told: list[Any] = []
    while len(told) < 2:
        answer = clients.sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=5, MaxNumberOfMessages=10)
        assert answer.get("Messages"), "nothing arrived"
        told += [json.loads(each["Body"]) for each in answer["Messages"]]
    details = [each.get("detail", each) for each in told]
    assert sorted(each["rule"] for each in details) == ["bus", "topic"]
    assert {each["labels"]["urgency"]["labels"][0] for each in details} == {"critical"}


def test_the_function_takes_rules_from_s3_and_secrets_from_their_manager(
    adapters: Adapters,
    rules: str,
    environment: dict[str, str],
    server: AnsweringServer,
    clients: Clients,
    stack: Stack,
) -> None:
    clients.s3.put_object(Bucket=stack.raw_bucket, Key="rules.yaml", Body=RULES.encode())
    secrets = {name: environment.pop(name) for name in ("HOOK_URL", "HOOK_SECRET", "BROKEN_URL")}
    secret = boto3.client("secretsmanager").create_secret(
        Name=f"{stack.table}-secrets", SecretString=json.dumps(secrets)
    )
    environment |= {
        "TICKETMILL_RULES": f"s3://{stack.raw_bucket}/rules.yaml",
        "TICKETMILL_ROUTING_SECRET_ARN": secret["ARN"],
    }
    code = "import json, sys; from ticketmill.entrypoints.router_handler import handler; "
    code += "print(json.dumps([handler(each, None) for each in json.load(sys.stdin)]))"

    def invoke(*events: Any) -> Any:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            input=json.dumps(events),
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)

    invoke({"Records": [record(None, row(urgency=Urgency.CRITICAL))]})
    assert stack.routing_queue_url
    received = clients.sqs.receive_message(
        QueueUrl=stack.routing_queue_url, WaitTimeSeconds=5, MaxNumberOfMessages=10
    )["Messages"]
    messages = [
        {**sqs_record(each["MessageId"]), "body": each["Body"], "receiptHandle": each["ReceiptHandle"]}
        for each in received
    ]
    (answer,) = invoke({"Records": messages})
    assert len(hooks(server)) == 1
    failed = {each["MessageId"] for each in received if '"broken"' in each["Body"]}
    assert {each["itemIdentifier"] for each in answer["batchItemFailures"]} == failed
    assert len(failed) == 1


@pytest.mark.timeout(180)
def test_every_command_of_the_page_works_in_its_order(
    environment: dict[str, str], shell_path: str, tmp_path: Path
) -> None:
    done = run_page("routing", environment, shell_path, tmp_path)
    assert "1 rule, nothing wrong" in done.stdout
    assert "failed attempts 0" in done.stdout


@pytest.mark.parametrize("block", RECIPES, ids=range(len(RECIPES)))
def test_every_recipe_of_the_page_is_a_file_of_rules_without_faults(block: str) -> None:
    assert [fault for rule in parse_rules(block, "page").rules for fault in faults_of(rule)] == []
