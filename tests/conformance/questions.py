"""What is asked of every place; each question is a function from a place to a short answer.

A place that refuses a call answers with the code of its refusal.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from places import NotAsked, Place
from ways import Way, by_eventbridge, by_sns, by_sns_raw, make_queue, straight

KEY = "tickets/a b+ü/c.json"
LONG_KEY = "a" * 1025

_BUCKET_WITH_NOTIFICATION = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Resources": {
        "Queue": {"Type": "AWS::SQS::Queue"},
        "QueuePolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [{"Ref": "Queue"}],
                "PolicyDocument": {
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "s3.amazonaws.com"},
                            "Action": "sqs:SendMessage",
                            "Resource": {"Fn::GetAtt": ["Queue", "Arn"]},
                        }
                    ]
                },
            },
        },
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "DependsOn": "QueuePolicy",
            "Properties": {
                "BucketName": {"Ref": "AWS::StackName"},
                "NotificationConfiguration": {
                    "QueueConfigurations": [
                        {"Event": "s3:ObjectCreated:*", "Queue": {"Fn::GetAtt": ["Queue", "Arn"]}}
                    ]
                },
            },
        },
    },
}
DEPLOY_TIMEOUT_S = 30


def ask(place: Place, question: Callable[[Place], str]) -> str:
    """The answer, or why there is none."""
    try:
        return question(place)
    except NotAsked as service:
        return f"not asked: runs without {service}"
    except ClientError as error:
        return f"no: `{error.response['Error']['Code']}`"
    except (BotoCoreError, NotImplementedError) as error:
        return f"no: `{type(error).__name__}`"


def key_straight(place: Place) -> str:
    """How the key is spelled in an event that comes straight."""
    return _spelled(_record(straight(place))["s3"]["object"]["key"])


def key_by_eventbridge(place: Place) -> str:
    """How the key is spelled in an event of EventBridge."""
    return _spelled(json.loads(_first(by_eventbridge(place)))["detail"]["object"]["key"])


def sns_envelope(place: Place) -> str:
    """What SNS puts around an event, and that raw delivery puts nothing around it."""
    envelope, raw = json.loads(_first(by_sns(place))), json.loads(_first(by_sns_raw(place)))
    wrapped = envelope.get("Type") == "Notification" and "Records" in json.loads(envelope["Message"])
    return f"{'`Notification`' if wrapped else 'another'}, {'none' if 'Records' in raw else 'another'} if raw"


def events_of_one_upload(place: Place) -> str:
    """The kinds of events that EventBridge delivers for one upload."""
    way = by_eventbridge(place)
    bodies = way.announced(KEY)
    bodies += way.receive(1, wait_s=2)
    return ", ".join(f"`{json.loads(body)['detail-type']}`" for body in bodies)


def sequencer(place: Place) -> str:
    """What becomes of the sequencer when one key is uploaded three times."""
    events = [json.loads(body)["Records"][0] for body in straight(place).announced(KEY, KEY, KEY)]
    found = [event["s3"]["object"].get("sequencer") for event in events]
    if None in found:
        return "none"
    if len(set(found)) == 1:
        return f"always `{found[0]}`"
    width = max(map(len, found))
    padded = [each.ljust(width, "0") for each in found]
    return "grows" if padded == sorted(padded) else "changes without order"


def event_version(place: Place) -> str:
    """The version of the event's form."""
    return f"`{_record(straight(place))['eventVersion']}`"


def version_id(place: Place) -> str:
    """Whether the event names the version of an object in a versioned bucket."""
    return _yes("versionId" in _record(straight(place))["s3"]["object"])


def test_event(place: Place) -> str:
    """Whether a test event is sent when a notification is set."""
    return _yes(any("s3:TestEvent" in body for body in straight(place).receive(1)))


def notification_by_template(place: Place) -> str:
    """Whether CloudFormation sets a bucket's notification."""
    cloudformation, name = place.client("cloudformation"), f"asked-{uuid.uuid4().hex[:12]}"
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(_BUCKET_WITH_NOTIFICATION))
    deadline = time.monotonic() + DEPLOY_TIMEOUT_S
    status = "CREATE_IN_PROGRESS"
    while status == "CREATE_IN_PROGRESS" and time.monotonic() < deadline:
        time.sleep(0.1)
        status = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    if status != "CREATE_COMPLETE":
        return f"no: `{status}`"
    answer = place.client("s3").get_bucket_notification_configuration(Bucket=name)
    return _yes("QueueConfigurations" in answer)


def move_task(place: Place) -> str:
    """Whether SQS moves the messages of a dead-letter queue itself."""
    dead_letters_url, dead_letters_arn = make_queue(place)
    policy = json.dumps({"deadLetterTargetArn": dead_letters_arn, "maxReceiveCount": 1})
    make_queue(place, RedrivePolicy=policy)
    sqs = place.client("sqs")
    sqs.send_message(QueueUrl=dead_letters_url, MessageBody="{}")
    sqs.start_message_move_task(SourceArn=dead_letters_arn)
    return "yes"


def dead_letters(place: Place) -> str:
    """Whether a message goes to the dead-letter queue once it has been received too often."""
    dead_letters_url, dead_letters_arn = make_queue(place)
    policy = json.dumps({"deadLetterTargetArn": dead_letters_arn, "maxReceiveCount": 1})
    queue_url, _ = make_queue(place, RedrivePolicy=policy, VisibilityTimeout="0")
    sqs = place.client("sqs")
    sqs.send_message(QueueUrl=queue_url, MessageBody="{}")
    for _ in range(3):
        sqs.receive_message(QueueUrl=queue_url)
    return _yes(bool(sqs.receive_message(QueueUrl=dead_letters_url, WaitTimeSeconds=10).get("Messages")))


