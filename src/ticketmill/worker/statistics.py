"""What a worker did: counts, throughput and latencies."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from statistics import quantiles
from typing import Any

from ticketmill.pipeline.outcome import Outcome, Result

MAX_LATENCIES = 10_000

_PROCESSED = frozenset({Result.ENRICHED, Result.PARTIAL, Result.DUPLICATE, Result.SUPERSEDED, Result.INDEXED})


class Statistics:
    """Counts since the worker started; latencies are of the last 10,000 tickets."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.results: Counter[Result] = Counter()
        self.received = 0
        """Messages, those that came again among them."""
        self.lost_leases = 0
        """Messages that became visible to others while they were in flight."""
        self.unconfirmed = 0
        """Messages that the queue did not confirm as deleted: they come again, as duplicates."""
        self.outages = 0
        """How often a dependency failed, and paused the worker."""
        self.cache_hits = 0
        """Texts that the encoder had read before, and did not read again."""
        self.cache_misses = 0
        self._latencies_s: deque[float] = deque(maxlen=MAX_LATENCIES)
        self._clock = clock
        self._busy_s = 0.0
        self._busy_from = 0.0
        self._batches_under_way = 0
        self._lock = threading.Lock()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Around the processing of a batch; several at once count once."""
        with self._lock:
            if not self._batches_under_way:
                self._busy_from = self._clock()
            self._batches_under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._batches_under_way -= 1
                if not self._batches_under_way:
                    self._busy_s += self._clock() - self._busy_from

    def count(self, outcomes: Iterable[Outcome], done_at: datetime) -> None:
        """Adds a batch that was acknowledged at `done_at`."""
        for outcome in outcomes:
            self.results[outcome.result] += 1
            if outcome.result in _PROCESSED:
                self._latencies_s.append((done_at - outcome.message.sent_at).total_seconds())

    @property
    def processed(self) -> int:
        """Uploads whose row says what it should: enriched now, or known already."""
        return sum(count for result, count in self.results.items() if result in _PROCESSED)

    @property
    def tickets_per_s(self) -> float:
        """Of the time that the worker had something to do."""
        return self.processed / self._busy_s if self._busy_s else 0.0

    def latency_ms(self, percentile: int) -> float | None:
        """From the event on the queue to the acknowledgement; None before the first ticket."""
        if len(self._latencies_s) < 2:
            return round(self._latencies_s[0] * 1000, 1) if self._latencies_s else None
        return round(quantiles(self._latencies_s, n=100, method="inclusive")[percentile - 1] * 1000, 1)

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {
            "processed": self.processed,
            **{result.value: self.results[result] for result in Result},
            "received": self.received,
            "lost_leases": self.lost_leases,
            "unconfirmed": self.unconfirmed,
            "outages": self.outages,
            "cache_hits": self.cache_hits,
            "cache_misses": self.cache_misses,
            "tickets_per_s": round(self.tickets_per_s, 1),
            "latency_ms_p50": self.latency_ms(50),
            "latency_ms_p95": self.latency_ms(95),
        }
