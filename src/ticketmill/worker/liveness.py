"""The threads of a worker: whether each of them moves, and what one of them died of."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)


class Liveness:
    """What the threads of one worker are doing. Threads may share it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.died_of: BaseException | None = None
        self._clock = clock
        self._busy_since: dict[str, float] = {}

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Around one step of a thread; between steps it waits, for as long as it likes."""
        name = threading.current_thread().name
        self._busy_since[name] = self._clock()
        try:
            yield
        finally:
            del self._busy_since[name]

    def stuck(self, after_s: float) -> str | None:
        """A thread whose step has taken longer than `after_s`, in words; None where there is none."""
        now = self._clock()
        for name, since in list(self._busy_since.items()):
            if now - since > after_s:
                return f"{name} has not moved for {now - since:.0f} s"
        return None

    def thread(self, name: str, work: Callable[[], None], stop: Callable[[], None]) -> threading.Thread:
        """A thread that calls `stop` where `work` raises.

        A daemon: a thread that hangs must not keep the process from ending.
        """

        def watched() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - whatever it died of, the worker must stop and say so
                # a message may quote a ticket, the places where it happened do not
                frames = "".join(traceback.format_tb(error.__traceback__))
                log.critical("%s died of %s:\n%s", name, type(error).__name__, frames)
                self.died_of = error
                stop()

        return threading.Thread(target=watched, name=name, daemon=True)
