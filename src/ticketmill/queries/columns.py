"""What is filtered by, counted, listed and written as CSV: each list stands here alone."""

from __future__ import annotations

from ticketmill.domain.labels import Sentiment, Status, Urgency

FILTERS = ("urgency", "intent", "sentiment", "status", "topic", "language", "customer", "tag")
"""The facets that `list` has an option for."""

VOCABULARIES: dict[str, tuple[str, ...]] = {
    "status": tuple(Status),
    "urgency": tuple(Urgency),
    "sentiment": tuple(Sentiment),
}
"""The labels of a facet that no taxonomy and no model chooses."""

COUNTED = {
    "status": "status",
    "intent": "intent",
    "urgency": "urgency",
    "sentiment": "sentiment",
    "language": "language",
    "topics": "topic",
    "topics_from_tags": "topic_fallback",
}
"""What `stats` counts: as it is called there, and the facet."""

LISTED = ("status", "urgency", "intent", "sentiment", "topics")
"""The fields of a row that `list` shows between the ticket's id and its summary."""

CSV = (
    "ticket_id",
    "status",
    "received_at",
    "subject",
    "customer_id",
    "intent",
    "intent_confidence",
    "urgency",
    "urgency_confidence",
    "sentiment",
    "sentiment_confidence",
    "topics",
    "language",
    "needs_review",
    "review_reasons",
    "summary",
)
