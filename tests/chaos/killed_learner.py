"""Trains or promotes in a store, and is killed by SIGKILL at one of its writes.

`killed_learner.py train|promote JOB --store DIR --at N --when before|after`; without `--store` in the stack,
without `--at` it is not killed. Every write to the store counts: objects and items, from 1 on.

A promotion prints `looked` when it knows what serves, and waits for a line before it decides.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from learned_versions import card

from ticketmill import bootstrap
from ticketmill.domain.errors import LearningRefused
from ticketmill.domain.model_card import ModelVersion
from ticketmill.domain.rollout import Decider
from ticketmill.learning.registry import find_version
from ticketmill.learning.rollout import RolloutDesk
from ticketmill.learning.store import LearningStore, learning_store
from ticketmill.learning.training import Fitted, Training, TrainingRequest
from ticketmill.settings import load_settings

REFUSED = 6


@dataclass
class Death:
    """Counts writes, and kills the process before or after one of them."""

    at: int
    when: str
    writes: int = field(default=0, init=False)

    def wrap(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            self.writes += 1
            if (self.writes, self.when) == (self.at, "before"):
                os.kill(os.getpid(), signal.SIGKILL)
            written = write(*arguments, **named)
            if (self.writes, self.when) == (self.at, "after"):
                os.kill(os.getpid(), signal.SIGKILL)
            return written

        return counted


class Mortal:
    """Objects or items whose writes may kill."""

    def __init__(self, of: Any, death: Death) -> None:
        self._of = of
        self.put = death.wrap(of.put)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._of, name)


def mortal(store: LearningStore, death: Death) -> LearningStore:
    items: Any = store.rollouts.items  # type: ignore[attr-defined]
    return learning_store(Mortal(store.objects, death), Mortal(items, death))  # type: ignore[arg-type]


def train(store: LearningStore, job: str) -> ModelVersion:
    def fit() -> Fitted:
        return Fitted({"overlay.json": job.encode(), "overlay.npz": b"\x00" * 1000}, card())

    return Training(store).run(TrainingRequest("intent", job, "ann"), fit)


def promote(store: LearningStore, name: str, waits: bool = False) -> None:
    def gates(_current: object) -> tuple[()]:
        if waits:
            print("looked", flush=True)
            sys.stdin.readline()
        return ()

    by = Decider(who="ann", at=datetime.now(UTC))
    RolloutDesk(store).promote(find_version(store, name), by, gates)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=("train", "promote"))
    parser.add_argument("name")
    parser.add_argument("--store", type=Path)
    parser.add_argument("--at", type=int, default=0)
    parser.add_argument("--when", choices=("before", "after"), default="before")
    parser.add_argument("--waits", action="store_true")
    given = parser.parse_args()
    death = Death(given.at, given.when)
    store = mortal(bootstrap.open_learning_store(load_settings(), given.store), death)
    try:
        if given.action == "train":
            train(store, given.name)
        else:
            promote(store, given.name, given.waits)
    except LearningRefused as refused:
        print(refused.code)
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
