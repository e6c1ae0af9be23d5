"""The row as people and programs see it: a person's word stands where a model's would."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Annotated, Any

from pydantic import Field

from ticketmill.domain.enrichment import CustomLabel, RowPrediction, TopicPrediction
from ticketmill.domain.facets import FACET, facets_of
from ticketmill.domain.keys import index_position, index_shard, status_shard
from ticketmill.domain.label import CorrectionKind, PersonLabel, Shown
from ticketmill.domain.labels import Source, Urgency, contradicts
from ticketmill.domain.row import TicketRow

CONFIDENCE_SUFFIX = "_confidence"
CUSTOM = "custom"
PRIORITY_CONFLICT = "priority_conflict"


class EffectiveRow(TicketRow):
    """A row whose labels are the effective ones. It is made for reading, and never written."""

    corrected: Annotated[tuple[str, ...], FACET] = ()
    """The tasks of which a person says other labels than the models."""
    stale_labels: Annotated[tuple[str, ...], FACET] = ()
    """The tasks that a person spoke of before the ticket's content changed."""
    predicted: dict[str, Shown] = Field(default_factory=dict)
    """What the models say of the tasks that a person spoke of."""


def effective(row: TicketRow) -> EffectiveRow:
    """The row with a person's labels in the place of the models', where they hold for its content.

    A task that a person spoke of needs no review for its confidence, and once a person has spoken of one,
    no other reason but the confidence of the rest keeps the ticket in review.
    """
    if isinstance(row, EffectiveRow):
        return row
    spoken = {task: each for task, each in row.person.items() if each.content_hash == row.content_hash}
    changes: dict[str, Any] = {}
    for task, each in spoken.items():
        if each.kind != CorrectionKind.CANNOT_TELL:
            changes |= _label_attributes(row, task, each, changes.get(CUSTOM, row.custom))
    if "urgency" in changes:
        changes[PRIORITY_CONFLICT] = contradicts(row.stated_priority, changes["urgency"])
    if spoken and row.needs_review:
        changes["review_reasons"] = reasons = _open_reasons(row, spoken)
        changes["needs_review"] = bool(reasons)
    predicted = {task: shown_of(row, task) for task in sorted(spoken)}
    return EffectiveRow.model_construct(
        **{**dict(row), **changes},
        corrected=tuple(task for task, shown in predicted.items() if _differs(spoken[task], shown)),
        stale_labels=tuple(sorted(row.person.keys() - spoken.keys())),
        predicted=predicted,
    )


def index_attributes(row: TicketRow) -> dict[str, Any]:
    """What the indexes hold of a row: its shard, its position in time, and its effective facets."""
    shard = index_shard(row.ticket_id)
    return {
        "shard": shard,
        "status_shard": status_shard(row.status, shard),
        "position": index_position(row.received_at, row.ticket_id),
        "facets": facets_of(effective(row) if row.person else row),
    }


def is_misindexed(row: TicketRow, facets: Set[str]) -> bool:
    """Whether the facets that the index has of a row lack what a person says, or say what they replaced.

    So a version that knows no corrections writes them. Facets that other versions add or lack do not count.
    """
    if not row.person:
        return False
    predicted, shown = facets_of(row), facets_of(effective(row))
    return not (shown - predicted <= facets and facets.isdisjoint(predicted - shown))


def shown_of(row: TicketRow, task: str) -> Shown:
    """What a row says of a task."""
    if not _has_attributes(row, task):
        made = row.custom.get(task)
        if made is None:
            return Shown(labels=(), fingerprint=row.fingerprint)
        return Shown(
            labels=made.names, confidence=made.confidence, source=made.source, fingerprint=row.fingerprint
        )
    value = getattr(row, task, None)
    if isinstance(value, tuple):
        source = value[0].source if value else None
        return Shown(labels=tuple(each.label for each in value), source=source, fingerprint=row.fingerprint)
    return Shown(
        labels=() if value is None else (str(value),),
        confidence=getattr(row, f"{task}{CONFIDENCE_SUFFIX}", None),
        source=getattr(row, f"{task}_source", None),
        fingerprint=row.fingerprint,
    )


def _differs(spoken: PersonLabel, shown: Shown) -> bool:
    return spoken.kind != CorrectionKind.CANNOT_TELL and {*spoken.labels} != {*shown.labels}


def _has_attributes(row: TicketRow, task: str) -> bool:
    """Whether the row has attributes of the task. It has none of your own tasks: these are in `custom`."""
    return task in TicketRow.model_fields or task in (row.model_extra or {})


def _label_attributes(
    row: TicketRow, task: str, spoken: PersonLabel, custom: Mapping[str, RowPrediction]
) -> dict[str, Any]:
    """The attributes of a task that say a person's label. Their confidence is nobody's to know."""
    if not _has_attributes(row, task):
        labels = tuple(CustomLabel(label=label) for label in spoken.labels)
        return {CUSTOM: {**custom, task: RowPrediction(labels=labels, source=Source.PERSON)}}
    if isinstance(getattr(row, task, None), tuple):
        topics = (
            TopicPrediction(label=label, confidence=1.0, source=Source.PERSON) for label in spoken.labels
        )
        return {task: tuple(topics)}
    (label,) = spoken.labels
    known = {each.value: each for each in Urgency} if task == "urgency" else {}
    return {
        task: known.get(label, label),
        f"{task}{CONFIDENCE_SUFFIX}": None,
        f"{task}_source": Source.PERSON,
    }


def _open_reasons(row: TicketRow, spoken: Mapping[str, PersonLabel]) -> tuple[str, ...]:
    return tuple(
        reason
        for reason in row.review_reasons
        if reason.endswith(CONFIDENCE_SUFFIX) and reason.removesuffix(CONFIDENCE_SUFFIX) not in spoken
    )
