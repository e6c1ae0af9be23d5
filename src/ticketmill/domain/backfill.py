"""Which objects of the raw bucket to enrich again, or for the first time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, model_validator

from ticketmill.domain.keys import TICKETS_PREFIX
from ticketmill.domain.labels import Status
from ticketmill.domain.records import Frozen

SelectableStatus = Literal[Status.PARTIAL, Status.REJECTED, Status.FAILED]
Seconds = Annotated[float, Field(ge=0, le=1e10)]


class Selection(Frozen):
    """Any one of the reasons (`everything`, `missing`, `outdated`, `statuses`) selects an object.

    The other fields narrow the selection. `after` is a key: objects up to and including it are skipped.
    A repeated request, such as the schedule's, gives ages in seconds. `at` turns them into times, once, so
    that a long run does not move its own boundaries.
    """

    everything: bool = False
    missing: bool = False
    """Objects that the table does not know: no row, or a row of earlier uploads only."""
    outdated: bool = False
    """Objects that another bundle enriched."""
    statuses: frozenset[SelectableStatus] = frozenset()
    prefix: str = TICKETS_PREFIX
    after: str = ""
    uploaded_since: AwareDatetime | None = None
    uploaded_until: AwareDatetime | None = None
    """Both ends are included, and count in whole seconds, as S3 does."""
    min_age_s: Seconds = 0
    max_age_s: Seconds | None = None
    force: bool = False
    """Enrich again even what this bundle has enriched already."""

    @model_validator(mode="after")
    def _has_a_reason(self) -> Selection:
        if not (self.everything or self.missing or self.outdated or self.statuses):
            raise ValueError("expected one of everything, missing, outdated and statuses")
        return self

    def at(self, now: datetime) -> Selection:
        """The same selection with times in place of ages."""
        changes: dict[str, object] = {"min_age_s": 0.0, "max_age_s": None}
        if self.max_age_s is not None:
            oldest = now - timedelta(seconds=self.max_age_s)
            changes["uploaded_since"] = max(oldest, self.uploaded_since or oldest)
        if self.min_age_s:
            newest = now - timedelta(seconds=self.min_age_s)
            changes["uploaded_until"] = min(newest, self.uploaded_until or newest)
        return self.model_copy(update=changes)

    def covers(self, last_modified: datetime) -> bool:
        """Whether an object uploaded at `last_modified` lies between the two times."""
        since, until = self.uploaded_since, self.uploaded_until
        if since is not None and last_modified < since.replace(microsecond=0):
            return False
        return until is None or last_modified <= until
