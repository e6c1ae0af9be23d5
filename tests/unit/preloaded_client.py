"""A `ticketmill` that has a preloaded process run its command: see preloaded.py.

It hands over what a process has from its parent, passes signals on, and ends as the command does. Where that
process cannot run the command as a new one would, the installed `ticketmill` does. It imports little.
"""

import json
import os
import signal
import socket
import sys

SOCKET = f"{__file__.rpartition('/')[0]}/socket"
INSTALLED = f"{sys.executable.rpartition('/')[0]}/ticketmill"
PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main():
    answers = ask() if all(map(is_open, (0, 1, 2))) else None
    pid = int(answers.readline() or 0) if answers else 0
    if not pid:
        os.execv(INSTALLED, [INSTALLED, *sys.argv[1:]])  # noqa: S606 - there is no shell in between
    for each in PASSED_ON:
        if signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, lambda signum, _frame: os.kill(pid, signum))
    code = int(answers.readline())
    if code < 0:  # a signal ended it
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def is_open(descriptor):
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def ask():
    """The lines of the answer: the command's process id, or none; later its exit code."""
    umask = os.umask(0)
    os.umask(umask)
    request = {
        "arguments": sys.argv[1:],
        "environment": dict(os.environ),
        "folder": os.getcwd(),  # noqa: PTH109 - pathlib takes as long as all else
        "umask": umask,
        "ignored": [each for each in PASSED_ON if signal.getsignal(each) is signal.SIG_IGN],
    }
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(SOCKET)
    socket.send_fds(connection, [b"\n"], [0, 1, 2])
    connection.sendall(json.dumps(request).encode() + b"\n")
    return connection.makefile("rb")


main()
