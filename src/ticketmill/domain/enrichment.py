"""What the pipeline adds to a ticket."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from ticketmill.domain.entities import EntityKind
from ticketmill.domain.labels import Sentiment, Source, Status, Urgency
from ticketmill.domain.records import FIRST_SCHEMA_VERSION, SCHEMA_VERSION, Open, Record
from ticketmill.domain.rollout import Arm
from ticketmill.domain.spans import AutomaticKind
from ticketmill.domain.ticket import Ticket

Confidence = Annotated[float, Field(ge=0.0, le=1.0)]


class Evidence(Record):
    """A word or phrase of the text that counted for a label."""

    text: str
    """The phrase as it is in the text."""
    weight: float
    """How much it counted, in log odds; 1 for a matched keyword."""


class IntentPrediction(Record):
    """The one thing that the writer mainly wants dealt with."""

    label: str
    """The intent: one of the bundle's taxonomy."""
    confidence: Confidence
    """The probability of the label."""
    source: Open[Source]
    """What made the prediction."""
    scores: dict[str, float] = Field(default_factory=dict)
    """The probability of each of our labels."""
    raw_scores: dict[str, float] = Field(default_factory=dict)
    """A named model's probabilities by its own labels; for entailment, of each label alone."""
    evidence: tuple[Evidence, ...] = ()
    """The phrases that counted most for the label."""


class UrgencyPrediction(Record):
    """How urgent the text is. The submitter's priority does not change it."""

    label: Open[Urgency]
    """The urgency that the text shows."""
    confidence: Confidence
    """The probability of the label."""
    source: Open[Source]
    """What made the prediction."""
    stated: Open[Urgency] | None = None
    """The priority that the submitter set."""
    scores: dict[str, float] = Field(default_factory=dict)
    """The probability of each label."""
    evidence: tuple[Evidence, ...] = ()
    """The phrases that counted most for the label."""
    priority_conflict: bool = False
    """Whether `label` and `stated` are at least two levels apart, such as `low` and `high`."""


class SentimentPrediction(Record):
    """How the writer feels about the product or the service."""

    label: Open[Sentiment]
    """The sentiment of the text."""
    confidence: Confidence
    """The probability of the label."""
    source: Open[Source]
    """What made the prediction."""
    scores: dict[str, float] = Field(default_factory=dict)
    """The probability of each of our labels."""
    raw_scores: dict[str, float] = Field(default_factory=dict)
    """A named model's probabilities by its own labels."""


class TopicPrediction(Record):
    """One subject of the ticket."""

    label: str
    """The topic: one of the bundle's taxonomy, or one of the ticket's own tags as a fallback."""
    confidence: Confidence
    """The probability of the label."""
    source: Open[Source]
    """What made the prediction."""


class Summary(Record):
    """At most two sentences that say what the ticket is about."""

    text: str
    """The summary."""
    display: str
    """The summary on one line: at most 100 characters, with an ellipsis if it was cut."""
    source: Open[Source]
    """What made the summary."""
    confidence: Confidence
    """The cosine between summary and ticket; of a named model, the share of its words that the ticket has."""
    compression: float
    """The length of the body divided by that of the summary, in characters."""
    truncated: bool = False
    """Whether a named model could not read the complete ticket."""


class Language(Record):
    """The language of the text."""

    label: str
    """An ISO 639-1 code, or `und` if it cannot be determined."""
    confidence: Confidence
    """The probability of the label."""
    source: Open[Source]
    """What made the prediction."""


class Entity(Record):
    """A number, date, address or name that the writer's own words have."""

    kind: Open[EntityKind]
    """What it is."""
    value: str
    """As it is written; the number of a payment card is masked but for its last four digits."""
    normalised: str
    """One form for all spellings: ISO dates, 24-hour times, `1204.15 USD`, numbers without blanks."""
    start: int
    """Where it begins: a character of the text, which is subject, line break, body."""
    end: int
    """Where it ends."""
    source: Open[Source]
    """What found it."""


class RowEntity(Record):
    """An entity as the row keeps it."""

    kind: Open[EntityKind]
    """What it is."""
    value: str
    """Its normalised value, at most 128 characters; the number of a payment card is masked."""

    @property
    def label(self) -> str:
        """What tickets are filtered by and counted."""
        return str(self.kind)


class CustomLabel(Record):
    """A label of a task of your own."""

    label: str
    """One of the task's labels."""
    confidence: Confidence | None = None
    """The probability of the label; null for a person's."""


class RowPrediction(Record):
    """What the row keeps of the prediction of a task of your own."""

    labels: tuple[CustomLabel, ...]
    """One label; of a task with several any number, most probable first."""
    source: Open[Source]
    """What made the prediction."""

    @property
    def names(self) -> tuple[str, ...]:
        """The labels alone."""
        return tuple(each.label for each in self.labels)

    @property
    def confidence(self) -> float | None:
        """The probability of the label; None for several, for none, and for a person's."""
        return self.labels[0].confidence if len(self.labels) == 1 else None


