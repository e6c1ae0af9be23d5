"""Deploying by change set: what would change is known before anything does."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import BotoCoreError, ClientError

from ticketmill.aws.clients import Clients
from ticketmill.deploy import stack as stacks
from ticketmill.deploy.endpoint import check_answers
from ticketmill.domain.errors import SetupError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import (
        DescribeChangeSetOutputTypeDef,
        ResourceChangeTypeDef,
        StackTypeDef,
    )

DEFAULT_TAGS = {"application": "ticketmill"}
PREPARE_TIMEOUT_S = 300
EXECUTE_TIMEOUT_S = 3600  # an ECS service that does not become steady is given up by its own circuit breaker
HOLDS_TICKETS = frozenset({"AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::SQS::Queue"})

_AGAIN = "deploy again"
_NAMED = re.compile(r'((?:Bucket|Table)Name): !Sub "([^"]*)"')
_KNOWN_NAME = re.compile(r"\$\{AWS::(StackName|AccountId|Region)\}")
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one resource: `replacement` is True, Conditional or False, and empty but for Modify."""

    action: str
    logical_id: str
    type: str
    replacement: str
    is_kept: bool
    """Whether the old resource outlives the change, by its own policy."""

    @property
    def loses_tickets(self) -> bool:
        """Whether a bucket, queue or table would be gone, or no longer the one that tickets are in."""
        removed = self.action == "Remove" and not self.is_kept
        return self.type in HOLDS_TICKETS and (removed or self.replacement == "True")


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """A prepared deployment; without changes there is nothing to execute, and nothing is left of it."""

    stack_name: str
    id: str
    kind: Literal["CREATE", "UPDATE"]
    changes: tuple[Change, ...]


def prepare(
    clients: Clients,
    stack_name: str,
    body: str,
    given: Mapping[str, str],
    tags: Mapping[str, str],
    adopt: bool = False,
    poll_s: float = stacks.POLL_S,
) -> ChangeSet:
    """Asks CloudFormation what deploying the template `body` would change, and changes nothing.

    Parameters and tags that are not given keep the value that the stack has. With `adopt`, buckets and table
    that an earlier stack of this name left become this one's. The answer is to be executed or discarded.
    Raises SetupError where the stack or the request is not fit for it.
    """
    check_answers(clients.cloudformation.meta.endpoint_url)
    with _told(f"preparing the deployment of stack {stack_name}"):
        existing = stacks.describe(clients, stack_name)
        if existing is not None and existing["StackStatus"] == "REVIEW_IN_PROGRESS":
            existing = None  # an earlier change set was never executed: there is no stack yet
        if existing is not None:
            stacks.check_settled(clients, stack_name, existing, _AGAIN)
        kept = _kept_parameters(clients, body, given, existing)
        held = {tag["Key"]: tag["Value"] for tag in existing.get("Tags", [])} if existing else {}
        kind: Literal["CREATE", "UPDATE"] = "UPDATE" if existing else "CREATE"
        answer = clients.cloudformation.create_change_set(
            StackName=stack_name,
            ChangeSetName=f"ticketmill-{uuid.uuid4().hex}",
            ChangeSetType=kind,
            TemplateBody=_with_literal_names(clients, stack_name, body) if adopt else body,
            Parameters=stacks.parameter_list(given, kept),
            Tags=[{"Key": key, "Value": value} for key, value in {**DEFAULT_TAGS, **held, **tags}.items()],
            Capabilities=stacks.CAPABILITIES,
            ImportExistingResources=adopt,
        )
        empty = ChangeSet(stack_name, answer["Id"], kind, ())
        try:
            changes = _changes(clients, empty, poll_s)
        except BaseException:
            discard(clients, empty)
            raise
    if not changes:
        discard(clients, empty)
    return ChangeSet(stack_name, answer["Id"], kind, changes)


def discard(clients: Clients, change_set: ChangeSet) -> None:
    """Deletes what was prepared, and with a first deployment the empty stack that was made to hold it."""
    with _told(f"discarding the change set of stack {change_set.stack_name}"):
        clients.cloudformation.delete_change_set(ChangeSetName=change_set.id)
        if change_set.kind == "UPDATE":
            return
        left = stacks.describe(clients, change_set.stack_name)
        if left is not None and left["StackStatus"] == "REVIEW_IN_PROGRESS":
            clients.cloudformation.delete_stack(StackName=change_set.stack_name)


