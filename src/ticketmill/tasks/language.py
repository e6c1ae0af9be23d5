"""Language: what the text is written in, whatever the ticket states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ticketmill.domain.labels import Source
from ticketmill.tasks.stage import EncodedTicket, Stage
from ticketmill.tasks.task import Column, Task, label_line

if TYPE_CHECKING:
    from ticketmill.domain.enrichment import Language
    from ticketmill.text.language import LanguageDetector

NAME = "language"
ENCODER_LANGUAGE = "en"
"""all-MiniLM-L6-v2 was trained on English."""
FOREIGN_FROM = 0.8
"""Where the detector is less sure, it is more often wrong than the text foreign."""


def by_detector(detector: LanguageDetector) -> Stage[Language]:
    """The language by py3langid."""
    from ticketmill.domain.enrichment import Language

    def predict(tickets: Sequence[EncodedTicket]) -> list[Language]:
        return [
            Language(label=label, confidence=round(confidence, 4), source=Source.DETECTOR)
            for label, confidence in (detector.detect(each.text) for each in tickets)
        ]

    return predict


def _review_reason(prediction: Language, _review_below: float) -> str | None:
    is_foreign = prediction.label != ENCODER_LANGUAGE and prediction.confidence >= FOREIGN_FROM
    return NAME if is_foreign else None


TASK: Task[Language] = Task(
    name=NAME,
    columns=(
        Column(NAME, lambda prediction: prediction.label, in_csv=True),
        Column("language_confidence", lambda prediction: prediction.confidence),
    ),
    label=NAME,
    confidence="language_confidence",
    review_reason=_review_reason,
    row_lines=label_line(NAME),
)
