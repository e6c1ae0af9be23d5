"""Changes, rules and events for the tests of routing."""

from __future__ import annotations

from typing import Any

from fakes import NOW
from rows_contract import row

from ticketmill.domain.change import Change
from ticketmill.domain.effective_row import effective
from ticketmill.domain.event import TicketEvent
from ticketmill.domain.label import CorrectionKind, PersonLabel
from ticketmill.domain.labels import Urgency
from ticketmill.domain.message import Message
from ticketmill.domain.routing_rule import Rule, Rules
from ticketmill.operations.routing import event_of

SEND = {"to": "slack", "url_env": "SLACK_URL"}


def rule(rule_id: str = "r", send: dict[str, Any] | None = None, **fields: Any) -> Rule:
    return Rule.model_validate({"id": rule_id, "send": send or SEND, **fields})


def rules(*of: Rule) -> Rules:
    return Rules(rules=of)


def person_says(urgency: str) -> dict[str, PersonLabel]:
    label = PersonLabel(
        number=1, kind=CorrectionKind.LABEL, labels=(urgency,), who="ann", at=NOW, content_hash="ab"
    )
    return {"urgency": label}


def change(
    before: dict[str, Any] | None = None, ticket_id: str = "zendesk-42", revision: int = 7, **after: Any
) -> Change:
    """A change to a row with the fields `after`, from one with the fields `before`."""
    now = {"urgency": Urgency.CRITICAL, "intent": "bug_report", "summary": "The site is down.", **after}
    return Change(
        None if before is None else effective(row(ticket_id, **{**now, **before})),
        effective(row(ticket_id, revision=revision, **now)),
    )


def event(of: Rule | None = None, **fields: Any) -> TicketEvent:
    return event_of(of or rule(), change(**fields))


def message(body: str, receive_count: int = 1, message_id: str = "m1") -> Message:
    return Message(message_id, body, f"receipt-{message_id}", receive_count, NOW)
