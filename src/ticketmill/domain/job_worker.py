"""A worker that runs jobs, as others see it."""

from __future__ import annotations

import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import PositiveFloat

from ticketmill.domain.job import JobId
from ticketmill.domain.records import Record


class Held(Record):
    """A message that a worker has in hand."""

    job_id: JobId
    """The job that it delivers."""
    name: str
    """The name of its task."""
    arguments: dict[str, Any] | None = None
    """Its `args` and `kwargs`; null where they are large, or have texts."""


class JobWorker(Record):
    """The row of a worker: its last heartbeat. A worker that stops in order removes it."""

    name: str
    """Its name, as in `ticketmill@host`."""
    pid: int
    """Its process."""
    queues: tuple[str, ...]
    """The queues that it takes from."""
    started_at: datetime
    """When it began."""
    seen_at: datetime
    """Its last heartbeat."""
    dead_after_s: PositiveFloat = 75
    """Seconds without a heartbeat after which it is dead. The leases of its jobs have ended then."""
    holds: tuple[Held, ...] = ()
    """What it has in hand."""

    def is_alive(self, now: datetime) -> bool:
        """Whether its last heartbeat is recent."""
        return now - self.seen_at < timedelta(seconds=self.dead_after_s)


def heartbeat_file(name: str) -> Path:
    """The file of a worker on this machine. Its time is that of the last heartbeat."""
    return Path(tempfile.gettempdir()) / f"ticketmill-{name}.heartbeat"


def is_beating(name: str, dead_after_s: float) -> bool:
    """Whether a worker of this machine lives: its last heartbeat is at most so many seconds old."""
    try:
        age_s = time.time() - heartbeat_file(name).stat().st_mtime
    except OSError:
        return False
    return age_s < dead_after_s
