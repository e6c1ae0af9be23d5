"""The stack: the buckets, the queues and the table, made by CloudFormation and found by its outputs."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from ticketmill.aws.clients import LOCAL_HINT, Clients, at_setup
from ticketmill.deploy.endpoint import Answering, ask, check_answers, is_loopback, split_endpoint
from ticketmill.domain.errors import SetupError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.literals import CapabilityType
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef, StackTypeDef

DEPLOY_TIMEOUT_S = 600
POLL_S = 0.5  # far under CloudFormation's limit, and an emulator is done at the first look
CAPABILITIES: list[CapabilityType] = ["CAPABILITY_IAM"]  # the template's policies and roles

_NOTHING_TO_UPDATE = "No updates are to be performed"
_SETTLED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"})
REACH_HINT = f"check AWS_ENDPOINT_URL, credentials and region, {LOCAL_HINT}"
_ROLL_BACK_HINT = "roll it back (aws cloudformation continue-update-rollback --stack-name {})"
_DELETE_HINT = "delete it (aws cloudformation delete-stack --stack-name {})"
_AGAIN = "run `ticketmill up` again"


@dataclass(frozen=True, slots=True)
class Stack:
    """The names of what a stack holds; `changed` says whether this deployment made or changed anything."""

    raw_bucket: str
    enriched_bucket: str
    queue_url: str
    dead_letter_queue_url: str
    table: str
    learning_table: str | None = None
    """None where the stack is of a version that knew no corrections."""
    changed: bool = False
    routing_queue_url: str | None = None
    """None in a stack of an older version."""
    routing_dead_letter_queue_url: str | None = None


def template_body(name: str = "template.yaml") -> str:
    """A CloudFormation template: beside this file in an installed wheel, else that of the checkout.

    Lines of comment are left out: CloudFormation takes 51,200 bytes.
    """
    installed = Path(__file__).with_name(name)
    checkout = Path(__file__).parents[3] / "infra" / name
    try:
        text = (installed if installed.exists() else checkout).read_text(encoding="utf-8")
    except OSError as error:
        raise SetupError(
            f"the CloudFormation template cannot be read: {error}; reinstall ticketmill"
        ) from error
    return "".join(line for line in text.splitlines(keepends=True) if not line.lstrip().startswith("#"))


def deploy(clients: Clients, stack_name: str, parameters: Mapping[str, str] | None = None) -> Stack:
    """Creates the stack, or updates it where the template or a parameter differs, and waits until it stands.

    Parameters that are not given keep the value that the stack has, or take the template's default.
    Raises SetupError with the reason of the first resource that failed and what to do next.
    """
    changed = apply(clients, stack_name, template_body(), parameters or {})
    return find_stack(clients, stack_name, changed=changed)


def apply(clients: Clients, stack_name: str, body: str, parameters: Mapping[str, str]) -> bool:
    """Creates a stack of any template, or updates it, and waits until it stands; whether anything changed."""
    given = dict(parameters)
    check_answers(_endpoint(clients))
    with at_setup(f"deploying stack {stack_name} at {_endpoint(clients)}", REACH_HINT):
        existing = describe(clients, stack_name)
        if existing is None:
            clients.cloudformation.create_stack(
                StackName=stack_name,
                TemplateBody=body,
                Parameters=parameter_list(given, kept=()),
                Capabilities=CAPABILITIES,
            )
            changed = True
        else:
            check_settled(clients, stack_name, existing)
            changed = _update(clients, stack_name, body, given, existing)
        if changed:
            wait(clients, stack_name)
    return changed


def find_stack(clients: Clients, stack_name: str, changed: bool = False) -> Stack:
    """The stack of that name, from its outputs. Raises SetupError where there is none, or it is not ours."""
    check_answers(_endpoint(clients))
    with at_setup(f"looking for stack {stack_name} at {_endpoint(clients)}", REACH_HINT):
        found = describe(clients, stack_name)
    if found is None:
        check_region(clients, stack_name)
        raise SetupError(
            f"no stack {stack_name} in region {_region(clients)} at {_endpoint(clients)}: "
            "run `ticketmill up`, or set TICKETMILL_STACK to the name of yours, "
            "or AWS_DEFAULT_REGION to its region"
        )
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
    try:
        return Stack(
            raw_bucket=outputs["RawBucket"],
            enriched_bucket=outputs["EnrichedBucket"],
            queue_url=outputs["QueueUrl"],
            dead_letter_queue_url=outputs["DeadLetterQueueUrl"],
            table=outputs["TableName"],
            learning_table=outputs.get("LearningTableName"),
            changed=changed,
            routing_queue_url=outputs.get("RoutingQueueUrl"),
            routing_dead_letter_queue_url=outputs.get("RoutingDeadLetterQueueUrl"),
        )
    except KeyError as missing:
        raise SetupError(
            f"stack {stack_name} ({found['StackStatus']}) has no output {missing}: "
            "run `ticketmill up`, or set TICKETMILL_STACK to the name of yours"
        ) from None


def _endpoint(clients: Clients) -> str:
    return clients.cloudformation.meta.endpoint_url


def _region(clients: Clients) -> str:
    return clients.cloudformation.meta.region_name


def describe(clients: Clients, stack_name: str) -> StackTypeDef | None:
    """The stack of that name as CloudFormation tells it; None where there is none.

    Raises SetupError where what answers is not CloudFormation.
    """
    try:
        answer = clients.cloudformation.describe_stacks(StackName=stack_name)
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise _not_aws(clients) or error from None
    except (BotoCoreError, ResponseParserError, KeyError) as error:  # what a foreign answer makes of the SDK
        raise _not_aws(clients) or error from None
    if "Stacks" not in answer:
        raise _not_aws(clients) or SetupError(f"{_endpoint(clients)} gave an answer without stacks")
    return answer["Stacks"][0] if answer["Stacks"] else None


def _not_aws(clients: Clients) -> SetupError | None:
    """The error for an endpoint of the user's own at which something else answers."""
    endpoint_url = _endpoint(clients)
    is_own = is_loopback(split_endpoint(endpoint_url).hostname or "")
    if not is_own or ask(endpoint_url).who is not Answering.FOREIGN:
        return None
    return SetupError(
        f"{Answering.FOREIGN} at {endpoint_url}: stop it, or set AWS_ENDPOINT_URL to another port"
    )


