"""LocalStack's init hook, at whatever place the tests run; LocalStack itself runs it in host.py."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ticketmill.aws.clients import Clients
from ticketmill.deploy.notification import wait_for_events
from ticketmill.deploy.search_stack import find_index_queues
from ticketmill.deploy.stack import find_stack

ROOT = Path(__file__).parents[2]
HOOK = ROOT / "localstack" / "init" / "ready.d" / "deploy.sh"
TEMPLATE = ROOT / "infra" / "template.yaml"

Hook = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def hook(stack_name: str, parameters: dict[str, str], shell_path: str) -> Hook:
    def run(template: Path = TEMPLATE, **given: str) -> subprocess.CompletedProcess[str]:
        pairs = [f"{name}={value}" for name, value in {**parameters, **given}.items()]
        environment = {
            **os.environ,
            "PATH": shell_path,
            "TICKETMILL_STACK": stack_name,
            "TICKETMILL_TEMPLATE": str(template),
            "TICKETMILL_STACK_PARAMETERS": " ".join(pairs),
        }
        return subprocess.run(
            [HOOK], env=environment, capture_output=True, text=True, check=False, timeout=100
        )

    return run


def visibility_timeout(clients: Clients, queue_url: str) -> str:
    found = clients.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["VisibilityTimeout"])
    return found["Attributes"]["VisibilityTimeout"]


@pytest.mark.localstack
def test_the_hook_deploys_a_stack_that_announces_uploads_and_changes_only_what_differs(
    clients: Clients, hook: Hook, stack_name: str
) -> None:
    done = hook()
    assert done.returncode == 0, done.stderr
    stack = find_stack(clients, stack_name)
    assert stack.raw_bucket in done.stdout
    wait_for_events(clients, stack, timeout_s=30)
    assert find_index_queues(clients, stack_name) is not None
    # again, as after a restart that kept the stack, and then with another parameter
    for given, expected in (({}, "60"), ({"VisibilityTimeoutSeconds": "90"}, "90")):
        done = hook(**given)
        assert done.returncode == 0, done.stderr
        assert visibility_timeout(clients, stack.queue_url) == expected


@pytest.mark.localstack
def test_a_failed_deployment_fails_the_hook_and_names_what_failed(hook: Hook, tmp_path: Path) -> None:
    # the first is what ministack refuses, the second what LocalStack does
    text = TEMPLATE.read_text().replace("MessageRetentionPeriod: 1209600", "MessageRetentionPeriod: 1")
    broken = tmp_path / "template.yaml"
    broken.write_text(text.replace("${AWS::StackName}-enriched-", "${AWS::StackName}_ENRICHED_"))
    done = hook(broken)
    assert done.returncode == 1
    assert "DeadLetterQueue" in done.stderr or "EnrichedBucket" in done.stderr


def test_a_template_that_is_none_fails_the_hook(hook: Hook, tmp_path: Path) -> None:
    assert hook(tmp_path / "nowhere.yaml").returncode != 0
