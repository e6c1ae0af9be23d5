"""A ticket on which a shadow and the serving model disagree: labels and confidences, and no text."""

from __future__ import annotations

from datetime import datetime

from ticketmill.domain.records import Record


class Disagreement(Record):
    """What two models say of one ticket, under `learning/disagreements/`."""

    ticket_id: str
    """The ticket."""
    task: str
    """The task."""
    served_by: str
    """The model that predicts, as on the row."""
    served: tuple[str, ...]
    """What it says."""
    served_confidence: float | None = None
    """How sure it is; null for several labels."""
    shadow: str
    """The version that is tried, as in `intent/v3`."""
    says: tuple[str, ...]
    """What that one says."""
    confidence: float | None = None
    """How sure it is; null for several labels."""
    at: datetime
    """When."""
