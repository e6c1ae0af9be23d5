"""When a task is trained again. Training never promotes: a new version only competes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby

from ticketmill.domain.dataset import Dataset
from ticketmill.domain.label import Correction, CorrectionKind, replay


class Trigger(StrEnum):
    """Why a task is trained, the most pressing first."""

    BY_HAND = "by_hand"
    NEW_LABEL = "new_label"
    AUDITS = "audits"
    DRIFT = "drift"
    LABELS = "labels"
    GROWTH = "growth"
    AGE = "age"


@dataclass(frozen=True, slots=True)
class TriggerPolicy:
    """What must have come together before a task is trained again."""

    new_labels: int = 200
    growth: float = 0.2
    """New labels as a share of those in the last dataset."""
    min_growth_labels: int = 20
    """A small dataset does not grow by a handful of labels."""
    new_label_examples: int = 5
    """So many examples a label must have that no dataset had before."""
    max_age: timedelta = timedelta(days=7)
    """An older dataset is built again where there is any new label."""
    cool_down: timedelta = timedelta(hours=1)
    """From the end of a training to the next one, but for one by hand."""


@dataclass(frozen=True, slots=True)
class TrainingState:
    """What is known of a task when somebody asks whether it is due."""

    task: str
    trained_on: int = 0
    """Examples of the last dataset; 0 where there is none."""
    built_at: datetime | None = None
    """When that was built."""
    new: dict[str, int] = field(default_factory=dict)
    """Tickets that people have spoken of since then, by the label that they gave."""
    new_tickets: int = 0
    """All of them; a ticket with several labels counts once."""
    known_labels: frozenset[str] = frozenset()
    """The labels of the last dataset."""
    drifted: bool = False
    audits_fell_short: bool = False
    by_hand: bool = False
    last_end: datetime | None = None
    """When the last training ended."""


@dataclass(frozen=True, slots=True)
class Due:
    """A reason for a training, in a word and in a sentence."""

    trigger: Trigger
    reason: str


def due(state: TrainingState, now: datetime, policy: TriggerPolicy | None = None) -> Due | None:
    """Why the task should be trained now; None where it should not."""
    policy = policy or TriggerPolicy()
    if state.by_hand:
        return Due(Trigger.BY_HAND, "somebody asked for it")
    if state.last_end is not None and now - state.last_end < policy.cool_down:
        return None
    return next(
        (
            Due(trigger, reason)
            for trigger, reason in (
                (Trigger.NEW_LABEL, _new_label(state, policy)),
                (Trigger.AUDITS, _audits(state)),
                (Trigger.DRIFT, _drift(state)),
                (Trigger.LABELS, _labels(state, policy)),
                (Trigger.GROWTH, _growth(state, policy)),
                (Trigger.AGE, _age(state, now, policy)),
            )
            if reason
        ),
        None,
    )


def state_of(
    task: str,
    journal: Iterable[Correction],
    newest: Dataset | None,
    *,
    drifted: bool = False,
    audits_fell_short: bool = False,
    by_hand: bool = False,
    last_end: datetime | None = None,
) -> TrainingState:
    """The state of a task, from the journal and its newest dataset."""
    built_at = None if newest is None else newest.built_at
    new: dict[str, int] = {}
    new_tickets = 0
    for _, corrections in groupby(journal, key=lambda each: each.ticket_id):
        spoken = replay(corrections).get(task)
        if spoken is None or spoken.kind == CorrectionKind.CANNOT_TELL:
            continue
        if built_at is None or spoken.at > built_at:
            new_tickets += 1
            for label in spoken.labels:
                new[label] = new.get(label, 0) + 1
    return TrainingState(
        task=task,
        trained_on=0 if newest is None else newest.examples,
        built_at=built_at,
        new=new,
        new_tickets=new_tickets,
        known_labels=frozenset(() if newest is None else newest.labels),
        drifted=drifted,
        audits_fell_short=audits_fell_short,
        by_hand=by_hand,
        last_end=last_end,
    )


def _new_label(state: TrainingState, policy: TriggerPolicy) -> str:
    if not state.known_labels:
        return ""
    found = sorted(
        label
        for label, count in state.new.items()
        if label not in state.known_labels and count >= policy.new_label_examples
    )
    return f"the last dataset has no {', '.join(found)}" if found else ""


def _audits(state: TrainingState) -> str:
    is_short = state.audits_fell_short and state.new_tickets
    return "audits show a lower accuracy than the confidences promise" if is_short else ""


def _drift(state: TrainingState) -> str:
    return "texts or predictions have drifted" if state.drifted and state.new_tickets else ""


def _labels(state: TrainingState, policy: TriggerPolicy) -> str:
    is_due = state.new_tickets >= policy.new_labels
    return f"{state.new_tickets} new labels, and {policy.new_labels} are enough" if is_due else ""


def _growth(state: TrainingState, policy: TriggerPolicy) -> str:
    if not state.trained_on or state.new_tickets < policy.min_growth_labels:
        return ""
    growth = state.new_tickets / state.trained_on
    is_due = growth >= policy.growth
    return f"the labels grew by {growth:.0%}, and {policy.growth:.0%} is enough" if is_due else ""


def _age(state: TrainingState, now: datetime, policy: TriggerPolicy) -> str:
    if state.built_at is None or not state.new_tickets or now - state.built_at < policy.max_age:
        return ""
    return f"the last dataset is {(now - state.built_at).days} days old"