def queue_url(place: Place) -> str:
    """The URL that a queue is named by."""
    found, _ = make_queue(place)
    port = "" if place.endpoint_url is None else place.endpoint_url.rpartition(":")[2]
    account, name = found.split("/")[-2:]
    return f"`{found.replace(account, 'ACCOUNT').replace(name, 'NAME').replace(port or '::', 'PORT')}`"


def long_key(place: Place) -> str:
    """The answer to a key of 1,025 bytes, one more than a key can have."""
    return _refusal(straight(place), LONG_KEY)


def missing_key(place: Place) -> str:
    """The answer to a key that is not there."""
    return _refusal(straight(place), KEY)


def dots_in_a_key(place: Place) -> str:
    """Whether `tickets/../secret.json` is a name like any other, or a way to `secret.json`."""
    way = straight(place)
    way.drop("secret.json")
    try:
        way.s3.get_object(Bucket=way.bucket, Key="tickets/../secret.json")
    except ClientError:
        return "a name"
    return "a way to `secret.json`"


def item_that_stood(place: Place) -> str:
    """Whether DynamoDB gives the item that a condition failed on."""
    dynamodb, table = place.client("dynamodb"), f"asked-{uuid.uuid4().hex[:12]}"
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "ticket_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "ticket_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    item = {"ticket_id": {"S": "T"}}
    dynamodb.put_item(TableName=table, Item=item)
    try:
        dynamodb.put_item(
            TableName=table,
            Item=item,
            ConditionExpression="attribute_not_exists(ticket_id)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        return _yes(error.response.get("Item") == item)
    return "the condition did not fail"


def filtered_index(place: Place) -> str:
    """What an index gives that repeats one attribute, asked for a member of the set in it."""
    dynamodb, table = place.client("dynamodb"), f"asked-{uuid.uuid4().hex[:12]}"
    names = ("ticket_id", "shard", "position")
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "ticket_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_time",
                "KeySchema": [
                    {"AttributeName": "shard", "KeyType": "HASH"},
                    {"AttributeName": "position", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["facets"]},
            }
        ],
    )
    for number, facets in enumerate((["a=1", "b=2"], ["a=11"])):
        keys = {"ticket_id": f"T{number}", "shard": "7", "position": str(number), "subject": "not repeated"}
        item: dict[str, Any] = {name: {"S": value} for name, value in keys.items()}
        dynamodb.put_item(TableName=table, Item={**item, "facets": {"SS": facets}})
    items = dynamodb.query(
        TableName=table,
        IndexName="by_time",
        KeyConditionExpression="#shard = :shard",
        FilterExpression="contains(#facets, :facet)",
        ExpressionAttributeNames={"#shard": "shard", "#facets": "facets"},
        ExpressionAttributeValues={":shard": {"S": "7"}, ":facet": {"S": "a=1"}},
    )["Items"]
    return "; ".join(", ".join(f"`{name}`" for name in sorted(item)) for item in items)


def missing_index(place: Place) -> str:
    """The refusal of a query for an index that a table does not have."""
    dynamodb, table = place.client("dynamodb"), f"asked-{uuid.uuid4().hex[:12]}"
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "ticket_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "ticket_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    try:
        dynamodb.query(
            TableName=table,
            IndexName="by_time",
            KeyConditionExpression="shard = :shard",
            ExpressionAttributeValues={":shard": {"S": "7"}},
        )
    except ClientError as error:
        return f"`{error.response['Error']['Message'].partition(':')[0]}`"
    return "none"


QUESTIONS: dict[str, Callable[[Place], str]] = {
    f"key of `{KEY}` in the event, straight": key_straight,
    "the same through EventBridge": key_by_eventbridge,
    "events of one upload through EventBridge": events_of_one_upload,
    "envelope of SNS": sns_envelope,
    "`sequencer`, one key uploaded three times": sequencer,
    "`eventVersion`": event_version,
    "`versionId` in the event": version_id,
    "`s3:TestEvent` when a notification is set": test_event,
    "CloudFormation sets the bucket's notification": notification_by_template,
    "a message received too often becomes a dead letter": dead_letters,
    "`StartMessageMoveTask`": move_task,
    "URL of a queue": queue_url,
    "get of a key that is not there": missing_key,
    "get of a key of 1,025 bytes": long_key,
    "`tickets/../secret.json` is": dots_in_a_key,
    "the item that a condition failed on": item_that_stood,
    "attributes of an index that repeats `facets`, filtered by a member": filtered_index,
    "query of an index that is not there": missing_index,
}


def _first(way: Way) -> str:
    bodies = way.announced(KEY)
    if not bodies:
        raise NotImplementedError("no event came")
    return bodies[0]


def _record(way: Way) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(_first(way))["Records"][0]
    return record


def _spelled(key: str) -> str:
    return f"`{key}`"


def _refusal(way: Way, key: str) -> str:
    try:
        way.s3.get_object(Bucket=way.bucket, Key=key)
    except ClientError as error:
        return f"`{error.response['Error']['Code']}`"
    return "an object"


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"
