"""The pipeline's ports in memory: short, and honest about what the real ones refuse."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock

import numpy as np

from ticketmill.aws.memory import MemoryEnrichedTickets as FakeEnrichedTickets
from ticketmill.aws.memory import MemoryRawTickets
from ticketmill.aws.memory import MemoryTicketRows as FakeRows
from ticketmill.domain.backfill import Selection
from ticketmill.domain.enrichment import Enrichment, LatencyMs
from ticketmill.domain.labels import Status
from ticketmill.domain.message import (
    SQS_MAX_BATCH,
    Announcement,
    BackfillRequest,
    Extension,
    Ignored,
    Message,
    Upload,
    Uploads,
)
from ticketmill.domain.ticket import Ticket
from ticketmill.pipeline.learned import NOTHING_LEARNED, Learned

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
BUCKET = "raw"
VISIBILITY_TIMEOUT_S = 7777

__all__ = ["FakeEnrichedTickets", "FakeRows"]


class FakeRawTickets(MemoryRawTickets):
    def drop(self, key: str, content: object, at: datetime = NOW) -> Message:
        """Stores `content` (bytes as they are, all else as JSON) and gives the message that announces it."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.put(key, body, at)
        return announce(key, message_id=f"m{self.versions}")


@dataclass
class FakeQueue:
    """Hands out each waiting message once, ten at a time as SQS does."""

    waiting: list[Message] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    released: list[tuple[str, int]] = field(default_factory=list)
    extended: list[str] = field(default_factory=list)
    expired: set[str] = field(default_factory=set)
    """Ids whose receipts hold nothing any more."""
    lock: Lock = field(default_factory=Lock)

    def receive(
        self, max_messages: int, wait_s: float, visibility_timeout_s: int | None = None
    ) -> list[Message]:
        _ = visibility_timeout_s
        with self.lock:
            taken = self.waiting[: min(10, max_messages)]
            self.waiting = self.waiting[len(taken) :]
        if not taken:
            time.sleep(min(wait_s, 0.01))
        return taken

    def acknowledge(self, messages: Sequence[Message]) -> set[str]:
        deleted = [each.message_id for each in messages if each.message_id not in self.expired]
        self.acknowledged += deleted
        return set(deleted)

    def extend(self, messages: Sequence[Message], timeout_s: int) -> Extension:
        assert 1 <= len(messages) <= SQS_MAX_BATCH
        _ = timeout_s
        ids = {each.message_id for each in messages}
        self.extended += [each.message_id for each in messages if each.message_id not in self.expired]
        return Extension(frozenset(ids - self.expired), frozenset(ids & self.expired))

    def release(self, messages: Sequence[Message], delay_s: int) -> set[str]:
        ours = [each.message_id for each in messages if each.message_id not in self.expired]
        self.released += [(message_id, delay_s) for message_id in ours]
        return set(ours)

    def is_empty(self) -> bool:
        return not self.waiting


@dataclass
class FakeEnricher:
    """Enriches everything alike; a ticket whose body says `poison` fails the whole batch."""

    fingerprint: str = "f1"
    status: Status = Status.ENRICHED
    seen: list[str] = field(default_factory=list)

    def enrich(self, tickets: Sequence[Ticket], learned: Learned = NOTHING_LEARNED) -> list[Enrichment]:
        if any("poison" in ticket.body for ticket in tickets):
            raise RuntimeError(tickets[0].body)
        self.seen += [ticket.ticket_id for ticket in tickets]
        return [
            Enrichment(
                embedding=tuple(np.zeros(4).tolist()),
                intent=None,
                urgency=None,
                sentiment=None,
                topics=(),
                summary=None,
                language=None,
                tokens=1,
                truncated=False,
                windows=1,
                needs_review=False,
                status=self.status,
                fingerprint=learned.rollout.fingerprint_for(self.fingerprint, each.ticket_id),
                rollout_serial=learned.rollout.serial,
                models=learned.names_for(each.ticket_id),
                arms=learned.arms_for(each.ticket_id),
                processed_at=NOW,
                latency_ms=LatencyMs(encode=1.0, heads=1.0),
            )
            for each in tickets
        ]


def announce(*keys: str, message_id: str = "m", receive_count: int = 1) -> Message:
    """A message that announces uploads of `keys`."""
    sent_at = NOW - timedelta(seconds=1)
    return Message(message_id, json.dumps(keys), f"receipt-{message_id}", receive_count, sent_at)


def decode(body: str) -> Announcement:
    """What a message made by `announce` or `encode_backfill` says; ValueError for any other body."""
    document = json.loads(body)
    if isinstance(document, list):
        uploads = tuple(Upload(BUCKET, key, key) for key in document)
        return Uploads(uploads) if uploads else Ignored("nothing")
    if isinstance(document, dict) and "selection" in document:
        selection = Selection.model_validate(document["selection"])
        return BackfillRequest(selection, document["run"], document["token"])
    raise ValueError("expected a list of keys")


def encode_backfill(request: BackfillRequest) -> str:
    """The body that `decode` reads as `request`."""
    selection = request.selection.model_dump(mode="json")
    return json.dumps({"selection": selection, "run": request.run, "token": request.token})


def ticket(ticket_id: str, body: str = "The printer is on fire.") -> dict[str, str]:
    return {"ticket_id": ticket_id, "subject": "Help", "body": body}