def check_region(clients: Clients, stack_name: str) -> None:
    """SetupError where an emulator has the stack in another region alone: the region is wrong, not the stack.

    On AWS, where regions are far and many, nothing is asked.
    """
    endpoint_url, asked = _endpoint(clients), _region(clients)
    if not is_loopback(split_endpoint(endpoint_url).hostname or ""):
        return
    with at_setup(f"looking for stack {stack_name} at {endpoint_url}", REACH_HINT):
        if describe(clients, stack_name) is not None:
            return
        for region in clients.session.get_available_regions("cloudformation"):
            elsewhere = replace(clients, region=region)
            try:
                found = describe(elsewhere, stack_name)
            finally:
                elsewhere.cloudformation.close()
            if found is not None:
                raise SetupError(
                    f"stack {stack_name} is in region {region}, and the region in use is {asked}: "
                    f"export AWS_DEFAULT_REGION={region} AWS_REGION={region}, "
                    "or set TICKETMILL_STACK to another name"
                )


def check_settled(clients: Clients, stack_name: str, existing: StackTypeDef, again: str = _AGAIN) -> None:
    """Raises SetupError where a stack can be neither used nor updated; `again` is what to do in the end."""
    status = existing["StackStatus"]
    if status in _SETTLED:
        return
    if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        raise SetupError(f"stack {stack_name} is being changed ({status}): try again in a minute")
    # a stack that once stood is brought back, not deleted
    way_out = (_ROLL_BACK_HINT if status.startswith("UPDATE_") else _DELETE_HINT).format(stack_name)
    raise SetupError(
        f"stack {stack_name} failed before ({status}){_first_failure(clients, stack_name)}; "
        f"{way_out} and {again}"
    )


def _update(
    clients: Clients, stack_name: str, body: str, given: Mapping[str, str], existing: StackTypeDef
) -> bool:
    """Starts an update; False where there is nothing to update."""
    template = clients.cloudformation.validate_template(TemplateBody=body)
    known = {parameter["ParameterKey"] for parameter in template["Parameters"]}
    held = {parameter["ParameterKey"] for parameter in existing.get("Parameters", [])}
    try:
        clients.cloudformation.update_stack(
            StackName=stack_name,
            TemplateBody=body,
            Parameters=parameter_list(given, kept=known & held),
            Capabilities=CAPABILITIES,
        )
    except ClientError as error:
        if _NOTHING_TO_UPDATE in str(error):
            return False
        raise
    return True


def parameter_list(given: Mapping[str, str], kept: Collection[str]) -> list[ParameterTypeDef]:
    """`given` as CloudFormation takes it; those of `kept` that are not given keep their value."""
    new: list[ParameterTypeDef] = [
        {"ParameterKey": name, "ParameterValue": value} for name, value in given.items()
    ]
    old: list[ParameterTypeDef] = [
        {"ParameterKey": name, "UsePreviousValue": True} for name in sorted(kept) if name not in given
    ]
    return new + old


def wait(clients: Clients, stack_name: str, timeout_s: float = DEPLOY_TIMEOUT_S, again: str = _AGAIN) -> None:
    """Waits until the stack stands. Raises SetupError with the reason of the resource that failed first."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = describe(clients, stack_name)
        status = found["StackStatus"] if found else "DELETED"
        if status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            return
        if not status.endswith("_IN_PROGRESS") or "ROLLBACK" in status:
            raise SetupError(
                f"stack {stack_name} was not deployed ({status}){_first_failure(clients, stack_name)}; "
                f"fix that, {_DELETE_HINT.format(stack_name)} if it never stood, "
                f"and {again}"
            )
        time.sleep(POLL_S)
    raise SetupError(
        f"stack {stack_name} was not deployed within {timeout_s:g} s: look at its events "
        f"(aws cloudformation describe-stack-events --stack-name {stack_name})"
    )


def _first_failure(clients: Clients, stack_name: str) -> str:
    """The resource that failed first in the last operation and its reason, ready to follow a status."""
    first = ""
    pages = clients.cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_name)
    for event in (event for page in pages for event in page["StackEvents"]):  # the newest comes first
        status, resource = event.get("ResourceStatus", ""), event.get("LogicalResourceId", "")
        if resource == stack_name:
            if status in {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"}:  # the operation's own start
                break
        elif status.endswith("_FAILED"):
            first = f": {resource}: {event.get('ResourceStatusReason', 'no reason given')}"
    return first or refusals(clients, StackName=stack_name)


def refusals(clients: Clients, **operation: Any) -> str:
    """What CloudFormation's checks of its own found before it began, ready to follow a status.

    `operation` names the stack or the change set, as describe_events takes it. Empty where there are no such
    checks.
    """
    try:
        events = clients.cloudformation.describe_events(**operation)["OperationEvents"]
    except ClientError:
        return ""
    reasons = [
        f"{event.get('LogicalResourceId', 'the template')}: {event.get('ValidationStatusReason', '')}"
        for event in events
        if event.get("EventType") == "VALIDATION_ERROR"
    ]
    return f": {' '.join(reasons)}" if reasons else ""
