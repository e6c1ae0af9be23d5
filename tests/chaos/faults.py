"""Which requests fail and how, by dice; and how each service spells its failures."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from scenario import Outage

HANG_S = 4.0  # beyond the 3 s that the workers' clients wait for an answer


class Kind(StrEnum):
    """A fault; those called `lost` come after the request took effect."""

    REFUSED = "refused"
    """An error or a throttle in its place."""
    LOST = "lost"
    """An error though it took effect."""
    CUT = "cut"
    """The connection ends instead."""
    CUT_LOST = "cut_lost"
    """The connection ends instead of the answer."""
    TORN = "torn"
    """The connection ends in the middle of the answer."""
    HUNG = "hung"
    """Nothing comes until the client gives up."""
    HUNG_LOST = "hung_lost"
    SLOW = "slow"
    """Takes effect late."""
    SLOW_ANSWER = "slow_answer"
    """Takes effect at once, and the answer comes late."""


_WEIGHTS = {
    Kind.REFUSED: 6,
    Kind.LOST: 4,
    Kind.CUT: 3,
    Kind.CUT_LOST: 3,
    Kind.TORN: 2,
    Kind.HUNG: 1,
    Kind.HUNG_LOST: 1,
    Kind.SLOW: 6,
    Kind.SLOW_ANSWER: 4,
}
_OUTAGE_WEIGHTS = {Kind.REFUSED: 8, Kind.LOST: 2, Kind.CUT: 3, Kind.CUT_LOST: 1, Kind.HUNG: 1}
_ODDS = 0.06

BEFORE = frozenset({Kind.REFUSED, Kind.CUT, Kind.HUNG})

Strike = Callable[[str], bool]
"""Strikes the worker of that name; whether it is dead now."""


@dataclass(frozen=True, slots=True)
class Fault:
    kind: Kind
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Trap:
    """Strikes the worker that makes the next request of a kind, before or after its effect."""

    operation: str
    after: bool
    strike: Strike


class Faults:
    """The dice. Off at first and off in the end; thread-safe."""

    def __init__(self, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self.received = 0
        """How many messages were brought to a worker: the clock of the disruptions."""
        self._dice = random.Random(f"faults-{seed}")
        self._lock = threading.Lock()
        self._on = False
        self._coming: defaultdict[str, list[Outage]] = defaultdict(list)
        self._ends: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
        self._traps: list[Trap] = []

    def start(self) -> None:
        self._on = True

    def stop(self) -> None:
        with self._lock:
            self._on = False
            self._traps.clear()

    @property
    def on(self) -> bool:
        return self._on

    def begin_outage(self, outage: Outage) -> None:
        """Its time counts from the first request that it meets: a busy machine does not sleep through it."""
        with self._lock:
            self._coming[outage.service].append(outage)
            self.counts[f"{outage.service} out"] += 1

    def set_trap(self, trap: Trap) -> None:
        with self._lock:
            self._traps.append(trap)

    def trap(self, operation: str, after: bool) -> Trap | None:
        """The trap that waits for this request, taken from those that are set."""
        with self._lock:
            for trap in self._traps:
                if (trap.operation, trap.after) == (operation, after):
                    self._traps.remove(trap)
                    self.counts[f"trap {operation}"] += 1
                    return trap
        return None

    def fault(self, service: str) -> Fault | None:
        with self._lock:
            if not self._on:
                return None
            odds = self._odds_in_outage(service)
            if self._dice.random() >= (odds or _ODDS):
                return None
            weights = _OUTAGE_WEIGHTS if odds else _WEIGHTS
            kind = self._dice.choices(list(weights), list(weights.values()))[0]
            self.counts[f"{service} {kind}"] += 1
            # mostly short; now and then longer than a message stays in flight
            return Fault(kind, delay_s=min(6.0, self._dice.expovariate(1.5)))

    def _odds_in_outage(self, service: str) -> float:
        """How likely a request of `service` fails now by an outage, 0 without one."""
        now = time.monotonic()
        for outage in self._coming.pop(service, []):
            self._ends[service].append((now + outage.length_s, outage.odds))
        return max((odds for ends_at, odds in self._ends[service] if now < ends_at), default=0.0)

    def happens(self, what: str, odds: float) -> bool:
        """Whether a trick of the odds given is played now; counted by name."""
        with self._lock:
            played = self._on and self._dice.random() < odds
            if played:
                self.counts[what] += 1
            return played

    def between(self, low: int, high: int) -> int:
        with self._lock:
            return self._dice.randint(low, high)

    def shuffle(self, items: list[dict[str, str]]) -> None:
        with self._lock:
            self._dice.shuffle(items)

    def error(self, service: str) -> tuple[int, str, bytes]:
        """Status, content type and body of a failure, as the service would word it."""
        with self._lock:
            status, code = self._dice.choice(_ERRORS[service])
        if service == "s3":
            text = f"<Error><Code>{code}</Code><Message>chaos</Message><RequestId>0</RequestId></Error>"
            return status, "application/xml", f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode()
        kind = {"sqs": "com.amazonaws.sqs", "dynamodb": "com.amazonaws.dynamodb.v20120810"}[service]
        body = {"__type": f"{kind}#{code}", "message": "chaos"}
        return status, "application/x-amz-json-1.0", json.dumps(body).encode()


_ERRORS = {
    "s3": [(500, "InternalError"), (503, "SlowDown"), (503, "ServiceUnavailable")],
    "sqs": [(500, "InternalFailure"), (503, "ServiceUnavailable"), (400, "RequestThrottled")],
    "dynamodb": [
        (500, "InternalServerError"),
        (400, "ProvisionedThroughputExceededException"),
        (400, "ThrottlingException"),
    ],
}
