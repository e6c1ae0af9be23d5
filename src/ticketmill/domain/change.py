"""A change of a ticket's row: what it said before, and what it says now."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.domain.labels import Status


class ChangeType(StrEnum):
    """What happened to a ticket: also the detail types of its events."""

    ENRICHED = "TicketEnriched"
    """A model spoke: a new upload, or the same one enriched again."""
    CORRECTED = "TicketCorrected"
    """A person spoke."""
    REJECTED = "TicketRejected"
    """The latest upload can never be enriched, and no earlier one was."""
    FAILED = "TicketFailed"
    """The attempts so far failed, and no enrichment exists."""


@dataclass(frozen=True, slots=True)
class Change:
    """`before` is None where the ticket is new."""

    before: EffectiveRow | None
    after: EffectiveRow

    @property
    def type(self) -> ChangeType:
        """What happened."""
        if self.before is not None and self.before.person != self.after.person:
            return ChangeType.CORRECTED
        if self.after.status == Status.REJECTED:
            return ChangeType.REJECTED
        return ChangeType.FAILED if self.after.status == Status.FAILED else ChangeType.ENRICHED
