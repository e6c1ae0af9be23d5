"""Events of surges to an EventBridge bus and an SNS topic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ticketmill.aws.event_bus import put_event, to_sns
from ticketmill.domain.surge import SurgeEvent


@dataclass(frozen=True, slots=True)
class SurgeBus:
    """Puts events on one bus: source `ticketmill`, the detail is the event."""

    bus: str
    events: Any
    """The client of the bus's service."""

    def send(self, event: SurgeEvent) -> None:
        """Raises TransientFailure where the bus does not take it."""
        put_event(self.events, self.bus, str(event.type), event.surge.changed_at, event)


@dataclass(frozen=True, slots=True)
class SurgeTopic:
    """Publishes events to one topic. Subscriptions can filter by the attributes."""

    topic: str
    sns: Any
    """The client of the topic's service."""

    def send(self, event: SurgeEvent) -> None:
        """Raises TransientFailure where the topic does not take it."""
        attributes = {"type": str(event.type), "idempotency_key": event.idempotency_key}
        with to_sns("publishing to the topic"):
            self.sns.publish(
                TopicArn=self.topic,
                Message=event.model_dump_json(exclude_none=True),
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
            )
