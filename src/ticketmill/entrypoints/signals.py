"""SIGTERM and SIGINT, for every command: the first one stops it, a second one kills the process.

    with stop_on_signal(worker.stop):
        worker.run()

    stopping = threading.Event()
    with stop_on_signal(stopping.set):
        ...

Python runs a signal handler in the main thread, between any two of its instructions, and that has two traps.
The main thread may hold a lock at that moment, such as the one inside an Event that it waits on; a handler
that takes the same lock, as `Event.set` does, waits for ever. And the kernel may give the signal to another
thread, as it does when a stopped process goes on; a main thread that waits for a lock never runs the handler
then. So the handler here does nothing. The interpreter itself writes the signal's number to a socket
(`signal.set_wakeup_fd`), in whichever thread the signal arrives, and a thread reads it there and acts.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGTERM, signal.SIGINT)
_END = 0
"""In the place of a signal's number: the context has ended."""


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

    `announce` writes "stopping…" to stderr by default. A second signal calls `kill` and ends the process with
    128 and the signal's number, as shells report it. All of them run in a thread of their own, and may take
    locks. Contexts may be nested: the inner one gets the signals. Use it in the main thread; ValueError
    anywhere else.
    """
    numbers, written = socket.socketpair()
    written.setblocking(False)

    def wait_for_signals() -> None:
        signum = _next_signal(numbers)
        if signum == _END:
            return
        # beside this thread: a stop that hangs must not keep the second signal from being read
        threading.Thread(target=lambda: (announce(), stop()), name="stop", daemon=True).start()
        signum = _next_signal(numbers)
        if signum != _END:
            kill()
            os._exit(128 + signum)

    previous_handlers = {signum: signal.signal(signum, lambda *_: None) for signum in SIGNALS}
    previous_fd = signal.set_wakeup_fd(written.fileno(), warn_on_full_buffer=False)
    thread = threading.Thread(target=wait_for_signals, name="signals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(previous_fd)
        for signum, handler in previous_handlers.items():
            signal.signal(signum, handler)
        written.send(bytes([_END]))
        thread.join()
        numbers.close()
        written.close()


def _next_signal(numbers: socket.socket) -> int:
    """The number of the next signal that is ours, or _END."""
    while True:
        number = numbers.recv(1)[0]
        if number in (*SIGNALS, _END):
            return number
