"""The ways from a bucket to a queue: straight, through SNS and through EventBridge."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from places import REGION, Place

WAIT_S = 15


@dataclass(frozen=True)
class Way:
    """A bucket whose uploads are announced on a queue."""

    s3: Any
    sqs: Any
    bucket: str
    queue_url: str

    def drop(self, key: str, body: bytes = b"{}") -> None:
        """Uploads an object."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def receive(self, messages: int, wait_s: float = WAIT_S) -> list[str]:
        """The bodies of so many messages; fewer where no more come within `wait_s`."""
        bodies: list[str] = []
        deadline = time.monotonic() + wait_s
        while len(bodies) < messages and time.monotonic() < deadline:
            answer = self.sqs.receive_message(
                QueueUrl=self.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1
            )
            for message in answer.get("Messages", []):
                bodies.append(message["Body"])
                self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def announced(self, *keys: str) -> list[str]:
        """The bodies that announce uploads of `keys`, in turn; test events are passed over."""
        bodies = []
        for key in keys:
            self.drop(key)
            deadline = time.monotonic() + WAIT_S
            found: list[str] = []
            while not found and time.monotonic() < deadline:
                found = [body for body in self.receive(1) if "s3:TestEvent" not in body]
            bodies += found
        return bodies


def straight(place: Place, bucket: str | None = None) -> Way:
    """S3 → SQS."""
    way, queue_arn = _bucket_and_queue(place, bucket)
    _notify(way, QueueConfigurations=[{"QueueArn": queue_arn, "Events": ["s3:ObjectCreated:*"]}])
    return way


def by_sns(place: Place, bucket: str | None = None) -> Way:
    """S3 → SNS → SQS, in SNS's envelope."""
    return _by_sns(place, bucket, raw=False)


def by_sns_raw(place: Place, bucket: str | None = None) -> Way:
    """S3 → SNS → SQS, by raw message delivery."""
    return _by_sns(place, bucket, raw=True)


def by_eventbridge(place: Place, bucket: str | None = None) -> Way:
    """S3 → EventBridge → SQS."""
    way, queue_arn = _bucket_and_queue(place, bucket)
    events = place.client("events")
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [way.bucket]}}}
    events.put_rule(Name=way.bucket, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=way.bucket, Targets=[{"Id": "queue", "Arn": queue_arn}])
    _notify(way, EventBridgeConfiguration={})
    return way


WAYS: dict[str, Callable[[Place, str | None], Way]] = {
    "s3": straight,
    "s3-via-sns": by_sns,
    "s3-via-sns-raw": by_sns_raw,
    "eventbridge": by_eventbridge,
}


def make_queue(place: Place, **attributes: str) -> tuple[str, str]:
    """A queue's URL and ARN."""
    sqs = place.client("sqs")
    queue_url = sqs.create_queue(QueueName=f"asked-{uuid.uuid4().hex[:12]}", Attributes=attributes)[
        "QueueUrl"
    ]
    answer = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    return queue_url, answer["Attributes"]["QueueArn"]


def _by_sns(place: Place, bucket: str | None, *, raw: bool) -> Way:
    way, queue_arn = _bucket_and_queue(place, bucket)
    sns = place.client("sns")
    topic_arn = sns.create_topic(Name=way.bucket)["TopicArn"]
    sns.subscribe(
        TopicArn=topic_arn,
        Protocol="sqs",
        Endpoint=queue_arn,
        Attributes={"RawMessageDelivery": str(raw).lower()},
    )
    _notify(way, TopicConfigurations=[{"TopicArn": topic_arn, "Events": ["s3:ObjectCreated:*"]}])
    return way


def _bucket_and_queue(place: Place, bucket: str | None) -> tuple[Way, str]:
    s3, bucket = place.client("s3"), bucket or f"asked-{uuid.uuid4().hex[:12]}"
    assert REGION == "us-east-1", "another region wants a location constraint"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    queue_url, queue_arn = make_queue(place)
    return Way(s3, place.client("sqs"), bucket, queue_url), queue_arn


def _notify(way: Way, **configuration: Any) -> None:
    way.s3.put_bucket_notification_configuration(Bucket=way.bucket, NotificationConfiguration=configuration)
