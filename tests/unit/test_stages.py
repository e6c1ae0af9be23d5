from __future__ import annotations

import numpy as np
import pytest

from ticketmill.domain.enrichment import SentimentPrediction
from ticketmill.domain.labels import Sentiment, Source, Urgency
from ticketmill.domain.ticket import Ticket
from ticketmill.encoder.encoder import Encoded
from ticketmill.models.heads import Heads, load_heads, shipped_heads
from ticketmill.models.rules import urgency_rules
from ticketmill.tasks import sentiment, urgency
from ticketmill.tasks.stage import EncodedTicket
from ticketmill.text.entities.finder import EntityFinder
from ticketmill.text.reading import read_ticket

BODY = "Nobody can log in, the whole company is stopped right now. We lose money every minute!"


@pytest.fixture(scope="module")
def heads() -> Heads:
    return load_heads(shipped_heads())


def encoded(heads: Heads, body: str, priority: Urgency | None = None) -> EncodedTicket:
    layers = np.zeros((7, 384), np.float32)
    states, offsets = np.zeros((0, 384), np.float32), np.zeros((0, 2), np.int32)
    read = Encoded(np.zeros(384, np.float32), layers, states, offsets, tokens=9, truncated=False, windows=1)
    ticket = Ticket(ticket_id="T1", body=body, priority=priority)
    return EncodedTicket(
        ticket, read_ticket(ticket), read, heads.read([ticket.text], layers[None])[0], EntityFinder()
    )


def test_urgency_brings_words_of_the_text_as_evidence(heads: Heads) -> None:
    (found,) = urgency.by_head(heads.tasks["urgency"])([encoded(heads, BODY)])
    weights = [each.weight for each in found.evidence]
    assert 1 <= len(weights) <= 3
    assert weights == sorted(weights, reverse=True)
    assert all(each.text in BODY for each in found.evidence)


def test_a_stated_priority_far_from_the_text_is_a_conflict(heads: Heads) -> None:
    predict = urgency.by_head(heads.tasks["urgency"])
    (unstated,) = predict([encoded(heads, BODY)])
    assert not unstated.priority_conflict
    opposite = Urgency.LOW if unstated.label in (Urgency.CRITICAL, Urgency.HIGH) else Urgency.CRITICAL
    (contradicted,) = predict([encoded(heads, BODY, opposite)])
    (agreed,) = predict([encoded(heads, BODY, unstated.label)])
    assert contradicted.priority_conflict
    assert contradicted.label == unstated.label, "what is stated must not move what is shown"
    assert not agreed.priority_conflict


def test_the_rules_see_a_conflict_too(heads: Heads) -> None:
    (found,) = urgency.by_rules(urgency_rules())([encoded(heads, "No rush, a typo.", Urgency.CRITICAL)])
    assert found.label == Urgency.LOW
    assert found.priority_conflict


@pytest.mark.parametrize(
    ("label", "confidence", "source", "reason"),
    [
        (Sentiment.POSITIVE, 0.94, Source.HEAD, "sentiment_confidence"),
        (Sentiment.POSITIVE, 0.96, Source.HEAD, None),
        (Sentiment.NEGATIVE, 0.94, Source.HEAD, None),
        (Sentiment.NEGATIVE, 0.54, Source.HEAD, "sentiment_confidence"),
        (Sentiment.POSITIVE, 0.94, Source.HUB, None),
    ],
)
def test_praise_by_the_head_must_be_surer_since_it_may_be_sarcasm(
    label: Sentiment, confidence: float, source: Source, reason: str | None
) -> None:
    prediction = SentimentPrediction(label=label, confidence=confidence, source=source)
    assert sentiment.TASK.review_reason(prediction, 0.55) == reason