class CustomPrediction(RowPrediction):
    """The prediction of a task of your own, such as `product_line`."""

    scores: dict[str, float] = Field(default_factory=dict)
    """The probability of each label."""
    margin: float | None = None
    """Of a task with several labels: how far the nearest probability is from its threshold."""

    @property
    def on_row(self) -> RowPrediction:
        """What the row keeps of it."""
        return RowPrediction(labels=self.labels, source=self.source)


class LatencyMs(Record):
    """Time that the ticket took, in milliseconds."""

    queue: float | None = None
    """From the upload to the receive; null without a queue."""
    encode: float
    """The forward pass: the ticket's share of its batch."""
    heads: float
    """All predictions: the ticket's share of its batch."""


class Enrichment(Record):
    """What the models say about a ticket."""

    embedding: tuple[float, ...]
    """Normalized to length 1; zeros for a text without tokens, empty if a named model failed."""
    intent: IntentPrediction | None
    """Null if the stage failed."""
    urgency: UrgencyPrediction | None
    """Null if the stage failed."""
    sentiment: SentimentPrediction | None
    """Null if the stage failed."""
    topics: tuple[TopicPrediction, ...] | None
    """Most probable first; null if the stage failed."""
    summary: Summary | None
    """Null if the stage failed."""
    language: Language | None
    """Null if the stage failed."""
    entities: tuple[Entity, ...] | None = ()
    """In the order of the text, the first 200; null if the stage failed."""
    custom: dict[str, CustomPrediction] = Field(default_factory=dict)
    """The predictions of your own tasks, by task."""
    margins: dict[str, float] = Field(default_factory=dict)
    """How near each task is to another answer, see the row's `margins`."""
    automatic: bool = False
    """Whether a machine wrote the ticket: it is `general_inquiry`, `low` and `neutral`."""
    automatic_kind: Open[AutomaticKind] | None = None
    """What kind of machine mail it is; null for a person's ticket."""
    own_text: tuple[tuple[int, int], ...] = ()
    """What the writer wrote now: ranges of characters of the text, which is subject, line break, body."""
    text_characters: dict[str, int] = Field(default_factory=dict)
    """How many characters of the text were taken for what, see docs/reading.md."""
    tokens: int
    """Word pieces of the text that were encoded."""
    truncated: bool
    """Whether the text continues after the last encoded token."""
    windows: int
    """How many windows of up to 254 tokens the encoder took."""
    needs_review: bool
    """Whether a person should look: there are `review_reasons`."""
    review_reasons: tuple[str, ...] = ()
    """`<task>_confidence`: under the threshold. `language`: not the encoder's. `failed_stage`: see below.
    `priority_conflict`: urgency and stated priority are two levels apart. `no_text`: nothing to read."""
    status: Open[Status]
    """`enriched`, or `partial` if a stage failed or fell back."""
    failed_stages: tuple[str, ...] = ()
    """The stages without a prediction."""
    fallbacks: dict[str, str] = Field(default_factory=dict)
    """The stages whose named or learned model failed, each with the reason; a fallback predicted."""
    fingerprint: str
    """Identifies the bundle and the settings that decide every value here."""
    serving_serial: int = 0
    """The serving decision that chose this bundle; 0 for none."""
    rollout_serial: int = 0
    """The latest rollout decision that its worker followed; 0 for none."""
    models: dict[str, str]
    """The model of each task, as in `onepass`; a learned version as in `intent/v3`."""
    arms: dict[str, Open[Arm]] = Field(default_factory=dict)
    """The tasks whose prediction a canary made."""
    processed_at: datetime
    """When the ticket was enriched."""
    latency_ms: LatencyMs
    """How long it took."""


class EnrichedTicket(Ticket):
    """The raw ticket with its enrichment, as it is stored in S3."""

    model_config = ConfigDict(extra="allow")

    priority: Open[Urgency] | None = None  # type: ignore[assignment]
    """The submitter's priority, as one of our four levels or one of a newer version."""
    enrichment: Enrichment
    """What the models say."""
    received_at: datetime | None = None
    """When it was uploaded; null in objects of older versions."""
    schema_version: int = SCHEMA_VERSION
    """The version of the record's fields."""


def read_enriched(body: bytes) -> EnrichedTicket:
    """The enriched ticket in a stored object, of this version, an older or a newer one.

    ValueError where the object is none.
    """
    document = json.loads(body)
    if not isinstance(document, dict):
        raise ValueError("expected a JSON object")
    return EnrichedTicket.model_validate({"schema_version": FIRST_SCHEMA_VERSION, **document})
