"""Where the integration tests run: a ministack of their own, or TICKETMILL_TEST_ENDPOINT_URL.

emulator         the endpoint, once a session; the AWS_… variables point at it, so that clients find it
clients          clients for it, once a session
stack            a stack for each test (0.1 s on ministack): no test sees another's messages or rows
learning_stack   the outputs of infra/learning-service.yaml, deployed beside the stack of the test
index_queue      the queue of infra/search-service.yaml, deployed beside the stack of the test
celery_stack     the same of infra/celery-service.yaml
arns             what the parts of that stack are called, for the tests of policies
allowed          what a policy of these stacks allows
unused_endpoint  an address at which nothing answers
adapters         the adapters to the stack of the test
ticketmill       runs a command of ours in this process, against that stack
ticketmill_process  the same in a process of its own
work_off         runs a worker in this process until the queue of that stack is empty

With TICKETMILL_TEST_ENDPOINT_URL nothing is started, and credentials, region and endpoints of single services
(AWS_ENDPOINT_URL_…) are left as they are where they are set. With AWS_ENDPOINT_URL_DYNAMODB the tables are
made there, for a place that has no DynamoDB of its own.
"""

from __future__ import annotations

import json
import os
import socket
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from commands import Run, WorkOff, runner_here, runner_in_processes
from rights import STREAM, Right, allowed_by

from ticketmill import bootstrap
from ticketmill.aws.clients import Clients, connect
from ticketmill.bootstrap import Adapters
from ticketmill.deploy import emulator as ministack
from ticketmill.deploy.search_stack import deploy_search, find_index_queues
from ticketmill.deploy.stack import Stack, deploy
from ticketmill.pipeline.enricher import Enricher
from ticketmill.settings import load_settings
from ticketmill.worker.pace import Limits
from ticketmill.worker.worker import make_worker

INFRA = Path(__file__).parents[2] / "infra"
LEARNING_TEMPLATE = INFRA / "learning-service.yaml"
CELERY_TEMPLATE = INFRA / "celery-service.yaml"
_PLACE = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


def _unused_endpoint() -> str:
    """A loopback endpoint at which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint URL."""
    given = os.environ.get("TICKETMILL_TEST_ENDPOINT_URL")
    state_dir: Path = tmp_path_factory.mktemp("emulator")
    endpoint_url = given or _unused_endpoint()
    with pytest.MonkeyPatch.context() as environment:
        for name in list(os.environ):
            if name.startswith("AWS_") and not given:  # a developer's own profile or endpoints
                environment.delenv(name)
        for name, value in _PLACE.items():
            environment.setenv(name, os.environ.get(name, value))
        environment.setenv("AWS_ENDPOINT_URL", endpoint_url)
        if not given:
            ministack.start(endpoint_url, state_dir)
        yield endpoint_url
    if not given:
        ministack.stop(endpoint_url, state_dir)


@pytest.fixture
def unused_endpoint() -> str:
    return _unused_endpoint()


@pytest.fixture(scope="session")
def clients(emulator: str) -> Iterator[Clients]:
    made = connect()
    yield made
    for client in (made.s3, made.sqs, made.dynamodb, made.cloudformation):
        client.close()


