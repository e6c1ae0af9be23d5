"""The notification from the raw bucket to the queue: whether the event of an upload really comes."""

from __future__ import annotations

import time
import uuid

from ticketmill.aws.clients import Clients, at_setup
from ticketmill.aws.events import decode
from ticketmill.aws.sqs import SqsQueue
from ticketmill.deploy.stack import REACH_HINT, Stack
from ticketmill.domain.errors import SetupError
from ticketmill.domain.keys import PROBE_PREFIX, TICKET_SUFFIX
from ticketmill.domain.message import Ignored, Message

PROBE_EVERY_S = 5  # on AWS a new notification may miss the first uploads


def wait_for_events(clients: Clients, stack: Stack, timeout_s: float) -> None:
    """Drops a probe into the raw bucket and waits until its event really is in the queue; then clears both.

    Other messages met meanwhile are held until the end and then released: to receive one again and again
    would count toward the dead-letter queue. Raises SetupError where no event comes within `timeout_s`.
    """
    queue = SqsQueue(clients.sqs, stack.queue_url)
    key = f"{PROBE_PREFIX}{uuid.uuid4().hex}{TICKET_SUFFIX}"
    others: list[Message] = []
    deadline = time.monotonic() + timeout_s
    with at_setup("probing the way from bucket to queue", REACH_HINT):
        try:
            while (left_s := deadline - time.monotonic()) > 0:
                clients.s3.put_object(Bucket=stack.raw_bucket, Key=key, Body=b"{}")
                if _probe_arrived(queue, stack.raw_bucket, key, others, min(left_s, PROBE_EVERY_S)):
                    return
        finally:
            _remove_versions(clients, stack.raw_bucket, key)
            queue.release(others, delay_s=0)
    raise SetupError(
        f"no event of an upload to {stack.raw_bucket} came to {stack.queue_url} within {timeout_s:g} s: "
        "a running worker may have taken it, or the bucket's notification is missing"
    )


def _probe_arrived(queue: SqsQueue, raw_bucket: str, key: str, others: list[Message], wait_s: float) -> bool:
    """Whether the probe's event comes within `wait_s`; it is deleted, what else comes goes to `others`."""
    deadline = time.monotonic() + wait_s
    while (left_s := deadline - time.monotonic()) > 0:
        received = queue.receive(max_messages=10, wait_s=left_s)
        ours = [message for message in received if _announces(message, raw_bucket, key)]
        others += [message for message in received if message not in ours]
        if ours:
            queue.acknowledge(ours)
            return True
    return False


def _announces(message: Message, raw_bucket: str, key: str) -> bool:
    try:
        announcement = decode(message.body, raw_bucket)
    except ValueError:  # somebody else's message: the worker will judge it
        return False
    return isinstance(announcement, Ignored) and key in announcement.keys


def _remove_versions(clients: Clients, bucket: str, key: str) -> None:
    for page in clients.s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key):
        for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            clients.s3.delete_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])
