"""Tickets for the page, in memory: rows and full records that fit each other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from web_parts import WebWorld

from ticketmill.domain.enrichment import (
    EnrichedTicket,
    Enrichment,
    Evidence,
    IntentPrediction,
    Language,
    LatencyMs,
    SentimentPrediction,
    Summary,
    TopicPrediction,
    UrgencyPrediction,
)
from ticketmill.domain.keys import raw_key
from ticketmill.domain.labels import Intent, Sentiment, Source, Status, Urgency
from ticketmill.domain.row import TicketRow, enriched_row
from ticketmill.domain.ticket import Ticket
from ticketmill.entrypoints.web.parts import WebParts
from ticketmill.operations.corrections import CorrectableTask, Corrections
from ticketmill.operations.own_tasks import CorrectableTasks
from ticketmill.tasks.table import row_attributes

TOPICS = (
    *("billing", "refunds", "subscription", "login", "password", "two_factor", "mobile", "web", "api"),
    *("export", "import", "performance", "outage", "security", "privacy", "shipping"),
)
TASKS = {
    "intent": CorrectableTask("intent", tuple(Intent)),
    "urgency": CorrectableTask("urgency", tuple(Urgency)),
    "sentiment": CorrectableTask("sentiment", tuple(Sentiment)),
    "topics": CorrectableTask("topics", TOPICS, is_many=True),
}
FINGERPRINT = "f00d"


def _now() -> datetime:
    return datetime.now(UTC)


def scores_of(labels: Sequence[str], label: str, confidence: float) -> dict[str, float]:
    """The probability of `label`, the rest spread over the others."""
    rest = (1 - confidence) / max(len(labels) - 1, 1)
    return {str(each): confidence if each == label else rest for each in labels}


def enrichment_of(ticket: Ticket, at: datetime, **given: Any) -> Enrichment:
    """An enrichment as a worker makes it. `given` says what is unlike the usual."""
    urgency, intent = str(given.get("urgency", "medium")), str(given.get("intent", "login_issue"))
    sure = given.get("confidence", 0.86)
    sentiment = str(given.get("sentiment", "neutral"))
    reasons = ("intent_confidence",) if given.get("review", True) else ()
    status = given.get("status", Status.ENRICHED)
    topics = given.get("topics", ("login",))
    return Enrichment(
        embedding=(0.0,) * 384,
        intent=IntentPrediction(
            label=intent,
            confidence=sure,
            source=Source.HEAD,
            scores=scores_of(tuple(Intent), intent, sure),
            evidence=tuple(Evidence(text=text, weight=1.25) for text in given.get("evidence", ())),
        ),
        urgency=UrgencyPrediction(
            label=urgency, confidence=sure, source=given.get("source", Source.HEAD), stated=ticket.priority
        ),
        sentiment=SentimentPrediction(label=sentiment, confidence=sure, source=Source.HEAD),
        topics=tuple(TopicPrediction(label=each, confidence=0.7, source=Source.HEAD) for each in topics),
        summary=Summary(
            text=given.get("summary", ticket.subject),
            display=given.get("summary", ticket.subject)[:100],
            source=Source.EXTRACTIVE,
            confidence=0.8,
            compression=2.0,
        ),
        language=Language(label="en", confidence=0.99, source=Source.DETECTOR),
        custom=given.get("custom", {}),
        own_text=given.get("own_text", ()),
        tokens=12,
        truncated=False,
        windows=1,
        needs_review=bool(reasons),
        review_reasons=reasons,
        status=status,
        failed_stages=("topics",) if status == Status.PARTIAL else (),
        fingerprint=FINGERPRINT,
        models={"intent": "shipped"},
        processed_at=at,
        latency_ms=LatencyMs(encode=3.0, heads=0.4),
    )


@dataclass
class PageWorld(WebWorld):
    """A place in memory with the tickets that the page shows."""

    started_at: datetime = field(default_factory=_now)

    def page_parts(self, **settings: Any) -> WebParts:
        """The parts, with all labels, on the clock of the machine."""
        parts = self.parts(**settings)
        corrections = Corrections(self.rows, parts.corrections.journal, CorrectableTasks(TASKS, self.own))
        return replace(parts, corrections=corrections, now=_now)

    def add(self, ticket_id: str, subject: str, body: str, minutes_ago: float = 1, **given: Any) -> TicketRow:
        """Stores a ticket as raw object, full record and row."""
        at = self.started_at - timedelta(minutes=minutes_ago)
        ticket = Ticket(ticket_id=ticket_id, subject=subject, body=body, **given.pop("ticket", {}))
        document = {"ticket_id": ticket_id, "subject": subject, "body": body}
        raw = self.raw.put(raw_key(ticket_id), json.dumps(document).encode(), at)
        enrichment = enrichment_of(ticket, at, **given)
        key = f"tickets/{ticket_id}/{given.get('attempt', 'a')}.json"
        record = EnrichedTicket(**ticket.model_dump(), enrichment=enrichment)
        self.enriched.put(key, record.model_dump_json().encode())
        row = enriched_row(ticket, enrichment, raw, key, row_attributes(enrichment))
        self.rows.rows[ticket_id] = row
        return row

    def add_many(self, count: int, minutes_ago: float = 1) -> list[str]:
        """Tickets that want a review, the newest first."""
        ids = [f"TKT-{number:03}" for number in range(1, count + 1)]
        for number, ticket_id in enumerate(ids):
            self.add(
                ticket_id,
                f"Cannot log in to account {number}",
                "I cannot log in since this morning.\n\nPlease help, it says wrong password.",
                minutes_ago=minutes_ago + number,
                evidence=("cannot log in", "wrong password"),
            )
        return ids
