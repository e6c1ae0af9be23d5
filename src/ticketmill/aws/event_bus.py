"""Events to EventBridge buses and SNS topics."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from ticketmill.aws import clients
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.event import EVENT_SOURCE, TicketEvent
from ticketmill.domain.records import Record
from ticketmill.domain.routing_rule import EventBridgeTarget, SnsTarget

to_events = partial(clients.transient, dependency="events")
to_sns = partial(clients.transient, dependency="sns")


@dataclass(frozen=True, slots=True)
class EventBridge:
    """Puts events on one bus: source `ticketmill`, the detail is the event."""

    config: EventBridgeTarget
    events: Any
    """The client of the bus's service."""

    def send(self, event: TicketEvent) -> str:
        """See operations.delivery.Target."""
        put_event(self.events, self.config.bus, str(event.type), event.changed_at, event)
        return "put on the bus"


@dataclass(frozen=True, slots=True)
class SnsTopic:
    """Publishes events to one topic. Subscriptions can filter by the attributes."""

    config: SnsTarget
    sns: Any
    """The client of the topic's service."""

    def send(self, event: TicketEvent) -> str:
        """See operations.delivery.Target."""
        attributes = {"type": event.type, "rule": event.rule, "idempotency_key": event.idempotency_key}
        urgency = event.labels.get("urgency")
        if urgency and urgency.labels:
            attributes["urgency"] = urgency.labels[0]
        with to_sns("publishing to the topic"):
            self.sns.publish(
                TopicArn=self.config.topic,
                Message=event.model_dump_json(exclude_none=True),
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": str(value)}
                    for name, value in attributes.items()
                },
            )
        return "published to the topic"


def put_event(events: Any, bus: str, detail_type: str, at: datetime, detail: Record) -> None:
    """Puts one event on a bus; the detail is a record as JSON. TransientFailure where it is not taken."""
    entry = {
        "EventBusName": bus,
        "Source": EVENT_SOURCE,
        "DetailType": detail_type,
        "Time": at,
        "Detail": detail.model_dump_json(exclude_none=True),
    }
    with to_events("putting an event on the bus"):
        answer = events.put_events(Entries=[entry])
    if answer.get("FailedEntryCount"):
        code = str(answer["Entries"][0].get("ErrorCode", "unknown"))
        raise TransientFailure(f"putting an event on the bus: {code}", code)
