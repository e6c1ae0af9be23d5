"""Rolling a version back without a person: where it is overridden more often than what it came in the place
of, fails, or is slow.

Every worker judges what it sees itself, and what people say of all tickets. The write is conditional on the
decision that was judged, so that of several workers one rolls back.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ticketmill.domain.facets import facet
from ticketmill.domain.keys import ticket_of
from ticketmill.domain.rollout import Arm, Change, Decider, Rollout, TaskRollout
from ticketmill.domain.rollout_health import (
    DEFAULT_LIMITS,
    ArmHealth,
    HealthLimits,
    HealthWindow,
    should_roll_back,
)
from ticketmill.pipeline.arm_health import ArmHealths

log = logging.getLogger(__name__)

AUTOMATIC = "automatic"
JUDGED_FOR = timedelta(days=7)
"""How long a promoted version is judged by what came after its promotion."""

NewestTickets = Callable[[datetime, datetime | None], Iterable[tuple[str, Iterable[str]]]]
"""Index position and facets of tickets that were uploaded from a time on and before another, the newest
first, and not more than can be read again and again."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class AutomaticRollback:
    """Judges what a worker follows. `check` is called now and then, beside the batches."""

    read: Callable[[], Rollout]
    replace: Callable[[Rollout], bool]
    healths: ArmHealths
    newest_tickets: NewestTickets
    limits: HealthLimits = DEFAULT_LIMITS
    now: Callable[[], datetime] = _now

    def check(self) -> list[str]:
        """Rolls back what must not go on; the tasks of which it did."""
        rolled_back = []
        for task, decision in self.read().tasks.items():
            if not self._is_judged(decision):
                continue
            reason = self._reason(decision)
            if reason is not None and self._roll_back(decision, reason):
                log.warning("%s is rolled back: %s", task, reason)
                rolled_back.append(task)
        return rolled_back

    def _is_judged(self, decision: TaskRollout) -> bool:
        if decision.canary is not None:
            return True
        return decision.change == Change.PROMOTE and self.now() - decision.at < JUDGED_FOR

    def _reason(self, decision: TaskRollout) -> str | None:
        windows = (self.healths.window(decision), self._overrides(decision))
        reasons = (should_roll_back(each, self.limits) for each in windows if each is not None)
        return next((reason for reason in reasons if reason is not None), None)

    def _overrides(self, decision: TaskRollout) -> HealthWindow | None:
        """What people say of tickets that came since the decision: by arm, or beside those before it."""
        since = self._count(self.newest_tickets(decision.at, None), decision)
        if decision.canary is not None:
            return HealthWindow(since[Arm.CANARY], since[Arm.SERVING])
        span = self.now() - decision.at
        before = self._count(self.newest_tickets(decision.at - span, decision.at), decision)
        return HealthWindow(since[Arm.SERVING], before[Arm.SERVING])

    def _count(
        self, tickets: Iterable[tuple[str, Iterable[str]]], decision: TaskRollout
    ) -> dict[Arm, ArmHealth]:
        overridden = facet("corrected", decision.task)
        seen, corrected = dict.fromkeys(Arm, 0), dict.fromkeys(Arm, 0)
        for position, facets in tickets:
            arm = decision.arm_of(ticket_of(position))
            seen[arm] += 1
            corrected[arm] += overridden in facets
        return {arm: ArmHealth(seen[arm], overridden=corrected[arm]) for arm in Arm}

    def _roll_back(self, decision: TaskRollout, reason: str) -> bool:
        """Whether this worker rolled back: another decision on the task may come first."""
        current = self.read()
        if current.tasks.get(decision.task) != decision:
            return False
        by = Decider(who=AUTOMATIC, at=self.now(), reason=reason)
        return self.replace(current.rolled_back(decision.task, by))
