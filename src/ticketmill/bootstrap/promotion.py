"""Builds the gates of a promotion, and asks both models about the audited tickets of a stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING

from ticketmill.bootstrap.adapters import Adapters, connect
from ticketmill.bootstrap.corrections import make_ticket_texts
from ticketmill.bootstrap.enricher import load_enricher
from ticketmill.bootstrap.learned import make_version_loader
from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.domain.model_card import ModelVersion
    from ticketmill.domain.ticket import Ticket
    from ticketmill.learning.audits import Audit, AuditLabel
    from ticketmill.learning.promotion import PromotionGates
    from ticketmill.learning.store import LearningStore
    from ticketmill.pipeline.enricher import Enricher
    from ticketmill.tasks.stage import EncodedTicket

    Says = Callable[[Sequence[EncodedTicket]], Sequence[tuple[str, ...]]]

ROWS_AT_ONCE = 100
TICKETS_AT_ONCE = 64


def promotion_gates(
    settings: Settings, store: LearningStore, challenger: ModelVersion, with_stack: bool
) -> PromotionGates:
    """The gates of a version. Without the stack there are no tickets, and so no audits."""
    from ticketmill.learning.audits import NoAudits
    from ticketmill.learning.gates import GateSettings
    from ticketmill.learning.promotion import PromotionGates
    from ticketmill.tasks.table import BY_NAME

    adapters = connect(settings) if with_stack else None
    return PromotionGates(
        store=store,
        challenger=challenger,
        has_bundle_model=challenger.task in BY_NAME,
        audits=NoAudits()
        if adapters is None
        else StackAudits(settings, adapters, store, challenger.task, partial(load_enricher, settings)),
        settings=GateSettings(margin=settings.promotion_margin, min_audits=settings.promotion_audits),
    )


@dataclass
class StackAudits:
    """The audits of a stack. Both models are asked about the content that the person saw, in one pass."""

    settings: Settings
    adapters: Adapters
    store: LearningStore
    task: str
    make_enricher: Callable[[], Enricher] = field(repr=False)

    def count(self) -> int:
        """How many there are."""
        return len(self._labels)

    def beside(self, champion: ModelVersion | None, challenger: ModelVersion) -> Sequence[Audit]:
        """Those whose content is still there."""
        from ticketmill.learning.audits import Audit

        enricher, found = self.make_enricher(), []
        says = [self._says(enricher, each) for each in (champion, challenger)]
        for labels, tickets in self._batches():
            encoded = enricher.encode(tickets)
            answers = zip(labels, *(each(encoded) for each in says), strict=True)
            found += [Audit(label.right, theirs, mine) for label, theirs, mine in answers]
        return found

    @cached_property
    def _labels(self) -> list[AuditLabel]:
        from ticketmill.learning.audits import audit_labels

        journal = self.adapters.label_journal
        return [] if journal is None else audit_labels(journal.walk(), self.task)

    def _batches(self) -> Iterator[tuple[list[AuditLabel], list[Ticket]]]:
        texts = make_ticket_texts(self.settings, self.adapters)
        labels, tickets = [], []
        for start in range(0, len(self._labels), ROWS_AT_ONCE):
            some = self._labels[start : start + ROWS_AT_ONCE]
            rows = self.adapters.rows.get_many([each.ticket_id for each in some])
            for label in some:
                row = rows.get(label.ticket_id)
                if row is None or row.content_hash != label.content_hash:
                    continue
                ticket = texts.of(row)
                if ticket is not None:
                    labels.append(label)
                    tickets.append(ticket)
        for start in range(0, len(labels), TICKETS_AT_ONCE):
            end = start + TICKETS_AT_ONCE
            yield labels[start:end], tickets[start:end]

    def _says(self, enricher: Enricher, version: ModelVersion | None) -> Says:
        from ticketmill.tasks.learned import labels_of

        if version is None:
            stage = enricher.served[self.task].stage
            return lambda encoded: [labels_of(each)[0] for each in stage(encoded)]
        model = make_version_loader(self.settings, self.store)(version.task, version.number)
        return lambda encoded: [chosen.names for chosen in model.choose(encoded)]
