"""Runs one named model: a time limit, a second try by halves, a circuit breaker, its health.

A model that takes too long cannot be stopped. Until it returns, no other batch is let in, and every ticket
meanwhile fails at once.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from queue import SimpleQueue
from statistics import fmean, quantiles
from typing import Generic, Protocol, TypeVar

from ticketmill.bisection import bisect
from ticketmill.circuit_breaker import BreakerState, CircuitBreaker
from ticketmill.domain.errors import TransientFailure

log = logging.getLogger(__name__)

# loading and a first run take longer than any other
FIRST_CALL_FACTOR = 10
REMEMBERED_CALLS = 1000

Item_contra = TypeVar("Item_contra", contravariant=True)
Result_co = TypeVar("Result_co", covariant=True)
Item = TypeVar("Item")
Result = TypeVar("Result")


class Reason(StrEnum):
    """Why a model gave no prediction; stored with the one that took its place."""

    ERROR = "error"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    NOT_LOADED = "not_loaded"
    BREAKER_OPEN = "breaker_open"


class Model(Protocol[Item_contra, Result_co]):
    """A loaded model; `resident_mb` are the megabytes of its weights."""

    @property
    def resident_mb(self) -> float: ...
    def __call__(self, items: Sequence[Item_contra], /) -> Sequence[Result_co]: ...


@dataclass(frozen=True, slots=True)
class Health:
    """How a model does. Milliseconds are those of the last 1,000 batches; None before the first."""

    task: str
    model: str
    loaded: bool
    resident_mb: float
    calls: int
    tickets: int
    failures: dict[str, int]
    """Tickets that it gave no prediction for, by reason."""
    mean_ms: float | None
    p95_ms: float | None
    breaker: BreakerState


class ModelRunner(Generic[Item, Result]):
    """Runs one model. Threads may share it; they take turns, with those of other runners too.

    `one_at_a_time` is shared by all runners: torch gives every model all cores.
    """

    def __init__(
        self,
        task: str,
        name: str,
        load: Callable[[], Model[Item, Result]],
        limit_s: float,
        one_at_a_time: threading.Lock,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        self.task, self.name = task, name
        self._load = load
        self._limit_s = limit_s
        self._one_at_a_time = one_at_a_time
        self.breaker = breaker or CircuitBreaker()
        # None until the first batch, and after a failure that it may not survive
        self.model: Model[Item, Result] | None = None
        self._overdue: Future[Sequence[Result]] | None = None
        self._warm = False
        self._calls = self._tickets = 0
        self._failures: Counter[str] = Counter()
        self._thread = _Thread(f"model-{task}")
        self._took_s: deque[float] = deque(maxlen=REMEMBERED_CALLS)
        self._lock = threading.Lock()

    def warm(self, items: Sequence[Item]) -> Sequence[Result]:
        """Loads the model and runs it once. Raises what that raises: at start nothing is fallen back from."""
        return self._timed(items)

    def run(self, items: Sequence[Item]) -> list[Result | TransientFailure]:
        """What the model says of each item, or a failure whose code is a Reason. Never raises."""
        if not self.breaker.admits():
            return self._noted([_failure(self.name, Reason.BREAKER_OPEN)] * len(items))
        try:
            results = [self._explained(each) for each in bisect(items, self._attempt)]
        except _Hopeless as hopeless:
            results = [_failure(self.name, hopeless.reason)] * len(items)
        self._report(results)
        return self._noted(results)

    @property
    def hanging(self) -> bool:
        """Whether a call that took too long is still at work: the process cannot end in the usual way."""
        overdue = self._overdue
        return overdue is not None and not overdue.done()

    def health(self) -> Health:
        """How the model does now."""
        took_ms = [seconds * 1000 for seconds in list(self._took_s)]
        model = self.model
        return Health(
            task=self.task,
            model=self.name,
            loaded=model is not None,
            resident_mb=round(model.resident_mb, 1) if model else 0.0,
            calls=self._calls,
            tickets=self._tickets,
            failures=dict(self._failures),
            mean_ms=round(fmean(took_ms), 1) if took_ms else None,
            p95_ms=round(_p95(took_ms), 1) if took_ms else None,
            breaker=self.breaker.state,
        )

    def _attempt(self, items: Sequence[Item]) -> Sequence[Result]:
        """One call of the model. What halving cannot fix ends the batch: `_Hopeless`."""
        try:
            return self._timed(items)
        except TimeoutError as error:
            raise _Hopeless(Reason.TIMEOUT) from error
        except Exception as error:
            if self.model is None:
                log.error("%s cannot be loaded for %s: %s", self.name, self.task, type(error).__name__)
                raise _Hopeless(Reason.NOT_LOADED) from error
            raise

    def _timed(self, items: Sequence[Item]) -> Sequence[Result]:
        with self._one_at_a_time:
            if self.hanging:
                raise TimeoutError
            started = time.perf_counter()
            limit_s = self._limit_s * (1 if self._warm else FIRST_CALL_FACTOR)
            self._overdue = future = self._thread.submit(lambda: self._call(items))
            results = future.result(limit_s)
            self._overdue, self._warm = None, True
            self._took_s.append(time.perf_counter() - started)
            self._calls += 1
            self._tickets += len(items)
            return results

    def _call(self, items: Sequence[Item]) -> Sequence[Result]:
        if self.model is None:
            self.model = self._load()
        results = self.model(items)
        if len(results) != len(items):
            raise ValueError(f"{self.name} gave {len(results)} results for {len(items)} tickets")
        return results

    def _explained(self, result: Result | Exception) -> Result | TransientFailure:
        if not isinstance(result, Exception):
            return result
        # what it says may quote the ticket
        log.warning("%s failed on a ticket's %s: %s", self.name, self.task, type(result).__name__)
        return _failure(self.name, Reason.OUT_OF_MEMORY if is_out_of_memory(result) else Reason.ERROR)

    def _report(self, results: Sequence[Result | TransientFailure]) -> None:
        """Tells the breaker whether the batch gave anything at all."""
        failed = [each for each in results if isinstance(each, TransientFailure)]
        if len(failed) < len(results):
            if self.breaker.succeeded():
                log.info("%s serves %s again", self.name, self.task)
            return
        if any(each.code == Reason.OUT_OF_MEMORY for each in failed):
            self._let_go()
        if self.breaker.failed():
            log.error("%s is not asked for %s for %.0f s", self.name, self.task, self.breaker.pause_s)

    def _let_go(self) -> None:
        """Frees the memory of the model; it is loaded again when it is asked again."""
        self.model, self._warm = None, False
        gc.collect()

    def _noted(self, results: list[Result | TransientFailure]) -> list[Result | TransientFailure]:
        self._failures.update(each.code for each in results if isinstance(each, TransientFailure))
        return results


class _Hopeless(BaseException):
    """Ends a batch that halving cannot fix. It is no Exception, so that `bisect` lets it through."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory was short; torch's allocator says so in a RuntimeError of its own."""
    return isinstance(error, MemoryError) or "can't allocate memory" in str(error)


def _failure(name: str, reason: Reason) -> TransientFailure:
    return TransientFailure(f"{name} gave no prediction: {reason}", code=reason)


class _Thread:
    """One thread that lives on: torch sets up its own for each that calls it. A daemon, as it may hang."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._started = False

    def submit(self, work: Callable[[], Result]) -> Future[Result]:
        """Has `work` done after what was submitted before. For one caller at a time."""
        future: Future[Result] = Future()

        def run() -> None:
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 - raised where the result is waited for
                future.set_exception(error)

        self._waiting.put(run)
        if not self._started:
            self._started = True
            threading.Thread(target=self._work, name=self._name, daemon=True).start()
        return future

    def _work(self) -> None:
        while True:
            self._waiting.get()()


def _p95(values: Sequence[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[94] if len(values) > 1 else values[0]
