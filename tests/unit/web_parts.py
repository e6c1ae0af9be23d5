"""What the web server works with, in memory."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from fakes import FakeEnricher
from learned_versions import memory_store

from ticketmill.aws.learning_memory import MemoryLearningItems
from ticketmill.aws.memory import (
    MemoryDeliveries,
    MemoryEnrichedTickets,
    MemoryLabelJournal,
    MemoryRawTickets,
    MemoryTicketRows,
)
from ticketmill.aws.sqs import QueueDepths
from ticketmill.bootstrap.job_queues import JobDesk, QueueName
from ticketmill.bootstrap.search import Search
from ticketmill.domain.dataset import TaskDefinition
from ticketmill.domain.effective_row import index_attributes
from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.intake import Intake
from ticketmill.domain.keys import utc_text
from ticketmill.domain.labels import Sentiment, Status, Urgency
from ticketmill.domain.row import RawVersion, TicketRow
from ticketmill.entrypoints.web.background import BackgroundEnricher
from ticketmill.entrypoints.web.model_desk import ModelDesk
from ticketmill.entrypoints.web.parts import WebParts
from ticketmill.learning.catalogue import Catalogue
from ticketmill.learning.drift import Check, DriftReport
from ticketmill.learning.drift_history import KeptReport
from ticketmill.learning.drift_plot import DriftPoint
from ticketmill.learning.gates import GateResult
from ticketmill.learning.rollout import RolloutDesk
from ticketmill.learning.store import LearningStore
from ticketmill.operations.corrections import CorrectableTask, Corrections
from ticketmill.operations.own_tasks import CorrectableTasks
from ticketmill.operations.surge_records import SurgeRecords
from ticketmill.pipeline.learned import NOTHING_LEARNED, Learned
from ticketmill.queries.history import TicketHistory
from ticketmill.queries.tickets import TicketQueries
from ticketmill.settings import Settings

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TASKS = {
    "intent": CorrectableTask("intent", ("bug_report", "login_issue", "payment_issue")),
    "urgency": CorrectableTask("urgency", tuple(Urgency)),
    "sentiment": CorrectableTask("sentiment", tuple(Sentiment)),
    "topics": CorrectableTask("topics", ("billing", "mobile", "vip"), is_many=True),
}


@dataclass
class MemoryIndex:
    """The index of the rows as they are now."""

    rows: MemoryTicketRows

    def search(
        self,
        labels: Mapping[str, Sequence[str]],
        since: datetime,
        older_than: str | None = None,
        expected: int = 50,
        most_entries: int | None = None,
    ) -> Generator[tuple[str, str | None], None, None]:
        del expected, labels  # it may know less than the rows
        for looked_through, (position, row) in enumerate(self._between(since, older_than), start=1):
            yield position, row.ticket_id
            if looked_through == most_entries:
                yield position, None
                return

    def facets(
        self, since: datetime, older_than: str | None = None, most_entries: int | None = None
    ) -> Generator[tuple[str, Iterable[str]], None, None]:
        del most_entries
        for position, row in self._between(since, older_than):
            yield position, index_attributes(row)["facets"]

    def count(self, statuses: Iterable[str], since: datetime) -> dict[str, int]:
        found = [str(row.status) for row in self.rows.rows.values() if row.received_at >= since]
        return {status: found.count(status) for status in statuses}

    def _between(self, since: datetime, older_than: str | None) -> list[tuple[str, TicketRow]]:
        positions = ((index_attributes(row)["position"], row) for row in self.rows.rows.values())
        return sorted(
            (
                (position, row)
                for position, row in positions
                if position >= utc_text(since) and (older_than is None or position < older_than)
            ),
            reverse=True,
            key=lambda each: each[0],
        )


@dataclass
class FakeDrift:
    """Gives what it is told to, and counts how often. Without checks there are too few tickets."""

    checks: tuple[Check, ...] = ()
    points: Sequence[DriftPoint] = ()
    reports: Sequence[KeptReport] = ()
    asked: int = 0

    def kept(self) -> Sequence[KeptReport]:
        return self.reports

    def report(self, since: datetime, newest_tickets: int, alpha: float) -> DriftReport:
        del since
        self.asked += 1
        if not self.checks:
            raise LearningRefused(LearningCode.TOO_FEW_TICKETS, "drift needs 50 tickets on each side")
        return DriftReport(self.checks, alpha, 500, newest_tickets)

    def history(self, since: datetime, newest_tickets: int, alpha: float) -> Sequence[DriftPoint]:
        del since, newest_tickets, alpha
        return self.points


@dataclass
class MemorySender:
    """A queue of jobs: what was sent to it."""

    sent: list[str] = field(default_factory=list)

    def send(self, body: str) -> None:
        self.sent.append(body)


@dataclass
class WebWorld:
    """A place in memory, and the parts of a server over it."""

    rows: MemoryTicketRows = field(default_factory=MemoryTicketRows)
    raw: MemoryRawTickets = field(default_factory=MemoryRawTickets)
    enriched: MemoryEnrichedTickets = field(default_factory=MemoryEnrichedTickets)
    enricher: Any = field(default_factory=FakeEnricher)
    own: dict[str, TaskDefinition] = field(default_factory=dict)
    learning: LearningStore = field(default_factory=memory_store)
    surges: SurgeRecords = field(default_factory=lambda: SurgeRecords(MemoryLearningItems()))
    drift: Any = field(default_factory=FakeDrift)
    search: Callable[[], Search] | None = None
    gates: Sequence[GateResult] = ()
    learned: Learned = NOTHING_LEARNED
    job_queues: dict[QueueName, MemorySender] = field(
        default_factory=lambda: {"training": MemorySender(), "prediction": MemorySender()}
    )
    now: datetime = NOON

    def parts(self, enricher: BackgroundEnricher | None = None, **settings: Any) -> WebParts:
        """The parts; `settings` are those of the server."""
        journal = MemoryLabelJournal(self.rows)
        return WebParts(
            settings=Settings(**{"web_list_kept_s": 0, **settings}),
            queries=TicketQueries(MemoryIndex(self.rows), self.rows, own=self.own),
            corrections=Corrections(self.rows, journal, CorrectableTasks(TASKS, self.own), lambda: self.now),
            records=self.enriched,
            raw_bucket=self.raw.bucket,
            raw_tickets=self.raw,
            intake=Intake(),
            enricher=enricher or BackgroundEnricher(lambda: self.enricher),
            history=TicketHistory(self.raw, self.enriched, journal),
            deliveries=MemoryDeliveries(),
            queue=self,
            dead_letters=self,
            models=self.models,
            jobs=lambda: JobDesk(self.learning.jobs, self.job_queues),
            surges=lambda: self.surges,
            drift=lambda: self.drift,
            search=self.search,
            learned=lambda: self.learned,
            now=lambda: self.now,
        )

    def models(self) -> ModelDesk:
        """The learned models. A version passes the gates that `gates` gives."""
        catalogue = Catalogue(self.learning, tuple(TASKS))
        rollouts = RolloutDesk(self.learning)
        return ModelDesk(catalogue, rollouts, lambda _: lambda _: self.gates, now=lambda: self.now)

    def depths(self) -> QueueDepths:
        """Of a queue with three messages."""
        return QueueDepths(visible=2, in_flight=1, delayed=0)

    def put(self, ticket_id: str, minutes_ago: float = 0, **fields: Any) -> TicketRow:
        """Stores an enriched row."""
        at = self.now - timedelta(minutes=minutes_ago)
        raw = RawVersion(
            bucket="raw", key=f"tickets/{ticket_id}.json", version_id="v1", etag="e", last_modified=at
        )
        usual: dict[str, Any] = {
            "status": Status.ENRICHED,
            "subject": "Cannot log in",
            "intent": "login_issue",
            "intent_confidence": 0.9,
            "urgency": Urgency.HIGH,
            "urgency_confidence": 0.8,
            "sentiment": Sentiment.NEUTRAL,
            "summary": "The writer cannot log in.",
        }
        row = TicketRow(
            ticket_id=ticket_id, raw=raw, content_hash="0f", processed_at=at, **{**usual, **fields}
        )
        self.rows.rows[ticket_id] = row
        return row
