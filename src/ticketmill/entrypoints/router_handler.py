"""The Lambda function that routes: the table's stream becomes messages, and the messages are delivered.

Both event sources must have the response type ReportBatchItemFailures.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from ticketmill.domain.change import Change
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import Message
from ticketmill.operations.delivery import DeliveryOutcome

log = logging.getLogger(__name__)

Record = Mapping[str, Any]
Failures = dict[str, list[dict[str, str]]]


class RouterFunction:
    """What one invocation does, by where its records come from."""

    def __init__(
        self,
        send: Callable[[Sequence[Change]], int],
        deliver: Callable[[Sequence[Message]], list[DeliveryOutcome]],
    ) -> None:
        self._send = send
        self._deliver = deliver

    def invoke(self, records: Sequence[Record]) -> Failures:
        """The records that must come again."""
        if records and records[0].get("eventSource") == "aws:dynamodb":
            return _failures(self._route(records))
        outcomes = self._deliver([_message(each) for each in records])
        return _failures(each.message.message_id for each in outcomes if each.delay_s is not None)

    def _route(self, records: Sequence[Record]) -> list[str]:
        """The first record from which on Lambda must hand them over again; none where all were sent."""
        from ticketmill.aws.change_stream import change_in

        changes = [found.change for each in records if (found := change_in(each)) is not None]
        try:
            self._send(changes)
        except TransientFailure as failure:
            log.warning("%s; all %d records come again", failure, len(records))
            return [records[0]["dynamodb"]["SequenceNumber"]]
        return []


def _failures(identifiers: Any) -> Failures:
    return {"batchItemFailures": [{"itemIdentifier": each} for each in identifiers]}


def _message(record: Record) -> Message:
    attributes = record["attributes"]
    return Message(
        message_id=record["messageId"],
        body=record["body"],
        receipt=record["receiptHandle"],
        receive_count=int(attributes["ApproximateReceiveCount"]),
        sent_at=datetime.fromtimestamp(int(attributes["SentTimestamp"]) / 1000, UTC),
    )


@cache
def function() -> RouterFunction:
    """Made once in each environment. SetupError where something is missing, at every invocation."""
    from ticketmill import bootstrap
    from ticketmill.settings import load_settings
    from ticketmill.telemetry.json_logs import log_as_json

    log_as_json()
    routing = bootstrap.connect_routing(load_settings())
    return RouterFunction(routing.sender.send, routing.deliverer.process)


def handler(event: Mapping[str, Any], _context: object) -> Failures:
    """What Lambda calls with records of the stream or messages of the queue."""
    return function().invoke(event["Records"])
