"""Tricks on messages and batches: what the services may do by contract and hardly ever do in a test."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from faults import Faults
from wire import Answer, Request

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

DUPLICATED, POSTPONED, EXPIRED = 0.08, 0.08, 0.06  # of the messages received
UNDELETED = 0.1  # of the batches deleted: an entry of theirs
UNREAD = 0.15  # of the batches read: a row of theirs


class Tricks:
    """Played on requests and answers as they pass; `sqs` reaches the queue behind the workers' backs."""

    def __init__(self, faults: Faults, sqs: SQSClient, queue_url: str) -> None:
        self._faults = faults
        self._sqs = sqs
        self._queue_url = queue_url

    def on_request(self, request: Request) -> Request:
        """A batch of deletions loses an entry on its way."""
        if request.operation != "sqs.DeleteMessageBatch":
            return request
        document = json.loads(request.body)
        if len(document["Entries"]) < 2 or not self._faults.happens("entry not deleted", UNDELETED):
            return request
        entries = document["Entries"][1:]
        return request.with_body(json.dumps({**document, "Entries": entries}).encode())

    def on_answer(self, request: Request, answer: Answer) -> Answer:
        """Messages are doubled, postponed, shuffled and expired; batches come back incomplete."""
        play = {
            "sqs.ReceiveMessage": self._received,
            "sqs.DeleteMessageBatch": self._deleted,
            "dynamodb.BatchGetItem": self._read,
        }.get(request.operation)
        if play is None or answer.status != 200:
            return answer
        document = json.loads(answer.body)
        return answer.with_body(json.dumps(play(request, document)).encode())

    def _received(self, _: Request, document: dict[str, Any]) -> dict[str, Any]:
        kept = [message for message in document.get("Messages", []) if not self._postponed(message)]
        for message in kept:
            if self._faults.happens("message duplicated", DUPLICATED):
                self._send(message["Body"], self._faults.between(0, 6))
            if self._faults.happens("receipt expired", EXPIRED):
                self._expire(message["ReceiptHandle"])
        self._faults.shuffle(kept)
        self._faults.received += len(kept)
        return {"Messages": kept} if kept else {}

    def _postponed(self, message: dict[str, Any]) -> bool:
        """Sent anew for later and gone from here: an event that is late, and that others overtake."""
        if not self._faults.happens("message postponed", POSTPONED):
            return False
        self._send(message["Body"], self._faults.between(1, 8))
        with suppress(ClientError):  # expired and received by another meanwhile: then it comes twice
            self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])
        return True

    def _expire(self, receipt: str) -> None:
        with suppress(ClientError):  # expired by itself, and received by another
            self._sqs.change_message_visibility(
                QueueUrl=self._queue_url, ReceiptHandle=receipt, VisibilityTimeout=0
            )

    def _send(self, body: str, delay_s: int) -> None:
        self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=body, DelaySeconds=delay_s)

    def _deleted(self, request: Request, document: dict[str, Any]) -> dict[str, Any]:
        """Entries that were held back are reported as failed."""
        told = {entry["Id"] for name in ("Successful", "Failed") for entry in document.get(name, [])}
        asked = [entry["Id"] for entry in json.loads(request.body)["Entries"]]
        held_back = [
            {"Id": each, "Code": "InternalError", "SenderFault": False} for each in asked if each not in told
        ]
        return {**document, "Failed": [*document.get("Failed", []), *held_back]}

    def _read(self, request: Request, document: dict[str, Any]) -> dict[str, Any]:
        """One row is left unread, to be asked for again."""
        ((table, items),) = document["Responses"].items() or [("", [])]
        if not items or not self._faults.happens("row left unread", UNREAD):
            return document
        asked = json.loads(request.body)["RequestItems"][table]
        unread = {table: {**asked, "Keys": [{"ticket_id": items[0]["ticket_id"]}]}}
        return {**document, "Responses": {table: items[1:]}, "UnprocessedKeys": unread}
