"""How many tickets have which label, in all and over time."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from ticketmill.entrypoints.web.caller import MAY_READ
from ticketmill.entrypoints.web.filters import Period
from ticketmill.entrypoints.web.parts import API, Parts
from ticketmill.queries.label_counts import LabelCounts
from ticketmill.queries.trends import Step

MAX_ENTRIES = 20_000
"""Index entries that one count reads at the most."""

CORRECTED = "corrected"

router = APIRouter(prefix=API, tags=["counts"])


class Counts(BaseModel):
    """Counts of tickets by label."""

    tickets: int
    """Tickets that were counted."""
    needs_review: int
    """Those that a person should see."""
    corrected: dict[str, int]
    """By task, those whose label a person changed."""
    labels: dict[str, dict[str, int]]
    """By task and effective label."""

    @classmethod
    def of(cls, counts: LabelCounts) -> Counts:
        return cls(
            tickets=counts.rows,
            needs_review=counts.needs_review,
            corrected=dict(counts.labels.get(CORRECTED, {})),
            labels=counts.as_dict(),
        )


class AllCounts(Counts):
    """Counts, and from when on they hold."""

    since: datetime
    """The first moment that was counted."""
    is_complete: bool
    """False where there are more tickets than one request counts: then `since` is later than asked."""


class Bucket(Counts):
    """The counts of an hour or a day."""

    start: datetime
    """When it begins, in UTC."""


class TrendCounts(BaseModel):
    """Counts over time."""

    step: Step
    """How long each bucket is."""
    since: datetime
    """The first moment that was counted."""
    is_complete: bool
    """False where there are more tickets than one request counts: then `since` is later than asked."""
    buckets: list[Bucket]
    """The newest first; those without tickets are left out."""


class Trended(Period):
    """The query of trends."""

    step: Step = Step.DAY


@router.get("/counts", dependencies=MAY_READ)
def get_counts(parts: Parts, asked: Annotated[Period, Query()]) -> AllCounts:
    """Counts tickets by task and effective label. The newest 20,000 are counted at the most."""
    now = parts.now()
    start = asked.start(now)
    counts = parts.queries.counts(start, asked.end(now), MAX_ENTRIES)
    return AllCounts(
        **Counts.of(counts).model_dump(),
        since=counts.counted_from or start,
        is_complete=counts.counted_from is None,
    )


@router.get("/trends", dependencies=MAY_READ)
def get_trends(parts: Parts, asked: Annotated[Trended, Query()]) -> TrendCounts:
    """Counts tickets by day or hour of their upload, task and effective label."""
    now = parts.now()
    start = asked.start(now)
    trends = parts.queries.trends(start, asked.end(now), asked.step, MAX_ENTRIES)
    cut = trends.total.counted_from
    return TrendCounts(
        step=asked.step,
        since=cut or start,
        is_complete=cut is None,
        buckets=[Bucket(**Counts.of(counts).model_dump(), start=at) for at, counts in trends.buckets.items()],
    )
