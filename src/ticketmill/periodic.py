"""Work that a thread of its own does again and again, until it is closed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


class Periodic:
    """Calls `work` at once and then every `every_s` seconds. A bug in it ends nothing, and is logged."""

    def __init__(self, name: str, every_s: float, work: Callable[[], None]) -> None:
        self._name = name
        self._every_s = every_s
        self._work = work
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether it still works."""
        return self._thread.is_alive()

    def close(self, timeout_s: float | None = None) -> None:
        """Ends it after the call under way, which is waited for up to `timeout_s`."""
        self._closing.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._work()
            except Exception as error:  # noqa: BLE001 - the next call may succeed
                log.error("%s failed: %s", self._name, type(error).__name__)
            self._closing.wait(self._every_s)
