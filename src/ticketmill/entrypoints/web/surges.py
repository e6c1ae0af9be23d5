"""Surges: which there are, and what people say of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from ticketmill.domain.errors import SetupError, TransientFailure
from ticketmill.domain.surge import SurgeRecord, SurgeState, SurgeVerdict, current_first
from ticketmill.entrypoints.web.caller import MAY_CORRECT, MAY_READ, Person
from ticketmill.entrypoints.web.parts import API, Parts, WebParts
from ticketmill.operations.surge_records import SurgeRecords

KEPT_FOR = timedelta(seconds=5)
MAX_LISTED = 200
MAX_SNOOZED_HOURS = 24 * 28
SNOOZED_HOURS = 2.0

SurgeId = Annotated[
    str, Path(pattern=r"^\d{8}-[0-9a-f]{6}$", max_length=15, description="As in `20261129-1a2b3c`.")
]

router = APIRouter(prefix=API, tags=["surges"])


class SurgeAnswer(SurgeRecord):
    """A surge, and where it stands now."""

    state: SurgeState
    """Where it stands now."""

    @classmethod
    def of(cls, record: SurgeRecord, now: datetime) -> SurgeAnswer:
        return cls.model_validate(record.as_json(now))


class Surges(BaseModel):
    """Surges: those that are open first, of each state the latest first."""

    surges: list[SurgeAnswer]


class Snooze(BaseModel):
    """For how long."""

    hours: Annotated[float, Field(gt=0, le=MAX_SNOOZED_HOURS)] = SNOOZED_HOURS
    """Hours."""


@dataclass
class RecentSurges:
    """The last surges, kept for some seconds: every page shows those that are open."""

    records: Callable[[], SurgeRecords]
    now: Callable[[], datetime]
    kept_for: timedelta = KEPT_FOR
    _kept: tuple[datetime, Sequence[SurgeRecord]] | None = field(default=None, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def get(self) -> Sequence[SurgeRecord]:
        """The last 50, the open ones first; none where the stack keeps none. TransientFailure where they
        cannot be read."""
        with self._lock:
            now = self.now()
            if self._kept is None or now - self._kept[0] >= self.kept_for:
                try:
                    found = self.records().newest()
                except SetupError:
                    found = []
                except TransientFailure:
                    # not every page waits for a service that is down: some seconds go without a new look
                    self._kept = now, self._kept[1] if self._kept else ()
                    raise
                self._kept = now, found
            return current_first(self._kept[1], now)

    def forget(self) -> None:
        """The next look reads them again."""
        with self._lock:
            self._kept = None


def say_of_surge(
    request: Request, surge_id: str, verdict: SurgeVerdict, who: str, snoozed_for: timedelta | None = None
) -> SurgeRecord:
    """Records what a person says of a surge, and announces it to who listens."""
    parts: WebParts = request.app.state.parts
    record = parts.surges().say(surge_id, verdict, who, parts.now(), snoozed_for)
    request.app.state.surges.forget()
    request.app.state.feed.notice_surge(record)
    return record


@router.get("/surges", dependencies=MAY_READ)
def list_surges(
    parts: Parts,
    state: Annotated[SurgeState | None, Query(description="Where they stand.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED, description="Of so many of the last ones.")] = 50,
) -> Surges:
    """The last surges: more tickets about one thing than the weeks before let expect."""
    now = parts.now()
    found = [SurgeAnswer.of(each, now) for each in current_first(parts.surges().newest(limit), now)]
    return Surges(surges=[each for each in found if state is None or each.state is state])


@router.get("/surges/{surge_id}", dependencies=MAY_READ)
def get_surge(parts: Parts, surge_id: SurgeId) -> SurgeAnswer:
    """A surge with the ids of its tickets."""
    return SurgeAnswer.of(parts.surges().find(surge_id), parts.now())


@router.post("/surges/{surge_id}/acknowledge", dependencies=MAY_CORRECT)
def acknowledge_surge(request: Request, parts: Parts, person: Person, surge_id: SurgeId) -> SurgeAnswer:
    """Says that somebody knows of it. It takes back what was said before."""
    return SurgeAnswer.of(say_of_surge(request, surge_id, SurgeVerdict.ACKNOWLEDGE, person), parts.now())


@router.post("/surges/{surge_id}/snooze", dependencies=MAY_CORRECT)
def snooze_surge(
    request: Request, parts: Parts, person: Person, surge_id: SurgeId, said: Snooze
) -> SurgeAnswer:
    """Says that nobody wants to hear of it for some hours."""
    hours = timedelta(hours=said.hours)
    return SurgeAnswer.of(say_of_surge(request, surge_id, SurgeVerdict.SNOOZE, person, hours), parts.now())


@router.post("/surges/{surge_id}/dismiss", dependencies=MAY_CORRECT)
def dismiss_surge(request: Request, parts: Parts, person: Person, surge_id: SurgeId) -> SurgeAnswer:
    """Says that it is no surge. Its topic raises no alarm for 28 days, unless p is a thousandth or less."""
    return SurgeAnswer.of(say_of_surge(request, surge_id, SurgeVerdict.DISMISS, person), parts.now())
