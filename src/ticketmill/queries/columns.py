"""What tickets are filtered by, counted, listed and written as CSV: all from the table of the tasks."""

from __future__ import annotations

from ticketmill.domain.facets import FALLBACK_SUFFIX
from ticketmill.domain.labels import Status
from ticketmill.domain.spans import AutomaticKind
from ticketmill.tasks.table import TASKS

_LABELLED = [(task, task.label) for task in TASKS if task.label]

CORRECTABLE = tuple(task.name for task in TASKS if task.is_correctable)
"""The tasks that a person may correct."""

FILTERS = {
    **{task.option or label: label for task, label in _LABELLED},
    "status": "status",
    "automatic": "automatic_kind",
    "customer": "customer_id",
    "tag": "tags",
    "corrected": "corrected",
    "stale": "stale_labels",
}
"""The facets that tickets are filtered by, by the name that people give them."""

FLAGS = {"review": "needs_review", "conflict": "priority_conflict"}
"""The facets that a ticket has or has not, by the name that people give them."""

NAMES_OF_TASKS = ("corrected", "stale_labels")
"""The facets whose labels are the names of tasks: also those of your own."""

VOCABULARIES: dict[str, tuple[str, ...]] = {
    "status": tuple(Status),
    "automatic_kind": tuple(AutomaticKind),
    **{label: task.vocabulary for task, label in _LABELLED if task.vocabulary},
    "corrected": CORRECTABLE,
    "stale_labels": CORRECTABLE,
}
"""The labels of a facet that no taxonomy and no model chooses."""

CLOSED_VOCABULARIES: dict[str, tuple[str, ...]] = {
    facet: labels for facet, labels in VOCABULARIES.items() if facet not in NAMES_OF_TASKS
}
"""The vocabularies that have no other label."""

OPEN_VOCABULARIES = {label: task.name for task, label in _LABELLED if not task.vocabulary}
"""The facets whose labels a taxonomy or a model chooses, with their tasks."""

CONFIDENCES = {label: task.confidence for task, label in _LABELLED if task.confidence}
"""The field with the confidence of a facet."""

TOPICS_FROM_TAGS = f"topics{FALLBACK_SUFFIX}"

TASK_FACETS = frozenset({*FILTERS.values(), *FLAGS.values(), TOPICS_FROM_TAGS})
"""Every facet that is not the name of a task of your own."""

COUNTED = ("status", *(label for _, label in _LABELLED), TOPICS_FROM_TAGS, "corrected", "stale_labels")
"""The facets that `stats` counts."""

LISTED = ("status", *(label for task, label in _LABELLED if task.is_listed))
"""The fields that `list` shows between a ticket's id and its summary."""

CSV = (
    *("ticket_id", "status", "received_at", "subject", "customer_id"),
    *(column.name for task, _ in _LABELLED for column in task.columns if column.in_csv),
    *("needs_review", "review_reasons", "corrected", "stale_labels"),
    *(column.name for task in TASKS if not task.label for column in task.columns if column.in_csv),
)
