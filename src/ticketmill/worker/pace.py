"""How a worker takes from its queue, and when it stops by itself."""

from __future__ import annotations

from dataclasses import dataclass

from ticketmill.domain.message import SQS_MAX_BATCH
from ticketmill.domain.model_choice import CHOICES
from ticketmill.settings import Settings

# Above what the SDK may take for one call with all its attempts, and a thread for a batch that is bisected.
STUCK_AFTER_S = 300.0
# What a named model may take to load and run again, in terms of TICKETMILL_HUB_TIMEOUT_S.
RELOAD_FACTOR = 10


@dataclass(frozen=True, slots=True)
class Pace:
    """Sizes, pauses and limits of one worker; most are settings of the same names."""

    batch_size: int = 16
    worker_threads: int = 8
    wait_s: float = 5
    """Seconds that one receive waits for messages."""
    visibility_timeout_s: int = 60
    heartbeat_s: float = 20
    stop_deadline_s: float = 25
    release_reserve_s: float = 3
    """The end of that deadline, kept for releasing what the worker threads could not finish."""
    gather_s: float = 0.005
    """Seconds that a batch waits for more messages, while more are expected."""
    rest_s: float = 0
    """Seconds that a worker thread waits after a batch, unless a full one waits already. For work that costs
    the same for one message as for many."""
    outage_pause_s: float = 5
    """The first pause after a dependency has failed; each failed probe doubles it."""
    max_outage_pause_s: float = 60
    stuck_after_s: float = STUCK_AFTER_S
    """The longest time that one step of a thread may rightly take."""

    @property
    def max_in_flight(self) -> int:
        """Messages that the worker has received and not yet acknowledged or released, at the most.

        One batch for each worker thread and one that gathers meanwhile. Fewer would leave a thread without
        work during a receive. More would only wait, and lose a receive where the process dies.
        """
        return max(self.batch_size * (self.worker_threads + 1), SQS_MAX_BATCH)


@dataclass(frozen=True, slots=True)
class Limits:
    """When a worker stops by itself: never, without any."""

    until_empty: bool = False
    max_tickets: int | None = None
    """Tickets that are received at the most."""
    for_s: float | None = None


def pace_of(settings: Settings, limits: Limits = Limits()) -> Pace:
    """The pace that the settings describe."""
    named_models = sum(bool(settings.choice(task).model) for task in CHOICES)
    return Pace(
        batch_size=settings.batch_size,
        worker_threads=settings.worker_threads,
        # somebody waits for the end of it
        wait_s=min(settings.wait_s, 1) if limits.until_empty else settings.wait_s,
        visibility_timeout_s=settings.visibility_timeout_s,
        heartbeat_s=settings.heartbeat_s,
        stop_deadline_s=settings.stop_deadline_s,
        outage_pause_s=settings.outage_pause_s,
        # every named model may be loaded anew within one batch
        stuck_after_s=STUCK_AFTER_S + named_models * RELOAD_FACTOR * settings.hub_timeout_s,
    )
