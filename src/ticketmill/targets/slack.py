"""Incoming webhooks of Slack, and of whatever takes its form, as Mattermost does."""

from __future__ import annotations

from dataclasses import dataclass

from ticketmill.domain.event import EventLabel, TicketEvent
from ticketmill.domain.event_text import filled
from ticketmill.domain.routing_rule import SlackTarget
from ticketmill.targets.http import IDEMPOTENCY_HEADER, HttpClient
from ticketmill.targets.secrets import Secrets, secret_of


@dataclass(frozen=True, slots=True)
class Slack:
    """Posts one message an event."""

    config: SlackTarget
    http: HttpClient
    secrets: Secrets

    def send(self, event: TicketEvent) -> str:
        """See operations.delivery.Target."""
        url = secret_of(self.secrets, self.config.url_env)
        headers = {IDEMPOTENCY_HEADER: event.idempotency_key}
        answer = self.http.request("POST", url, headers, {"text": message(self.config.text, event)})
        return f"posted to Slack, status {answer.status}"


def message(text: str, event: TicketEvent) -> str:
    """The text of the message. What the ticket says cannot mention anybody or hide a link."""
    return filled(text, _escaped(event))


def _escaped(event: TicketEvent) -> TicketEvent:
    """The event with the three characters that begin Slack's markup for links and mentions escaped."""
    labels = {
        name: EventLabel(labels=tuple(map(_escape, each.labels))) for name, each in event.labels.items()
    }
    changes = {
        "subject": _escape(event.subject),
        "summary": _escape(event.summary or ""),
        "customer_id": _escape(event.customer_id or ""),
        "labels": labels,
    }
    return event.model_copy(update=changes)


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