@pytest.fixture
def stack_name() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def parameters(emulator: str, stack_name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What a stack needs where DynamoDB is at another endpoint: the tables that were made there."""
    elsewhere = os.environ.get("AWS_ENDPOINT_URL_DYNAMODB")
    if elsewhere is None:
        return {}
    with monkeypatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", elsewhere)
        made = deploy(connect(), stack_name)
        return {
            "ExistingTableName": made.table,
            "ExistingLearningTableName": made.learning_table or "",
        }


@pytest.fixture
def stack(clients: Clients, stack_name: str, parameters: dict[str, str]) -> Iterator[Stack]:
    """A stack that nobody else uses; what it keeps when deleted, its buckets and its table, stays behind."""
    yield deploy(clients, stack_name, parameters)
    clients.cloudformation.delete_stack(StackName=stack_name)


@pytest.fixture
def environment(stack_name: str, stack: Stack, bundle_dir: Path) -> dict[str, str]:
    """What a command needs to know of the place; what fails comes again soon."""
    adapters = {"TICKETMILL_STACK": stack_name, "TICKETMILL_BUNDLE": str(bundle_dir)}
    return {**os.environ, **adapters, "TICKETMILL_RETRY_BASE_S": "1"}


@pytest.fixture
def ticketmill(environment: dict[str, str]) -> Run:
    """Runs a command of ours in this process; `code` is the exit code that it must end with."""
    return runner_here(environment)


@pytest.fixture
def ticketmill_process(environment: dict[str, str]) -> Run:
    """The same in a process of its own: for `work`, whose logs, signals and threads are a process's."""
    return runner_in_processes(environment)


@pytest.fixture
def learning_stack(ticketmill: Run, clients: Clients, stack_name: str) -> Iterator[dict[str, str]]:
    """The outputs of infra/learning-service.yaml beside the stack of the test; no trainer runs on ECS."""
    name = f"{stack_name}-learning"
    deployed = ticketmill(
        *("deploy", "--stack", name, "--template", LEARNING_TEMPLATE),
        *("--parameter", f"TicketsStack={stack_name}", "--json"),
    )
    yield json.loads(deployed.stdout)["outputs"]
    clients.cloudformation.delete_stack(StackName=name)


@pytest.fixture
def index_queue(stack: Stack, clients: Clients, stack_name: str) -> Iterator[str]:
    """The URL of the queue of new enrichments."""
    deploy_search(clients, stack_name)
    found = find_index_queues(clients, stack_name)
    assert found is not None
    yield found.queue_url
    clients.cloudformation.delete_stack(StackName=f"{stack_name}-search")


@pytest.fixture
def celery_stack(ticketmill: Run, clients: Clients, stack_name: str) -> Iterator[dict[str, str]]:
    """The outputs of infra/celery-service.yaml beside the stack of the test; no worker runs on ECS."""
    name = f"{stack_name}-celery"
    deployed = ticketmill(
        *("deploy", "--stack", name, "--template", CELERY_TEMPLATE),
        *("--parameter", f"TicketsStack={stack_name}", "--json"),
    )
    yield json.loads(deployed.stdout)["outputs"]
    clients.cloudformation.delete_stack(StackName=name)


@pytest.fixture
def arns(clients: Clients, stack: Stack, stack_name: str) -> dict[str, str]:
    """The ARN of each table, of the rows' stream and of the stack, by name."""
    (found,) = clients.cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    tables = {
        name: clients.dynamodb.describe_table(TableName=name)["Table"]
        for name in (stack.table, stack.learning_table)
        if name is not None
    }
    named = {name: table["TableArn"] for name, table in tables.items()}
    return {**named, STREAM: tables[stack.table]["LatestStreamArn"], stack_name: found["StackId"]}


@pytest.fixture
def allowed(clients: Clients, stack_name: str) -> Callable[..., set[Right]]:
    """What the policy allows that is an output of the stack of the test, or of a stack beside it, as in
    `-celery`."""

    def read(output: str, beside: str = "") -> set[Right]:
        iam = boto3.client("iam")
        (arn,) = [
            each["OutputValue"]
            for found in clients.cloudformation.describe_stacks()["Stacks"]
            if found["StackName"].startswith(f"{stack_name}{beside}")
            for each in found.get("Outputs", ())
            if each["OutputKey"] == output
        ]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        return allowed_by(document if isinstance(document, dict) else json.loads(document))

    return read


@pytest.fixture
def adapters(environment: dict[str, str], stack_name: str) -> Adapters:
    return bootstrap.connect(load_settings(stack=stack_name))


@pytest.fixture(scope="session")
def loaded_enricher(bundle_dir: Path) -> Enricher:
    """Loaded once: models take most of the time in which a worker starts."""
    return bootstrap.load_enricher(load_settings(bundle=bundle_dir))


@pytest.fixture
def work_off(adapters: Adapters, stack_name: str, loaded_enricher: Enricher) -> WorkOff:
    """Runs a worker in this process until the queue is empty, and returns its statistics.

    For tests that need the work done. Tests of the command itself start it.
    """

    def run() -> dict[str, Any]:
        settings = load_settings(stack=stack_name, retry_base_s=1)
        pipeline = bootstrap.make_pipeline(settings, adapters, loaded_enricher)
        worker = make_worker(settings, adapters.queue, pipeline.process_batch, Limits(until_empty=True))
        statistics = worker.run()
        pipeline.executor.shutdown()
        return statistics.as_dict()

    return run
