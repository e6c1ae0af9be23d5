"""The table of the tasks: enricher, row, command line, statistics and evaluation derive from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ticketmill.tasks import embedding, entities, intent, language, sentiment, summary, topics, urgency
from ticketmill.tasks.task import Task

if TYPE_CHECKING:
    from ticketmill.domain.enrichment import Enrichment

TASKS: tuple[Task[Any], ...] = (
    intent.TASK,
    urgency.TASK,
    sentiment.TASK,
    topics.TASK,
    summary.TASK,
    language.TASK,
    entities.TASK,
    embedding.TASK,
)
"""In the order in which people see them."""

BY_NAME = {task.name: task for task in TASKS}


def row_attributes(enrichment: Enrichment) -> dict[str, Any]:
    """What the row keeps of an enrichment's predictions; nothing of a task that failed."""
    attributes: dict[str, Any] = {}
    for task in TASKS:
        prediction = getattr(enrichment, task.name)
        if prediction is not None:
            attributes |= task.attributes(prediction)
    return attributes
