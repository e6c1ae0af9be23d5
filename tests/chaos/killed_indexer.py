"""An indexer that is killed by SIGKILL at one of its steps: `killed_indexer.py STEP N`.

The real indexer over the real adapters; it dies before the N-th `get` of an object, `put` of entries or
`acknowledge` of messages, or after the put with `after-put`.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from ticketmill.aws.lance_index import LanceVectorStore
from ticketmill.aws.s3 import S3EnrichedTickets
from ticketmill.aws.sqs import SqsQueue
from ticketmill.entrypoints.cli import run

STEPS: dict[str, tuple[type, str]] = {
    "get": (S3EnrichedTickets, "find"),
    "put": (LanceVectorStore, "put"),
    "after-put": (LanceVectorStore, "put"),
    "acknowledge": (SqsQueue, "acknowledge"),
}


@dataclass
class Death:
    """Kills the process at one call."""

    at: int
    is_after: bool
    calls: int = 0
    lock: Lock = field(default_factory=Lock)

    def wrap(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            with self.lock:
                self.calls += 1
                is_last = self.calls == self.at
            if is_last and not self.is_after:
                os.kill(os.getpid(), signal.SIGKILL)
            done = step(*arguments, **named)
            if is_last:
                os.kill(os.getpid(), signal.SIGKILL)
            return done

        return counted


if __name__ == "__main__":
    owner, name = STEPS[sys.argv[1]]
    setattr(owner, name, Death(int(sys.argv[2]), sys.argv[1].startswith("after")).wrap(getattr(owner, name)))
    sys.exit(run(["index", "work", "--until-empty"]))
