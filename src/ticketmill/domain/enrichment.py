"""What the pipeline adds to a ticket."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from ticketmill.domain.labels import Sentiment, Source, Status, Urgency
from ticketmill.domain.records import FIRST_SCHEMA_VERSION, SCHEMA_VERSION, Open, Record
from ticketmill.domain.ticket import Ticket

Confidence = Annotated[float, Field(ge=0.0, le=1.0)]


class Evidence(Record):
    """A word or phrase of the text that spoke for a label, and how strongly."""

    text: str
    weight: float


class IntentPrediction(Record):
    label: str
    confidence: Confidence
    source: Open[Source]
    scores: dict[str, float] = Field(default_factory=dict)
    raw_scores: dict[str, float] = Field(default_factory=dict)
    """Of a named model, by its own labels; of one that is asked label by label, how likely each is alone."""
    evidence: tuple[Evidence, ...] = ()


class UrgencyPrediction(Record):
    """The urgency that the text shows; `stated` is what the submitter set, kept apart.

    `priority_conflict` says that the two are two levels or more apart, as `low` and `high` are.
    """

    label: Open[Urgency]
    confidence: Confidence
    source: Open[Source]
    stated: Open[Urgency] | None = None
    scores: dict[str, float] = Field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    priority_conflict: bool = False


class SentimentPrediction(Record):
    label: Open[Sentiment]
    confidence: Confidence
    source: Open[Source]
    scores: dict[str, float] = Field(default_factory=dict)
    raw_scores: dict[str, float] = Field(default_factory=dict)
    """Of a named model, by its own labels."""


class TopicPrediction(Record):
    label: str
    confidence: Confidence
    source: Open[Source]


class Summary(Record):
    """`compression` is the length of the body by the length of the summary, in characters.

    `display` is the text cut to one line of a list: 100 characters at most, an ellipsis where it was cut. The
    confidence of a text that a model wrote is the share of its words that the ticket has too; `truncated`
    where that model could not read the whole ticket.
    """

    text: str
    display: str
    source: Open[Source]
    confidence: Confidence
    compression: float
    truncated: bool = False


class Language(Record):
    """`label` is an ISO 639-1 code, or `und` where nothing can be said."""

    label: str
    confidence: Confidence
    source: Open[Source]


class LatencyMs(Record):
    """Milliseconds: `queue` from upload to receive (None off the queue), the rest per ticket of its batch."""

    queue: float | None = None
    encode: float
    heads: float


class Enrichment(Record):
    """Everything read off one pass of the encoder. A stage that failed is None and named in `failed_stages`.

    `fallbacks` names the stages whose model failed, each with the reason; the prediction that stands there
    was made by what ships with the bundle, or is the ticket's own tags. `models` says what serves each task.
    `embedding` has unit length, is all zeros for a text without tokens, and is empty where its model failed:
    no vector of another model takes its place. `fingerprint` names the bundle
    that decided every value here, `serving_serial` the serving decision that chose this bundle (0: none).
    `review_reasons` says why a person should look: `intent_confidence`,
    `urgency_confidence`, `sentiment_confidence`, `language` (one that the encoder does not know well) or
    `failed_stage`; `needs_review` whether there is any. The encoder read the text in `windows` of up to 254
    tokens each; it is `truncated` where there is more than it reads.
    """

    embedding: tuple[float, ...]
    intent: IntentPrediction | None
    urgency: UrgencyPrediction | None
    sentiment: SentimentPrediction | None
    topics: tuple[TopicPrediction, ...] | None
    summary: Summary | None
    language: Language | None
    tokens: int
    truncated: bool
    windows: int
    needs_review: bool
    review_reasons: tuple[str, ...] = ()
    status: Open[Status]
    failed_stages: tuple[str, ...] = ()
    fallbacks: dict[str, str] = Field(default_factory=dict)
    fingerprint: str
    serving_serial: int = 0
    models: dict[str, str]
    processed_at: datetime
    latency_ms: LatencyMs


class EnrichedTicket(Ticket):
    """The raw ticket and its enrichment, as it is stored in S3."""

    model_config = ConfigDict(extra="allow")

    priority: Open[Urgency] | None = None  # type: ignore[assignment]
    """As the ticket says it; text where a newer version knows more levels."""
    enrichment: Enrichment
    schema_version: int = SCHEMA_VERSION


def read_enriched(body: bytes) -> EnrichedTicket:
    """The enriched ticket in a stored object, of this version, an older or a newer one.

    ValueError where the object is none.
    """
    document = json.loads(body)
    if not isinstance(document, dict):
        raise ValueError("expected a JSON object")
    return EnrichedTicket.model_validate({"schema_version": FIRST_SCHEMA_VERSION, **document})
