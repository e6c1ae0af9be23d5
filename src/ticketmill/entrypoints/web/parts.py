"""What the routes work with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Protocol

from fastapi import Depends, Request

from ticketmill.pipeline.learned import Learned
from ticketmill.text.mask import Mask

if TYPE_CHECKING:
    from ticketmill.aws.sqs import QueueDepths
    from ticketmill.bootstrap.job_queues import JobDesk
    from ticketmill.bootstrap.search import Search
    from ticketmill.domain.gap_report import GapReport
    from ticketmill.domain.intake import Intake
    from ticketmill.domain.message import RawObject, Upload
    from ticketmill.domain.ticket_map import TicketMap
    from ticketmill.entrypoints.web.background import BackgroundEnricher
    from ticketmill.entrypoints.web.model_desk import ModelDesk
    from ticketmill.learning.drift import DriftReport
    from ticketmill.learning.drift_history import KeptReport
    from ticketmill.learning.drift_plot import DriftPoint
    from ticketmill.learning.sampling import Suspect
    from ticketmill.operations.corrections import Corrections
    from ticketmill.operations.surge_records import SurgeRecords
    from ticketmill.queries.history import TicketHistory
    from ticketmill.queries.tickets import TicketQueries
    from ticketmill.settings import Settings


API = "/api/v1"
"""What the paths of the API begin with."""


class RawBucket(Protocol):
    """The bucket of raw tickets, for dropping one and for reading it."""

    def put(self, key: str, body: bytes) -> object: ...

    def fetch(self, upload: Upload, max_bytes: int) -> RawObject | None: ...


class EnrichedObjects(Protocol):
    """The full enrichments by their keys."""

    def get(self, key: str) -> bytes: ...


class Deliveries(Protocol):
    """Which webhook deliveries were taken in."""

    def is_known(self, source: str, delivery_id: str) -> bool: ...

    def note(self, source: str, delivery_id: str) -> None: ...


class Queue(Protocol):
    """A queue whose messages can be counted."""

    def depths(self) -> QueueDepths: ...


class Drift(Protocol):
    """Compares the newest tickets with a reference."""

    def report(self, since: datetime, newest_tickets: int, alpha: float) -> DriftReport: ...

    def history(self, since: datetime, newest_tickets: int, alpha: float) -> list[DriftPoint]: ...

    def kept(self) -> list[KeptReport]: ...


async def parts_of(request: Request) -> WebParts:
    """The parts that a request's app was made with."""
    parts: WebParts = request.app.state.parts
    return parts


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class WebParts:
    """Everything that a request may need. Every part may be used by many threads."""

    settings: Settings
    queries: TicketQueries
    corrections: Corrections
    records: EnrichedObjects
    raw_bucket: str
    """The name of the bucket of raw tickets."""
    raw_tickets: RawBucket
    intake: Intake
    enricher: BackgroundEnricher
    history: TicketHistory
    deliveries: Deliveries
    queue: Queue
    dead_letters: Queue
    models: Callable[[], ModelDesk]
    """The learned models. SetupError where the stack keeps none yet."""
    jobs: Callable[[], JobDesk]
    """The jobs of learning. SetupError where the stack keeps none yet."""
    surges: Callable[[], SurgeRecords]
    """The surges that were found. SetupError where the stack has no learning table yet."""
    drift: Callable[[], Drift]
    """Judges drift. SetupError where the stack has no corrections yet."""
    gaps: Callable[[], GapReport | None] = lambda: None
    """What the taxonomy lacks; None where nobody has looked. SetupError where the stack keeps nothing yet."""
    ticket_map: Callable[[], TicketMap | None] = lambda: None
    """The last map of tickets; None where nobody has drawn one. SetupError as above."""
    learned: Callable[[], Learned] = Learned
    """What serves now in the place of the bundle's models."""
    suspects: Callable[[], Sequence[Suspect]] = tuple
    """Labels of people that a model doubts."""
    search: Callable[[], Search] | None = None
    """Search over the index. None where the extra `search` is not installed."""
    mask: Mask = field(default_factory=Mask)
    """Hides what people and other systems may not see."""
    now: Callable[[], datetime] = _now


Parts = Annotated[WebParts, Depends(parts_of)]
"""The parts, as an argument of a route."""
