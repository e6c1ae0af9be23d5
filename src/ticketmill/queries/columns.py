"""What tickets are filtered by, counted, listed and written as CSV: all from the tasks and the row."""

from __future__ import annotations

from ticketmill.domain.facets import FALLBACK_SUFFIX, facet_names
from ticketmill.domain.labels import Status
from ticketmill.domain.row import TicketRow
from ticketmill.tasks.table import TASKS

_FACETS = facet_names(TicketRow)
_LABELLED = [(task, task.label, _FACETS[task.label]) for task in TASKS if task.label]
_TASK_FIELDS = [field for _, field, _ in _LABELLED]

FILTERS = (
    *(name for _, _, name in _LABELLED),
    *(name for field, name in _FACETS.items() if field not in {*_TASK_FIELDS, "needs_review"}),
)
"""The facets that `list` has an option for."""

VOCABULARIES: dict[str, tuple[str, ...]] = {
    "status": tuple(Status),
    **{name: task.vocabulary for task, _, name in _LABELLED if task.vocabulary},
}
"""The labels of a facet that no taxonomy and no model chooses."""

TAXONOMIES = {name: task.name for task, _, name in _LABELLED if not task.vocabulary}
"""The tasks whose labels a bundle's taxonomy may name, by facet."""

CONFIDENCES = {name: task.confidence for task, _, name in _LABELLED if task.confidence}
"""The field with the confidence of a facet."""

COUNTED = {
    "status": "status",
    **{field: name for _, field, name in _LABELLED},
    "topics_from_tags": f"{_FACETS['topics']}{FALLBACK_SUFFIX}",
}
"""What `stats` counts: as it is called there, and the facet."""

LISTED = ("status", *(field for task, field, _ in _LABELLED if task.is_listed))
"""The fields that `list` shows between a ticket's id and its summary."""

CSV = (
    *("ticket_id", "status", "received_at", "subject", "customer_id"),
    *(column.name for task, _, _ in _LABELLED for column in task.columns if column.in_csv),
    *("needs_review", "review_reasons"),
    *(column.name for task in TASKS if not task.label for column in task.columns if column.in_csv),
)
