"""SIGTERM and SIGINT, for every command: the first one stops it, a second one kills the process.

    with stop_on_signal(worker.stop):
        worker.run()

    stopping = threading.Event()
    with stop_on_signal(stopping.set):
        ...

A Python signal handler runs in the main thread, between any two of its instructions. The main thread may
hold a lock at that moment, such as the one inside an Event that it waits on. A handler that takes the same
lock, as `Event.set` does, waits for ever. So the handler here takes no lock: it puts the signal's number into
a SimpleQueue, whose `put` is safe in a handler, and a thread takes it from there and calls `stop`.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def _say_stopping() -> None:
    sys.stderr.write("stopping…\n")
    sys.stderr.flush()


@contextmanager
def stop_on_signal(
    stop: Callable[[], object],
    *,
    announce: Callable[[], object] = _say_stopping,
    kill: Callable[[], object] = lambda: None,
) -> Iterator[None]:
    """Within the context, the first SIGTERM or SIGINT calls `announce` and then `stop`.

    Both run in a thread of their own and may take locks. `announce` writes "stopping…" to stderr by default.
    A second signal calls `kill` in the handler, where locks must not be taken, and then ends the process as
    that signal does by default. Contexts may be nested: the inner one gets the signals. Use it in the main
    thread; ValueError anywhere else.
    """
    received: SimpleQueue[bool] = SimpleQueue()
    seen = False

    def handle(signum: int, _frame: FrameType | None) -> None:
        nonlocal seen
        if seen:
            kill()
            signal.signal(signum, signal.SIG_DFL)
            signal.raise_signal(signum)
        seen = True
        received.put(True)

    def wait_for_signal() -> None:
        if received.get():
            announce()
            stop()

    previous = {signum: signal.signal(signum, handle) for signum in SIGNALS}
    thread = threading.Thread(target=wait_for_signal, name="signals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        for signum, handler in previous.items():
            signal.signal(signum, handler)
        received.put(False)
        thread.join()
