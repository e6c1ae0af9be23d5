"""A rule of ours for cfn-lint: no statement of a policy allows more than it names.

It reads the template as it is written, so that it sees both branches of an `!If`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from cfnlint.rules import CloudFormationLintRule, RuleMatch
from cfnlint.template import Template

# What AWS gives no resource to: its reference of actions lists none for them.
CANNOT_BE_SCOPED = frozenset({"ecr:GetAuthorizationToken"})

# everything of a service or of a kind: `*`, `arn:aws:s3:::*`, `arn:…:table/*`
_ALL_OF_A_KIND = re.compile(r"(^|:|[^:]:[a-z-]+/)\*$")
_WIDE_POLICY = re.compile(r"AdministratorAccess|PowerUserAccess|FullAccess")

Path = list[str | int]


class LeastPrivilege(CloudFormationLintRule):
    id = "E9001"
    shortdesc = "A policy allows only what it names"
    description = "No wildcard in an action, no resource that is everything, no policy of AWS that is"
    source_url = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege"
    tags: ClassVar = ["iam"]

    def match(self, cfn: Template) -> list[RuleMatch]:
        resources = cfn.template.get("Resources", {})
        return [RuleMatch(["Resources", *path], problem) for path, problem in _problems(resources, [])]


def _problems(node: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Where a statement allows too much, anywhere under `node`."""
    if isinstance(node, dict):
        if node.get("Effect") == "Allow":
            yield from _of_statement(node, path)
        for wide in filter(_WIDE_POLICY.search, _texts(node.get("ManagedPolicyArns", []))):
            yield [*path, "ManagedPolicyArns"], f"{wide} allows more than a part of ticketmill needs"
        for key, value in node.items():
            yield from _problems(value, [*path, key])
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _problems(value, [*path, index])


def _of_statement(statement: dict[str, Any], path: Path) -> Iterator[tuple[Path, str]]:
    actions = list(_texts(statement.get("Action", [])))
    for key in ("NotAction", "NotResource", "NotPrincipal"):
        if key in statement:
            yield [*path, key], f"{key} allows all that it does not name"
    for action in actions:
        if "*" in action:
            yield [*path, "Action"], f"the action {action} is more than one: name each"
    if not CANNOT_BE_SCOPED.issuperset(actions):
        for resource in filter(_ALL_OF_A_KIND.search, _texts(statement.get("Resource", []))):
            yield [*path, "Resource"], f"the resource {resource} is all there are: name which"
    if "*" in _texts(statement.get("Principal", [])):
        yield [*path, "Principal"], "anybody is allowed: name who"


def _texts(node: Any) -> Iterator[str]:
    """Every text under `node`, as in lists, in branches of an `!If` and in a `!Sub`."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for each in node:
            yield from _texts(each)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key not in ("Fn::GetAtt", "Ref"):
                yield from _texts(value)
