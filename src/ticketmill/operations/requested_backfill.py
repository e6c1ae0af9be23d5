"""Backfills that a message asks for, as the schedule's does. Any worker does a part and asks for the next.

    {"backfill": {"missing": true}} ──▶ announces what it chooses among the next thousand keys
              ▲                                             │
              └───── "after" the last one, a new message ◀──┘

No message is in flight for long, whatever the bucket holds, and a worker that dies leaves one part to do
again. SQS may deliver a message twice, and a second continuation would fork the run. So each part first moves
the run's checkpoint, and only the message that moved it goes on, at its first and any later delivery.
"""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import BackfillRequest, Message
from ticketmill.operations.backfill import PAGE_KEYS, Announce, Backfill
from ticketmill.operations.ports import Checkpoints

PAGES_PER_MESSAGE = 10
# With more than this waiting, what is missing is likely to wait there too, and would only wait twice.
MAX_WAITING = 1000

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RequestedBackfill:
    """Does what BackfillRequests ask for."""

    backfill_of: Backfill
    checkpoints: Checkpoints
    encode: Callable[[BackfillRequest], str]
    """The body of a message that asks for the rest."""
    announce: Announce
    send_many: Callable[[Sequence[str]], list[str | None]]
    waiting: Callable[[], int]
    """How many messages wait on the queue."""

    def backfill(self, request: BackfillRequest, message: Message) -> None:
        """Announces what the next thousand keys give, and asks for those after them.

        What cannot be judged or announced is logged and left to the next backfill. Raises TransientFailure
        where a service fails.
        """
        # by when the message was sent, not by now: a later delivery selects the same
        selection = request.selection.at(message.sent_at)
        # a later delivery may have announced its part already: it has to ask for the rest
        is_new = not selection.after and message.receive_count == 1
        if is_new and (waiting := self.waiting()) > MAX_WAITING:
            log.warning("no backfill now: %d messages wait on the queue", waiting)
            return
        pages = list(islice(self.backfill_of.pages(selection, only_due=True), PAGES_PER_MESSAGE))
        if not pages:
            return
        last_key = pages[-1].last_key
        is_last = sum(page.looked_at for page in pages) < PAGES_PER_MESSAGE * PAGE_KEYS
        run, token = request.run or message.message_id, request.token or message.message_id
        of_a_run = request.run or not is_last
        if of_a_run and not self.checkpoints.advance(run, token, selection.after, last_key):
            log.info("backfill after %r: another message has this part", selection.after)
            return
        chosen = [each for page in pages for each in page.chosen]
        unsent = self.send_many([self.announce(each.key, selection.force) for each in chosen])
        left_out = [each.reason for page in pages for each in page.unknown] + [*filter(None, unsent)]
        log.info(
            "backfill: %d looked at after %r, announced %d",
            sum(page.looked_at for page in pages),
            selection.after,
            unsent.count(None),
        )
        for reason, count in Counter(left_out).items():
            log.warning("backfill: %d left out: %s", count, reason)
        if not is_last:
            rest = selection.model_copy(update={"after": last_key})
            self._send(replace(request, selection=rest, run=run, token=uuid.uuid4().hex))

    def _send(self, request: BackfillRequest) -> None:
        (reason,) = self.send_many([self.encode(request)])
        if reason is not None:
            raise TransientFailure(reason)
