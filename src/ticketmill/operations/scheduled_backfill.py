"""Backfills that a message asks for, as the schedule's does: any worker takes one, page by page.

    {"backfill": {"missing": true}} ──▶ announces what is chosen among the next thousand keys
              ▲                                             │
              └───── "after" the last one, a new message ◀──┘

No message is in hand for long, whatever the bucket holds, and a worker that dies leaves one page to redo.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from ticketmill.domain.backfill import Selection
from ticketmill.domain.errors import TransientFailure
from ticketmill.operations.backfill import PAGE_KEYS, Backfill

PAGES_A_MESSAGE = 10
# With more than this waiting, what is missing is likely to wait there too, and would only wait twice.
MAX_WAITING = 1000

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Commands:
    """What messages ask for that announce nothing."""

    read: Callable[[str], Selection | None]
    """None where a body is no command."""
    write: Callable[[Selection], str]
    """The message that `read` reads."""
    backfill: Backfill
    announce: Callable[[str], str]
    """The message that announces the object at a key."""
    send_many: Callable[[Sequence[str]], list[str | None]]
    waiting: Callable[[], int]
    """How many messages wait on the queue."""

    def obey(self, body: str) -> str | None:
        """Does what a message asks for; what that was, None where it asks for nothing.

        Raises TransientFailure where a service fails.
        """
        selection = self.read(body)
        if selection is None:
            return None
        self._backfill(selection)
        return "backfill"

    def _backfill(self, selection: Selection) -> None:
        """Announces what is chosen among the next thousand keys, and asks for those after them.

        What cannot be judged or announced is logged and left to the next backfill.
        """
        if not selection.after and (waiting := self.waiting()) > MAX_WAITING:
            log.warning("no backfill now: %d messages wait on the queue", waiting)
            return
        pages = list(islice(self.backfill.pages(selection), PAGES_A_MESSAGE))
        chosen = [each for page in pages for each in page.chosen]
        unknown = [each.reason for page in pages for each in page.unknown]
        unsent = [reason for reason in self.send_many([self.announce(each.key) for each in chosen]) if reason]
        looked_at = sum(page.looked_at for page in pages)
        log.info(
            "backfill: %d looked at after %r, announced %d",
            looked_at,
            selection.after,
            len(chosen) - len(unsent),
        )
        for reason, count in Counter(unknown + unsent).items():
            log.warning("backfill: %d left out: %s", count, reason)
        if looked_at == PAGES_A_MESSAGE * PAGE_KEYS:
            self._go_on(selection.model_copy(update={"after": pages[-1].last_key}))

    def _go_on(self, selection: Selection) -> None:
        (reason,) = self.send_many([self.write(selection)])
        if reason is not None:
            raise TransientFailure(reason)
