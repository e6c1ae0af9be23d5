"""A worker that is killed by SIGKILL at one point of its way: `killed_worker.py after-object|after-row`.

The real pipeline over the real adapters; only the step after which it dies is wrapped.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from ticketmill import bootstrap
from ticketmill.settings import load_settings
from ticketmill.worker.worker import make_worker


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def then_die(step: Callable[..., Any]) -> Callable[..., Any]:
    def done_and_dead(*arguments: Any, **named: Any) -> Any:
        step(*arguments, **named)
        die()

    return done_and_dead


def main(point: str) -> None:
    settings = load_settings()
    adapters = bootstrap.connect(settings)
    pipeline = bootstrap.make_pipeline(settings, adapters, bootstrap.load_enricher(settings))
    if point == "after-object":
        adapters.enriched_tickets.put = then_die(adapters.enriched_tickets.put)  # type: ignore[method-assign]
    elif point == "after-row":
        adapters.rows.put = then_die(adapters.rows.put)  # type: ignore[method-assign]
    else:
        raise SystemExit(f"unknown point {point}")
    make_worker(settings, adapters.queue, pipeline.process_batch).run()


if __name__ == "__main__":
    main(sys.argv[1])
