"""What learned versions need beside the batches: rollout, shadows, automatic rollback."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ticketmill.domain.errors import TicketmillError
from ticketmill.periodic import Periodic
from ticketmill.pipeline.automatic_rollback import AutomaticRollback
from ticketmill.pipeline.learned import Learned
from ticketmill.pipeline.rollout_follower import RolloutFollower
from ticketmill.pipeline.shadows import Shadows

log = logging.getLogger(__name__)

FLUSH_S = 15.0
"""Between two times that the disagreements of shadows are stored."""
JUDGE_S = 60.0
"""Between two looks at how the versions do."""
CLOSE_TIMEOUT_S = 5.0


@dataclass
class LearnedServing:
    """Called for what serves now, at the start of a batch.

    A worker enters it: threads then do the rest until it leaves. Lambda freezes threads between two
    invocations, and calls `tend` in each.
    """

    follower: RolloutFollower
    shadows: Shadows
    rollback: AutomaticRollback
    flush_s: float = FLUSH_S
    judge_s: float = JUDGE_S
    monotonic: Callable[[], float] = time.monotonic
    _threads: list[Periodic] = field(default_factory=list, init=False)
    _flushed_at: float | None = field(default=None, init=False)
    _judged_at: float | None = field(default=None, init=False)

    def __call__(self) -> Learned:
        """The rollout that is followed now, with its versions."""
        return self.follower()

    def __enter__(self) -> LearnedServing:
        """Follows the rollout in a thread, and does everything else in another."""
        self.follower.refreshes_itself = False
        self._threads = [
            Periodic("rollout", self.follower.refresh_s, self._refresh),
            Periodic("learned", min(self.flush_s, self.judge_s), self.tend),
        ]
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the threads, and stores the disagreements that wait."""
        for each in self._threads:
            each.close(CLOSE_TIMEOUT_S)
        self._threads = []
        self.shadows.flush()

    def tend(self) -> None:
        """Stores disagreements and judges the versions, each when it is due."""
        now = self.monotonic()
        if self._flushed_at is None or now - self._flushed_at >= self.flush_s:
            self._flushed_at = now
            self.shadows.flush()
        if self._judged_at is None or now - self._judged_at >= self.judge_s:
            self._judged_at = now
            self._judge()

    def _judge(self) -> None:
        try:
            if self.rollback.check():
                self.follower.refresh()
        except TicketmillError as failure:
            log.warning("the learned versions could not be judged: %s", failure)

    def _refresh(self) -> None:
        try:
            self.follower.refresh()
        except TicketmillError as failure:
            log.warning("the rollout could not be read: %s", failure)
