"""The feed of changes: one poll of the newest tickets, however many listen.

The index is sorted by upload and cannot tell what changed last, so the feed compares revisions: it reads the
newest tickets by index and rows, and announces each whose ETag is another one than before. That shows
enrichments and corrections of any process. What this process itself corrects is announced at once, however
old the ticket is; what another process corrects of a ticket that is not among the newest is not announced.
A stream of the table would tell all changes, but only two readers may follow one: it is left to routing.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from starlette.concurrency import run_in_threadpool

from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.domain.errors import TicketmillError
from ticketmill.domain.keys import utc_text
from ticketmill.domain.surge import SurgeRecord
from ticketmill.entrypoints.web.problems import Problem
from ticketmill.entrypoints.web.rows import row_etag, row_json
from ticketmill.queries.filters import Filters
from ticketmill.queries.tickets import TicketQueries
from ticketmill.text.mask import Mask

WINDOW = 100
"""The newest tickets that are looked at: what one request for rows takes."""
LOOKED_BACK = timedelta(days=7)
MAX_LISTENERS = 200
MAX_WAITING = 1000
"""Changes that a slow listener may have before it; beyond, it is let go, and comes back where it was."""
OVERLAP = timedelta(seconds=5)
"""A listener that comes back gets the changes of so long before its last one once more."""
KEEP_ALIVE_S = 15.0
MAX_STREAM_S = 3600.0
"""A stream ends after so long, and whoever comes back shows their key again."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """A row that changed, and when that was noticed."""

    row: EffectiveRow
    noticed_at: datetime

    @property
    def kind(self) -> str:
        """`corrected` where a person's word is the latest, else the ticket's status."""
        spoken_at = max((each.at for each in self.row.person.values()), default=None)
        return "corrected" if spoken_at and spoken_at >= self.row.processed_at else str(self.row.status)

    def as_event(self, mask: Mask) -> bytes:
        """The change as server-sent events spell it."""
        head = f"id: {utc_text(self.noticed_at)}\nevent: {self.kind}\ndata: "
        return head.encode() + row_json(self.row, mask) + b"\n\n"


@dataclass(frozen=True, slots=True)
class SurgeChange:
    """A surge that changed, and when that was noticed."""

    surge: SurgeRecord
    noticed_at: datetime

    def as_event(self, _mask: Mask) -> bytes:
        """The surge as server-sent events spell it. Of its tickets it has ids, and the words of its name."""
        document = self.surge.as_json(self.noticed_at)
        data = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        return f"id: {utc_text(self.noticed_at)}\nevent: surge\ndata: {data}\n\n".encode()


Notice = Change | SurgeChange
RESET = b"event: reset\ndata: {}\n\n"
"""Tells a listener that more has changed meanwhile than can be told: it should load its list again."""


@dataclass(eq=False)
class Feed:
    """Polls while somebody listens."""

    queries: TicketQueries
    now: Callable[[], datetime]
    mask: Mask = field(default_factory=Mask)
    poll_every_s: float = 2.0
    window: int = WINDOW
    max_stream_s: float = MAX_STREAM_S
    polls: int = 0
    surges: Callable[[], Sequence[SurgeRecord]] = tuple
    """The last surges."""
    _listeners: set[asyncio.Queue[Notice | None]] = field(default_factory=set)
    _known: dict[str, str] | None = None
    _known_surges: dict[str, datetime] | None = None
    _task: asyncio.Task[None] | None = None
    _loop: asyncio.AbstractEventLoop | None = None

    def notice(self, row: EffectiveRow) -> None:
        """Announces a row that this process changed. May be called in any thread."""
        loop = self._loop
        if loop is not None and self._listeners:
            loop.call_soon_threadsafe(self._announce, [Change(row, self.now())])

    def notice_surge(self, surge: SurgeRecord) -> None:
        """Announces a surge that somebody spoke of through this process. May be called in any thread."""
        loop = self._loop
        if loop is not None and self._listeners:
            loop.call_soon_threadsafe(self._announce, [SurgeChange(surge, self.now())])

    def check_room(self) -> None:
        """Raises the problem 503 where as many listen as may."""
        if len(self._listeners) >= MAX_LISTENERS:
            after = {"Retry-After": "30"}
            raise Problem(503, "too_many_listeners", "too many listen already", "poll GET /tickets", after)

    async def listen(self, last_event_id: str | None = None) -> AsyncIterator[bytes]:
        """The changes from now on, as events; with `last_event_id` first those since then."""
        queue: asyncio.Queue[Notice | None] = asyncio.Queue(MAX_WAITING)
        self._listeners.add(queue)
        self._loop = asyncio.get_running_loop()
        try:
            # an id of its own: whoever hears of no change comes back to this moment
            begins = "" if last_event_id is not None else f"id: {utc_text(self.now())}\n"
            yield f"{begins}retry: 3000\n\n".encode()
            if last_event_id is not None:
                for missed in await run_in_threadpool(self._since, last_event_id):
                    yield missed
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._run())
            ends_at = self._loop.time() + self.max_stream_s
            while (left_s := ends_at - self._loop.time()) > 0:
                try:
                    change = await asyncio.wait_for(queue.get(), min(KEEP_ALIVE_S, left_s))
                except TimeoutError:
                    yield b": still there\n\n"
                    continue
                if change is None:
                    return
                yield change.as_event(self.mask)
        finally:
            self._listeners.discard(queue)

    def close(self) -> None:
        """Ends every stream."""
        for queue in list(self._listeners):
            self._let_go(queue)
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        """Polls until nobody listens."""
        while self._listeners:
            try:
                self._compare(await run_in_threadpool(self._newest))
                self._compare_surges(await run_in_threadpool(self.surges))
            except TicketmillError as error:
                log.warning("the feed of changes cannot read the tickets or the surges: %s", error)
            await asyncio.sleep(self.poll_every_s)
        self._known = self._known_surges = None

    def _newest(self) -> Sequence[EffectiveRow]:
        self.polls += 1
        return self.queries.list(Filters(), self.now() - LOOKED_BACK, limit=self.window).rows

    def _compare(self, rows: Sequence[EffectiveRow]) -> None:
        known, etags = self._known, {row.ticket_id: row_etag(row) for row in rows}
        self._known = etags
        if known is None:
            return  # the first look: all that listen have just loaded their lists
        changed = [row for row in reversed(rows) if known.get(row.ticket_id) != etags[row.ticket_id]]
        self._announce([Change(row, self.now()) for row in changed])

    def _compare_surges(self, surges: Sequence[SurgeRecord]) -> None:
        known, changed_at = self._known_surges, {each.surge_id: each.changed_at for each in surges}
        self._known_surges = changed_at
        if known is not None:
            changed = [each for each in surges if known.get(each.surge_id) != each.changed_at]
            self._announce([SurgeChange(each, self.now()) for each in changed])

    def _announce(self, changes: Sequence[Notice]) -> None:
        for change in changes:
            if isinstance(change, SurgeChange):
                if self._known_surges is not None:
                    self._known_surges[change.surge.surge_id] = change.surge.changed_at
            elif self._known is not None:
                self._known[change.row.ticket_id] = row_etag(change.row)
            for queue in list(self._listeners):
                try:
                    queue.put_nowait(change)
                except asyncio.QueueFull:
                    self._let_go(queue)

    def _let_go(self, queue: asyncio.Queue[Notice | None]) -> None:
        self._listeners.discard(queue)
        with suppress(asyncio.QueueEmpty):
            queue.get_nowait()
        queue.put_nowait(None)

    def _since(self, event_id: str) -> list[bytes]:
        """What changed since an event; a reset where that cannot be told."""
        try:
            since = datetime.fromisoformat(event_id) - OVERLAP
            rows, surges = self._newest(), self.surges()
            is_told = len(rows) < self.window or rows[-1].received_at <= since
        except (ValueError, TypeError, OverflowError):
            return [RESET]
        if not is_told:
            return [RESET]
        changed = sorted((changed_at(row), row.ticket_id, row) for row in rows)
        told = [Change(row, at).as_event(self.mask) for at, _, row in changed if at >= since]
        recent = [SurgeChange(each, each.changed_at) for each in surges if each.changed_at >= since]
        return told + [each.as_event(self.mask) for each in recent]


def changed_at(row: EffectiveRow) -> datetime:
    """When a row last changed, as far as it says so itself."""
    noted = [row.failure.failed_at] if row.failure else []
    return max(row.processed_at, row.received_at, *noted, *(each.at for each in row.person.values()))
