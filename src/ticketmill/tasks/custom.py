"""Tasks of your own, such as `product_line`: what people see of their predictions, and when one is unsure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ticketmill.domain.labels import Source
from ticketmill.tasks.task import Lines, with_confidence

if TYPE_CHECKING:
    from ticketmill.domain.enrichment import CustomPrediction, RowPrediction
    from ticketmill.domain.row import TicketRow
    from ticketmill.tasks.learned import Chosen
    from ticketmill.tasks.stage import EncodedTicket


def of_learned(_ticket: EncodedTicket, chosen: Chosen) -> CustomPrediction:
    """The prediction of a learned version."""
    from ticketmill.domain.enrichment import CustomLabel, CustomPrediction

    labels = tuple(CustomLabel(label=label, confidence=confidence) for label, confidence in chosen.labels)
    return CustomPrediction(labels=labels, source=Source.LEARNED, scores=chosen.scores, margin=chosen.margin)


def without_model(tickets: Sequence[EncodedTicket]) -> list[None]:
    """Nothing: no model of the bundle knows the task."""
    return [None for _ in tickets]


def row_lines(row: TicketRow) -> Lines:
    """What `show` prints of the row: one line a task."""
    return [(task, told(made)) for task, made in sorted(row.custom.items())]


def told(made: RowPrediction) -> str:
    """As in `router (0.93)` and `router (0.93), modem (0.61)`; `none` where the task gave no label."""
    return ", ".join(with_confidence(each.label, each.confidence) for each in made.labels) or "none"


def review_reasons(made: Mapping[str, CustomPrediction], review_below: Mapping[str, float]) -> Iterator[str]:
    """`<task>_confidence` for each task whose least sure label is below its confidence in `review_below`."""
    for task, prediction in sorted(made.items()):
        confidences = [each.confidence for each in prediction.labels if each.confidence is not None]
        if confidences and min(confidences) < review_below.get(task, 0.0):
            yield f"{task}_confidence"
