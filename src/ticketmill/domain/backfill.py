"""Which objects of the raw bucket are to be enriched again, or at last."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ticketmill.domain.keys import TICKETS_PREFIX
from ticketmill.domain.labels import Status
from ticketmill.domain.records import Frozen

Redoable = Literal[Status.PARTIAL, Status.REJECTED, Status.FAILED]
Seconds = Annotated[float, Field(ge=0, le=1e10)]


class Selection(Frozen):
    """Of the reasons (`everything`, `missing`, `outdated`, `statuses`) any one will do; the rest narrows.

    Ages are counted from the upload. `after` is a key: those up to it are passed over.
    """

    everything: bool = False
    missing: bool = False
    """What the table does not know: no row, or one that tells of earlier uploads alone."""
    outdated: bool = False
    """What another bundle enriched."""
    statuses: frozenset[Redoable] = frozenset()
    prefix: str = TICKETS_PREFIX
    after: str = ""
    min_age_s: Seconds = 0
    max_age_s: Seconds | None = None

    @model_validator(mode="after")
    def _has_a_reason(self) -> Selection:
        if not (self.everything or self.missing or self.outdated or self.statuses):
            raise ValueError("expected one of everything, missing, outdated and statuses")
        return self