def execute(clients: Clients, change_set: ChangeSet) -> dict[str, str]:
    """Carries the changes out and waits until the stack stands; its outputs.

    Raises SetupError with the reason of the first resource that failed.
    """
    with _told(f"deploying stack {change_set.stack_name}"):
        clients.cloudformation.execute_change_set(ChangeSetName=change_set.id)
        stacks.wait(clients, change_set.stack_name, EXECUTE_TIMEOUT_S, _AGAIN)
    return outputs(clients, change_set.stack_name)


def outputs(clients: Clients, stack_name: str) -> dict[str, str]:
    """The stack's outputs, none where it has none."""
    with _told(f"looking for stack {stack_name}"):
        found = stacks.describe(clients, stack_name)
    return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])} if found else {}


def _kept_parameters(
    clients: Clients, body: str, given: Mapping[str, str], existing: StackTypeDef | None
) -> set[str]:
    """The parameters that keep their value. Raises SetupError where the template has not one of `given`."""
    template = clients.cloudformation.validate_template(TemplateBody=body)
    known = {parameter["ParameterKey"] for parameter in template.get("Parameters", [])}
    if unknown := given.keys() - known:
        raise SetupError(
            f"the template has no parameter {', '.join(sorted(unknown))}; it has {', '.join(sorted(known))}"
        )
    return known & {each["ParameterKey"] for each in existing.get("Parameters", [])} if existing else set()


def _with_literal_names(clients: Clients, stack_name: str, body: str) -> str:
    """The template with the names of buckets and table worked out: by others CloudFormation finds none.

    They come to the same name, so that a later deployment of the template as it is changes nothing.
    """
    known = {
        "${AWS::StackName}": stack_name,
        "${AWS::AccountId}": clients.sts.get_caller_identity()["Account"],
        "${AWS::Region}": clients.sts.meta.region_name,
    }

    def literal(found: re.Match[str]) -> str:
        return f"{found[1]}: {_KNOWN_NAME.sub(lambda name: known[name[0]], found[2])}"

    return _NAMED.sub(literal, body)


def _changes(clients: Clients, change_set: ChangeSet, poll_s: float) -> tuple[Change, ...]:
    """Waits until CloudFormation knows what would change."""
    deadline = time.monotonic() + PREPARE_TIMEOUT_S
    while time.monotonic() < deadline:
        found = clients.cloudformation.describe_change_set(ChangeSetName=change_set.id)
        if found["Status"] == "CREATE_COMPLETE":
            return _listed(clients, found)
        if found["Status"] == "FAILED":
            reason = found.get("StatusReason", "no reason given")
            if any(each in reason for each in _NO_CHANGES):
                return ()
            refused = stacks.refusals(clients, ChangeSetName=change_set.id)
            raise SetupError(f"stack {change_set.stack_name} cannot be deployed so: {reason}{refused}")
        time.sleep(poll_s)
    raise SetupError(f"CloudFormation prepared no change set within {PREPARE_TIMEOUT_S} s: {_AGAIN}")


def _listed(clients: Clients, first: DescribeChangeSetOutputTypeDef) -> tuple[Change, ...]:
    found, pages = first, [first]
    while token := found.get("NextToken"):
        found = clients.cloudformation.describe_change_set(
            ChangeSetName=first["ChangeSetId"], NextToken=token
        )
        pages.append(found)
    changes = [
        _change(each["ResourceChange"])
        for page in pages
        for each in page["Changes"]
        if "ResourceChange" in each  # else a hook
    ]
    return tuple(sorted(changes, key=lambda change: (change.action, change.logical_id)))


def _change(found: ResourceChangeTypeDef) -> Change:
    return Change(
        action=found["Action"],
        logical_id=found["LogicalResourceId"],
        type=found["ResourceType"],
        replacement=found.get("Replacement", ""),
        is_kept=found.get("PolicyAction") == "Retain",
    )


@contextmanager
def _told(doing: str) -> Iterator[None]:
    """Turns botocore's errors into SetupError in the service's own words, which name what it lacks."""
    try:
        yield
    except SetupError as error:
        if "already exists" in str(error):
            raise SetupError(f"{error}; --adopt takes in what an earlier stack left") from error
        raise
    except ClientError as error:
        raise SetupError(f"{doing}: {error.response['Error'].get('Message') or error}") from error
    except BotoCoreError as error:
        raise SetupError(f"{doing}: {error}; check AWS_ENDPOINT_URL, credentials and region") from error
