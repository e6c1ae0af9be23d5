"""Which rules a change of a ticket concerns, and what each of them sends. Nothing here asks the world."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ticketmill.domain.change import Change, ChangeType
from ticketmill.domain.delivery import Delivery
from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.domain.event import EventLabel, TicketEvent
from ticketmill.domain.event_text import PLAIN_NAMES, names_in
from ticketmill.domain.facets import facet_names, facets_of
from ticketmill.domain.routing_rule import Rule, Rules, SlackTarget, Trigger, WriteBack
from ticketmill.queries.columns import (
    CONFIDENCES,
    COUNTED,
    FILTERS,
    NAMES_OF_TASKS,
    TOPICS_FROM_TAGS,
    VOCABULARIES,
)
from ticketmill.queries.filters import Filters
from ticketmill.queries.own_tasks import NO_TASKS, Definitions

Mask = Callable[[str], str]
"""A text without what must not leave ticketmill, as e-mail addresses."""

_NO_TASKS = {"status", "corrected", "stale_labels", TOPICS_FROM_TAGS}
LABELS = tuple(name for name in COUNTED if name not in _NO_TASKS)
"""The labels that an event holds."""
FACETS = {**FILTERS, **{name: name for name in facet_names(EffectiveRow)}}
"""What a rule filters by: every filter of `list`, and every facet by its own name."""


def unmasked(text: str) -> str:
    """Masks nothing."""
    return text


@dataclass(frozen=True, slots=True)
class Router:
    """The rules of a place, and what is masked in what they send."""

    rules: Rules
    mask: Mask = unmasked

    def deliveries(self, change: Change) -> Iterator[Delivery]:
        """One for each rule that the change concerns."""
        for rule in self.rules.rules:
            if concerns(rule, change):
                event = event_of(rule, change, self.mask)
                key = change.after.enriched_key if rule.include_body else None
                yield Delivery(event=event, enriched_key=key)


def concerns(rule: Rule, change: Change) -> bool:
    """Whether a rule sends a change."""
    filters = filters_of(rule)
    if not filters.match(change.after):
        return False
    match rule.when:
        case Trigger.CORRECTED:
            return change.type is ChangeType.CORRECTED
        case Trigger.ENRICHED:
            return change.type is ChangeType.ENRICHED
        case Trigger.BECOMES:
            return change.before is None or not filters.match(change.before)


def filters_of(rule: Rule) -> Filters:
    """What a ticket must be."""
    labels = {FACETS.get(name, name): wanted for name, wanted in rule.filters.items()}
    return Filters(labels, rule.min_confidence)


def event_of(rule: Rule, change: Change, mask: Mask = unmasked) -> TicketEvent:
    """What a rule says of a change. It holds no body."""
    row = change.after
    now, before = _labels(row), _labels(change.before) if change.before else {}
    return TicketEvent(
        type=change.type,
        idempotency_key=f"{row.ticket_id}/{row.revision}/{rule.id}",
        rule=rule.id,
        ticket_id=row.ticket_id,
        revision=row.revision,
        status=row.status,
        changed_at=_changed_at(change),
        subject=mask(row.subject),
        summary=mask(row.summary) if row.summary else None,
        customer_id=mask(row.customer_id) if row.customer_id else None,
        channel=row.source,
        tags=tuple(map(mask, row.tags)),
        stated_priority=row.stated_priority,
        labels={name: _event_label(row, name, labels) for name, labels in now.items()},
        was={
            name: before.get(name, ())
            for name in dict.fromkeys((*LABELS, *now, *before))
            if change.before and before.get(name) != now.get(name)
        },
        priority_conflict=row.priority_conflict,
        needs_review=row.needs_review,
        review_reasons=row.review_reasons,
        corrected=row.corrected,
    )


def faults_of(
    rule: Rule,
    labels_of: Callable[[str], Sequence[str]] = lambda _facet: (),
    own: Definitions = NO_TASKS,
) -> list[str]:
    """What is wrong with a rule beyond its form; `labels_of` gives the labels that a facet can have.

    Your `own` tasks are looked at only where a name is not ours.
    """
    faults = [
        fault
        for name, wanted in rule.filters.items()
        for fault in _filter_faults(name, wanted, labels_of, own)
    ]
    if rule.min_confidence is not None and not any(_has_confidence(name, own) for name in rule.filters):
        faults.append(f"min_confidence needs a filter by one of {', '.join(sorted(CONFIDENCES))}")
    ours = (*LABELS, *PLAIN_NAMES)
    return faults + [
        f"there is nothing called {{{name}}}; there are: {', '.join((*ours, *own))}"
        for template in _templates(rule)
        for name in names_in(template)
        if name not in ours and name not in own
    ]


def _has_confidence(name: str, own: Definitions) -> bool:
    return FACETS[name] in CONFIDENCES if name in FACETS else name in own


def _filter_faults(
    name: str, wanted: Sequence[str], labels_of: Callable[[str], Sequence[str]], own: Definitions
) -> list[str]:
    facet = FACETS.get(name)
    if facet is None and name not in own:
        there_are = ", ".join(sorted({*FACETS, *own}))
        return [f"filters: there is no filter {name!r}; there are: {there_are}"]
    known = own[name].labels if facet is None else VOCABULARIES.get(facet) or labels_of(facet)
    return [
        f"filters: there is no {name} {label!r}; there are: {', '.join(known)}"
        for label in wanted
        if known and label not in known and not (facet in NAMES_OF_TASKS and label in own)
    ]


def _templates(rule: Rule) -> list[str]:
    target = rule.send
    if isinstance(target, SlackTarget):
        return [target.text]
    if isinstance(target, WriteBack):
        note = getattr(target, "note", None) or getattr(target, "comment", None)
        return [*target.tags, *([note] if note else [])]
    return []


def _labels(row: EffectiveRow) -> dict[str, tuple[str, ...]]:
    """The labels of each task that gave any."""
    found: dict[str, list[str]] = {}
    for facet in sorted(facets_of(row)):
        name, _, label = facet.partition("=")
        if name in LABELS or name in row.custom:
            found.setdefault(name, []).append(label)
    return {name: tuple(labels) for name, labels in found.items()}


def _event_label(row: EffectiveRow, name: str, labels: tuple[str, ...]) -> EventLabel:
    if own := row.custom.get(name):
        return EventLabel(labels=labels, confidence=own.confidence, source=own.source)
    confidence = getattr(row, CONFIDENCES[name], None) if name in CONFIDENCES else None
    return EventLabel(labels=labels, confidence=confidence, source=getattr(row, f"{name}_source", None))


def _changed_at(change: Change) -> datetime:
    spoken = [each.at for each in change.after.person.values()]
    return max(spoken) if change.type is ChangeType.CORRECTED and spoken else change.after.processed_at
