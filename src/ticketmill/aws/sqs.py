"""The queue of the upload events."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from ticketmill.aws import clients
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import SQS_MAX_BATCH, Extension, Message

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

transient = partial(clients.transient, dependency="sqs")

MAX_WAIT_S = 20

# What SQS calls a receipt that holds nothing any more: expired, replaced by a later receive, or deleted.
_NOT_OURS = frozenset(
    name
    for code in ("MessageNotInflight", "ReceiptHandleIsInvalid", "InvalidParameterValue")
    for name in (code, f"AWS.SimpleQueueService.{code}")
)
DELETE_ATTEMPTS = 3

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class QueueDepths:
    """How many messages wait, are in flight, and are delayed; SQS calls its counts approximate."""

    visible: int
    in_flight: int
    delayed: int

    @property
    def total(self) -> int:
        return self.visible + self.in_flight + self.delayed


class SqsQueue:
    """One queue. Every method raises TransientFailure where SQS fails, unless it says otherwise."""

    def __init__(self, sqs: SQSClient, queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    def receive(
        self, max_messages: int, wait_s: float, visibility_timeout_s: int | None = None
    ) -> list[Message]:
        """Up to `max_messages`, ten at the most; an empty queue is waited on for `wait_s`.

        Seconds are rounded up to whole ones and cut at the 20 that SQS allows. Others do not see the messages
        for `visibility_timeout_s`, or for the queue's own timeout where it is None.
        """
        visibility: Any = {} if visibility_timeout_s is None else {"VisibilityTimeout": visibility_timeout_s}
        with transient("receiving from SQS"):
            answer = self._sqs.receive_message(
                QueueUrl=self._queue_url,
                MaxNumberOfMessages=min(SQS_MAX_BATCH, max_messages),
                WaitTimeSeconds=min(MAX_WAIT_S, math.ceil(wait_s)),
                MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
                **visibility,
            )
        return [_message(found) for found in answer.get("Messages", [])]

    def acknowledge(self, messages: Sequence[Message]) -> set[str]:
        """Deletes `messages`; the message ids that SQS confirms as deleted.

        What SQS leaves undone is asked for again. A batch that fails as a whole is logged and confirms
        nothing: its messages are redelivered.
        """
        confirmed: set[str] = set()
        for start in range(0, len(messages), SQS_MAX_BATCH):
            left = messages[start : start + SQS_MAX_BATCH]
            try:
                for _ in range(DELETE_ATTEMPTS):
                    deleted, left = self._delete_batch(left)
                    confirmed |= deleted
                    if not left:
                        break
            except TransientFailure as failure:
                log.warning("%s; SQS will redeliver", failure)
        return confirmed

    def extend(self, messages: Sequence[Message], timeout_s: int) -> Extension:
        """Keeps up to SQS_MAX_BATCH `messages` from others for `timeout_s` from now."""
        return self._change_visibility(messages, timeout_s, f"extending {len(messages)} messages")

    def release(self, messages: Sequence[Message], delay_s: int) -> set[str]:
        """Makes `messages` visible again after `delay_s`; the message ids that SQS confirms.

        A batch that fails as a whole is logged and confirms nothing: its messages are visible again after
        their visibility timeout.
        """
        confirmed: set[str] = set()
        for start in range(0, len(messages), SQS_MAX_BATCH):
            batch = messages[start : start + SQS_MAX_BATCH]
            try:
                change = self._change_visibility(batch, delay_s, f"releasing {len(batch)} messages")
                confirmed |= change.confirmed
            except TransientFailure as failure:
                log.warning("%s; they are visible again after their visibility timeout", failure)
        return confirmed

    def is_empty(self) -> bool:
        """Whether nothing waits, is in flight or is delayed; AWS's counts lag by up to a minute."""
        return self.depths().total == 0

    def depths(self) -> QueueDepths:
        """The counts of the queue."""
        with transient("asking SQS for the depth of the queue"):
            counts = self._sqs.get_queue_attributes(
                QueueUrl=self._queue_url,
                AttributeNames=[
                    "ApproximateNumberOfMessages",
                    "ApproximateNumberOfMessagesNotVisible",
                    "ApproximateNumberOfMessagesDelayed",
                ],
            )["Attributes"]
        return QueueDepths(
            visible=int(counts["ApproximateNumberOfMessages"]),
            in_flight=int(counts["ApproximateNumberOfMessagesNotVisible"]),
            delayed=int(counts["ApproximateNumberOfMessagesDelayed"]),
        )

    def send(self, body: str) -> None:
        """Sends one message."""
        with transient("sending a message to SQS"):
            self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=body)

    def send_many(self, bodies: Sequence[str]) -> list[str | None]:
        """Sends `bodies`, ten a request; for each None, or why it was not sent. Never raises for SQS."""
        reasons: list[str | None] = []
        for start in range(0, len(bodies), SQS_MAX_BATCH):
            batch = bodies[start : start + SQS_MAX_BATCH]
            try:
                reasons += self._send_batch(batch)
            except TransientFailure as failure:
                reasons += [str(failure)] * len(batch)
        return reasons

    def _send_batch(self, bodies: Sequence[str]) -> list[str | None]:
        with transient(f"sending {len(bodies)} messages to SQS"):
            answer = self._sqs.send_message_batch(
                QueueUrl=self._queue_url,
                Entries=[{"Id": str(position), "MessageBody": body} for position, body in enumerate(bodies)],
            )
        reasons: list[str | None] = [None] * len(bodies)
        for entry in answer.get("Failed", []):
            reasons[int(entry["Id"])] = f"sending a message to SQS: {entry['Code']}"
        return reasons

    def _change_visibility(self, messages: Sequence[Message], timeout_s: int, doing: str) -> Extension:
        with transient(doing):
            answer = self._sqs.change_message_visibility_batch(
                QueueUrl=self._queue_url,
                Entries=[
                    {
                        "Id": str(position),
                        "ReceiptHandle": message.receipt,
                        "VisibilityTimeout": timeout_s,
                    }
                    for position, message in enumerate(messages)
                ],
            )
        # with every entry failed, or none, some answers lack the list
        confirmed = [entry["Id"] for entry in answer.get("Successful", [])]
        expired = [entry["Id"] for entry in answer.get("Failed", []) if entry["Code"] in _NOT_OURS]
        return Extension(
            confirmed=frozenset(messages[int(position)].message_id for position in confirmed),
            expired=frozenset(messages[int(position)].message_id for position in expired),
        )

    def _delete_batch(self, messages: Sequence[Message]) -> tuple[set[str], list[Message]]:
        """The ids that were deleted, and the messages worth another attempt."""
        with transient(f"acknowledging {len(messages)} messages"):
            answer = self._sqs.delete_message_batch(
                QueueUrl=self._queue_url,
                Entries=[
                    {"Id": str(position), "ReceiptHandle": message.receipt}
                    for position, message in enumerate(messages)
                ],
            )
        # with every entry failed, or none, some answers lack the list
        deleted = {messages[int(entry["Id"])].message_id for entry in answer.get("Successful", [])}
        failed = [entry for entry in answer.get("Failed", []) if not entry["SenderFault"]]
        return deleted, [messages[int(entry["Id"])] for entry in failed]


def _message(found: MessageTypeDef) -> Message:
    attributes = found["Attributes"]
    return Message(
        message_id=found["MessageId"],
        body=found["Body"],
        receipt=found["ReceiptHandle"],
        receive_count=int(attributes["ApproximateReceiveCount"]),
        sent_at=datetime.fromtimestamp(int(attributes["SentTimestamp"]) / 1000, UTC),
    )
