"""Audits: tickets that were drawn at random, and that a person labelled without seeing what a model says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

from ticketmill.domain.label import Correction, CorrectionKind, FoundBy
from ticketmill.domain.model_card import ModelVersion


@dataclass(frozen=True, slots=True)
class AuditLabel:
    """What is right for a ticket's content."""

    ticket_id: str
    right: tuple[str, ...]
    content_hash: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What is right, and what two models say of the same content."""

    right: tuple[str, ...]
    champion: tuple[str, ...]
    challenger: tuple[str, ...]


class Audits(Protocol):
    """The audits of one task."""

    def count(self) -> int:
        """How many there are."""
        ...

    def beside(self, champion: ModelVersion | None, challenger: ModelVersion) -> Sequence[Audit]:
        """Those whose content both models can be asked about now; None is the model of the bundle."""
        ...


class NoAudits:
    """Of a place without tickets."""

    def count(self) -> int:
        return 0

    def beside(self, champion: ModelVersion | None, challenger: ModelVersion) -> Sequence[Audit]:  # noqa: ARG002
        return ()


def audit_labels(journal: Iterable[Correction], task: str) -> list[AuditLabel]:
    """The last audit of each ticket. In the journal a ticket's corrections stand together, in order."""
    of_task = (each for each in journal if each.task == task)
    tickets = groupby(of_task, key=lambda each: each.ticket_id)
    return [label for _, corrections in tickets for label in _last(list(corrections))]


def _last(corrections: list[Correction]) -> Iterator[AuditLabel]:
    undone = {each.undoes for each in corrections if each.kind == CorrectionKind.UNDO}
    for each in reversed(corrections):
        is_label = each.kind in (CorrectionKind.LABEL, CorrectionKind.CONFIRM)
        if each.found_by == FoundBy.AUDIT and is_label and each.number not in undone:
            yield AuditLabel(each.ticket_id, each.labels, each.content_hash)
            return
