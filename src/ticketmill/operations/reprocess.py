"""Enriching what a backfill chose: by announcing it to the workers, or in this process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import takewhile
from threading import Event

from ticketmill.batching import side_by_side
from ticketmill.domain.message import Message
from ticketmill.operations.backfill import Announce, Chosen, Page, Reason, Unknown, in_batches, named_id
from ticketmill.pipeline.outcome import Outcome, Result

ENQUEUED = "enqueued"


@dataclass(frozen=True, slots=True)
class Reprocessed:
    """What became of one object: `result` is `enqueued` or a Result; `reason` says why it failed."""

    ticket_id: str
    result: str
    reason: str | None = None


Reprocess = Callable[[Sequence[Chosen]], list[Reprocessed]]


@dataclass
class Report:
    """A run in numbers. `after` is the key up to which everything is done; the next run may start there."""

    looked_at: int = 0
    chosen: Counter[Reason] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)
    failed: list[Unknown] = field(default_factory=list)
    rejected: list[Unknown] = field(default_factory=list)
    after: str = ""

    def add(self, page: Page, reprocessed: Sequence[Reprocessed]) -> None:
        """Counts the next page in the order of the keys, and what became of its chosen objects."""
        self.looked_at += page.looked_at
        self.after = page.last_key
        self.chosen.update(each.reason for each in page.chosen)
        self.results.update(each.result for each in reprocessed)
        self.failed += page.unknown
        problems = {Result.FAILED: self.failed, Result.REJECTED: self.rejected}
        for each in reprocessed:
            if each.result in problems:
                problems[Result(each.result)].append(Unknown(each.ticket_id, each.reason or "unknown"))


def enqueue(
    announce: Announce, send_many: Callable[[Sequence[str]], list[str | None]], *, force: bool = False
) -> Reprocess:
    """Announces objects to the workers; `send_many` gives None for what was sent, or why it was not."""

    def reprocess(chosen: Sequence[Chosen]) -> list[Reprocessed]:
        reasons = send_many([announce(each.key, force) for each in chosen])
        return [
            Reprocessed(named_id(each), ENQUEUED if reason is None else Result.FAILED, reason)
            for each, reason in zip(chosen, reasons, strict=True)
        ]

    return reprocess


def inline(
    announce: Announce,
    process_batch: Callable[[Sequence[Message]], list[Outcome]],
    *,
    force: bool = False,
) -> Reprocess:
    """Enriches objects as a worker would. A failure is noted on the row; nothing retries it by itself."""

    def reprocess(chosen: Sequence[Chosen]) -> list[Reprocessed]:
        now = datetime.now(UTC)
        messages = [Message(each.key, announce(each.key, force), "", 1, now) for each in chosen]
        return [
            Reprocessed(each.ticket_id or each.message.message_id, each.result, each.reason)
            for each in process_batch(messages)
        ]

    return reprocess


def work_through(
    pages: Iterable[Page], reprocess: Reprocess, batch_size: int, worker_threads: int, stopping: Event
) -> Iterator[tuple[Page, list[Reprocessed]]]:
    """Each page, of `batch_size` chosen objects at the most, and what became of them, in order.

    `worker_threads` of them run at once. Once `stopping` is set they are finished, and at most one more is
    begun, which was taken already.
    """
    wanted = takewhile(lambda _: not stopping.is_set(), in_batches(pages, batch_size))
    return side_by_side(wanted, lambda page: reprocess(page.chosen) if page.chosen else [], worker_threads)
