"""What a call asks of AWS, and whether a policy allows it: actions, ARNs and leading keys of tables."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

# the action behind an operation, where it is called otherwise
ACTIONS = {
    "HeadObject": "GetObject",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "SendMessageBatch": "SendMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
}
# asked for by no operation: S3 answers 403 instead of 404 without it, for a ticket that is not there; and a
# worker of the version before puts rows
SILENT = {"s3:ListBucket", "dynamodb:PutItem"}
PARTITIONS = ("pk", "ticket_id")
"""The partition keys of the learning table and of the table of rows."""

STREAM = "the table's stream"


class Right(NamedTuple):
    """What is done to which ARN; of a table, to which partition. In a policy both are patterns."""

    action: str
    resource: str
    leading_key: str


class Call(NamedTuple):
    """A call as recorded.py writes it down."""

    service: str
    operation: str
    given: Mapping[str, Any]


def rights(call: Call, arns: Mapping[str, str]) -> Iterator[Right]:
    """What a call needs. `arns` has those of tables, of the stack and of the stream, by name."""
    service, operation, given = call
    action = f"{service}:{ACTIONS.get(operation, operation)}"
    if service == "s3":
        yield from _of_objects(operation, action, given)
    elif service == "dynamodbstreams":  # reads go by iterators, which name no stream
        yield Right(f"dynamodb:{operation}", arns[STREAM], "")
    elif service == "sqs":
        *_, account, name = given["QueueUrl"].split("/")
        yield Right(action, f"arn:aws:sqs:us-east-1:{account}:{name}", "")
    elif service == "cloudformation":
        # nothing but the name is known of a stack beside that of the test; a table may have it, too
        name = given["StackName"]
        beside = f"arn:aws:cloudformation:us-east-1:000000000000:stack/{name}/beside"
        known = arns.get(name, beside)
        yield Right(action, known if ":cloudformation:" in known else beside, "")
    elif "TransactItems" in given:
        # a transaction needs the right to each of its parts
        for part in given["TransactItems"]:
            ((operation, inner),) = part.items()
            yield Right(f"{service}:{operation}Item", arns[inner["TableName"]], _leading_key(inner))
    elif "RequestItems" in given:
        for table, wanted in given["RequestItems"].items():
            items = [{"Key": key} for key in wanted["Keys"]] if "Keys" in wanted else _puts(wanted)
            for item in items:
                yield Right(action, arns[table], _leading_key(item))
    else:
        index = f"/index/{given['IndexName']}" if "IndexName" in given else ""
        yield Right(action, arns[given["TableName"]] + index, _leading_key(given))


def _puts(written: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The items that a batch writes."""
    return [each["PutRequest"] for each in written]


def _of_objects(operation: str, action: str, given: Mapping[str, Any]) -> Iterator[Right]:
    """A version of an object is read and deleted by an action of its own."""
    bucket = f"arn:aws:s3:::{given['Bucket']}"
    if operation == "DeleteObjects":
        for each in given["Delete"]["Objects"]:
            version = "Version" if "VersionId" in each else ""
            yield Right(f"s3:DeleteObject{version}", f"{bucket}/{each['Key']}", "")
    else:
        version = "Version" if "VersionId" in given else ""
        yield Right(action + version, f"{bucket}/{given['Key']}" if "Key" in given else bucket, "")


def _leading_key(given: Mapping[str, Any]) -> str:
    """The partition that is read or written; "" of a scan, and where an index is asked."""
    named = given.get("Key") or given.get("Item") or {}
    values = [
        *(named.get(name) for name in PARTITIONS),
        given.get("ExpressionAttributeValues", {}).get(":pk"),
    ]
    return next((str(each["S"]) for each in values if each), "")


def allowed_by(document: Mapping[str, Any]) -> set[Right]:
    """The patterns of a policy; "*" for the leading keys where it has no condition on them."""
    return {
        Right(action, resource, leading_key)
        for statement in document["Statement"]
        for action in _list(statement["Action"])
        for resource in _list(statement["Resource"])
        for leading_key in _leading_keys(statement.get("Condition", {}))
    }


def _leading_keys(condition: Mapping[str, Any]) -> list[str]:
    found = [each["dynamodb:LeadingKeys"] for each in condition.values() if "dynamodb:LeadingKeys" in each]
    return _list(found[0]) if found else ["*"]


def _list(found: str | list[str]) -> list[str]:
    return [found] if isinstance(found, str) else found


def covered(right: Right, rules: Iterable[Right]) -> bool:
    """Whether one of the rules allows it. A condition on leading keys holds where a call has none."""
    return any(
        _is_about(rule, right)
        and (not right.leading_key or fnmatch.fnmatchcase(right.leading_key, rule.leading_key))
        for rule in rules
    )


def _is_about(rule: Right, right: Right) -> bool:
    return rule.action == right.action and fnmatch.fnmatchcase(right.resource, rule.resource)


def check(
    asked: set[Right], allowed: set[Right], beside: Iterable[Right] = (), seldom: tuple[str, ...] = ()
) -> None:
    """Fails where something was asked for that is not allowed, or allowed and never asked for.

    The holder has the policy `allowed`, and those `beside` it. What ends as one of `seldom` needs not be
    asked for.
    """
    beside = set(beside)
    denied = {right for right in asked if not covered(right, allowed | beside)}
    assert not denied, f"asked for, and not allowed: {denied}"
    unused = {rule for rule in allowed - beside if not any(_is_about(rule, right) for right in asked)}
    idle = {rule for rule in unused if rule.action not in SILENT and not rule.resource.endswith(seldom)}
    assert not idle, f"allowed, and never asked for: {idle}"
