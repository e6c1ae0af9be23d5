"""Uploads, workers of two versions, serving decisions and people around one table in memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ticketmill.aws.memory import MemoryLabelJournal, MemoryRawTickets, MemoryTicketRows
from ticketmill.domain.effective_row import EffectiveRow, effective
from ticketmill.domain.facets import facets_of
from ticketmill.domain.label import CorrectionKind
from ticketmill.domain.labels import Sentiment, Source, Status, Urgency
from ticketmill.domain.message import RawObject, Upload
from ticketmill.domain.row import Failure, FoundRows, RawVersion, TicketRow
from ticketmill.domain.serving import Provenance
from ticketmill.operations.corrections import CorrectableTask, Corrections, Speaker, Word
from ticketmill.pipeline.outcome import Result
from ticketmill.pipeline.recorder import Recorder

ID = "TKT-001"
START = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
INTENTS = ("login_issue", "payment_issue", "bug_report")
TASKS = {
    "intent": CorrectableTask("intent", INTENTS),
    "urgency": CorrectableTask("urgency", tuple(Urgency)),
    "sentiment": CorrectableTask("sentiment", tuple(Sentiment)),
    "topics": CorrectableTask("topics", ("invoices", "refunds", "passwords"), is_many=True),
}
ANN = Speaker("ann")


def label(*labels: str) -> Word:
    return Word(CorrectionKind.LABEL, labels)


CONFIRM, CANNOT_TELL, UNDO = (
    Word(kind) for kind in (CorrectionKind.CONFIRM, CorrectionKind.CANNOT_TELL, CorrectionKind.UNDO)
)


@dataclass
class OlderRows:
    """The table as a worker sees it that knows no corrections: it keeps what it does not know, and writes the
    facets of the models' labels."""

    rows: MemoryTicketRows

    def get_many(self, ticket_ids: Iterable[str]) -> FoundRows:
        found = self.rows.get_many(ticket_ids)
        return FoundRows({each: _without_person(row) for each, row in found.items()})

    def put(self, row: TicketRow, replaces: TicketRow | None) -> bool:
        written = self.rows.put(row, replaces)
        if written:
            self.rows.facets[row.ticket_id] = facets_of(row)
        return written

    def note_failure(self, ticket_id: str, failure: Failure, made_from: str | None = None) -> bool:
        return self.rows.note_failure(ticket_id, failure, made_from)


def _without_person(row: TicketRow) -> TicketRow:
    return row.model_copy(update={"person": {}})


@dataclass
class Desk:
    """Everything around the ticket TKT-001. Each step takes a minute."""

    raw: MemoryRawTickets = field(default_factory=MemoryRawTickets)
    rows: MemoryTicketRows = field(default_factory=MemoryTicketRows)
    serving: Provenance = field(default_factory=lambda: Provenance(1, 0, "f1"))
    minutes: int = 0
    attempts: int = 0

    def __post_init__(self) -> None:
        self.journal = MemoryLabelJournal(self.rows)
        self.corrections = Corrections(self.rows, self.journal, TASKS, self.now)

    def now(self) -> datetime:
        self.minutes += 1
        return START + timedelta(minutes=self.minutes)

    def upload(self, content: str = "The printer is on fire.") -> RawObject:
        return self.raw.put(f"tickets/{ID}.json", content.encode(), self.now())

    def serve(self, fingerprint: str) -> None:
        self.serving = Provenance(self.serving.serving_serial + 1, 0, fingerprint)

    def enrich(self, *, older: bool = False, force: bool = False, **predictions: Any) -> Result:
        """What a worker makes of the latest upload."""
        return self.record(self.fetched(), self.rows.get(ID), older=older, force=force, **predictions)

    def fetched(self) -> RawObject:
        found = self.raw.fetch(Upload("raw", f"tickets/{ID}.json", ""), 10_000)
        assert found is not None
        return found

    def record(
        self,
        raw: RawObject,
        current: TicketRow | None,
        serving: Provenance | None = None,
        *,
        older: bool = False,
        force: bool = False,
        **predictions: Any,
    ) -> Result:
        """Records the enrichment of `raw` by a worker that saw `current` when it began."""
        rows = OlderRows(self.rows) if older else self.rows
        if older and current is not None:
            current = _without_person(current)
        recorder = Recorder(rows, self.raw)
        serving = serving or self.serving
        resolved = recorder.resolve(current, raw, serving, force=force)
        if resolved is not None:
            return resolved
        return recorder.record(self._row(raw, serving, predictions), current, raw, force=force)

    def _row(self, raw: RawObject, serving: Provenance, predictions: dict[str, Any]) -> TicketRow:
        self.attempts += 1
        given = {"intent": "bug_report", "urgency": Urgency.LOW, "sentiment": Sentiment.NEUTRAL}
        given |= dict.fromkeys(("intent_confidence", "urgency_confidence", "sentiment_confidence"), 0.6)
        given |= {f"{name}_source": Source.HEAD for name in ("intent", "urgency", "sentiment")}
        return TicketRow(
            ticket_id=ID,
            status=Status.ENRICHED,
            raw=RawVersion.of(raw),
            content_hash=raw.content_hash,
            enriched_key=f"tickets/{ID}/{self.attempts}.json",
            fingerprint=serving.fingerprint,
            serving_serial=serving.serving_serial,
            rollout_serial=serving.rollout_serial,
            processed_at=START,
            **{**given, **predictions},
        )

    @property
    def row(self) -> EffectiveRow:
        found = self.rows.get(ID)
        assert found is not None
        return effective(found)

    @property
    def is_misindexed(self) -> bool:
        return ID in self.rows.get_many([ID]).misindexed

    def say(self, word: Word, task: str = "urgency", who: Speaker = ANN, **seen: Any) -> EffectiveRow:
        return self.corrections.correct(ID, {task: word}, who, **seen)
