"""The process of preloaded.py: it imports what commands import, and forks for each that is asked for."""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO
from unittest import mock

# what commands import when they are run
import ticketmill.api
import ticketmill.bootstrap
import ticketmill.entrypoints.web.app  # noqa: F401
from ticketmill.aws.clients import connect
from ticketmill.entrypoints import cli

INSTALLED = Path(sys.executable).with_name("ticketmill")
READ_AT_START = ("PYTHON", "LC_", "LANG")
PLACE = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}


@dataclass(frozen=True)
class Request:
    """What preloaded_client.py sends: the command, and what a process has from its parent."""

    arguments: list[str]
    environment: dict[str, str]
    folder: str
    umask: int
    ignored: list[int]
    streams: list[int]

    def become(self) -> None:
        """Makes this process what a new one that runs the command would be."""
        os.setsid()
        for number, stream in enumerate(self.streams):
            os.dup2(stream, number)
            os.close(stream)
        os.chdir(self.folder)
        os.umask(self.umask)
        os.environ.clear()
        os.environ.update(self.environment)
        for signum in self.ignored:
            signal.signal(signum, signal.SIG_IGN)
        sys.argv = [str(INSTALLED), *self.arguments]
        sys.stdin = sys.__stdin__ = _stream(0, "r", sys.stdin)
        sys.stdout = sys.__stdout__ = _stream(1, "w", sys.stdout)
        sys.stderr = sys.__stderr__ = _stream(2, "w", sys.stderr, buffering=1)


@dataclass
class Server:
    """Forks for each connection, and tells it the exit code of its command."""

    listener: socket.socket
    environment: Mapping[str, str]
    """Those that it was started with."""
    running: dict[int, socket.socket] = field(default_factory=dict)

    def serve(self) -> Request:
        """Returns in the processes that it forks, with what each is to run; ends when stdin does."""
        woken, wakes = socket.socketpair()
        wakes.setblocking(False)
        signal.set_wakeup_fd(wakes.fileno())
        signal.signal(signal.SIGCHLD, lambda _signum, _frame: None)
        print("ready", flush=True)
        while True:
            watched = [self.listener, woken, sys.stdin, *self.running.values()]
            ready = select.select(watched, [], [])[0]
            for pid, connection in self.running.items():
                if connection in ready or sys.stdin in ready:  # nobody waits for it any more
                    os.kill(pid, signal.SIGKILL)
            if sys.stdin in ready:
                sys.exit()
            if woken in ready:
                woken.recv(1024)
                self.tell_exit_codes()
            if self.listener in ready and (request := self.accept()):
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for each in (woken, wakes, self.listener, *self.running.values()):
                    each.close()
                return request

    def accept(self) -> Request | None:
        """The request that came, in a process of its own; None in this one."""
        connection, _ = self.listener.accept()
        _, streams, _, _ = socket.recv_fds(connection, 1, 3)
        with connection.makefile("rb") as lines:
            line = lines.readline()
        if not line:  # whoever asked is gone
            connection.close()
            return None
        request = Request(**json.loads(line), streams=streams)
        if _read_at_start(request.environment) == _read_at_start(self.environment):
            pid = os.fork()
            if pid == 0:
                connection.close()
                return request
            _tell(connection, pid)
            self.running[pid] = connection
        else:
            connection.close()
        for stream in streams:
            os.close(stream)
        return None

    def tell_exit_codes(self) -> None:
        for pid in list(self.running):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                with self.running.pop(pid) as connection:
                    _tell(connection, os.waitstatus_to_exitcode(status))


def _tell(connection: socket.socket, number: int) -> None:
    with suppress(ConnectionError):  # where nobody waits any more
        connection.sendall(b"%d\n" % number)


def _stream(descriptor: int, mode: str, like: TextIO, buffering: int = -1) -> Any:
    return open(descriptor, mode, buffering, like.encoding, like.errors, closefd=False)


def _read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(READ_AT_START)}


def load() -> None:
    """Has botocore read its models, and Typer all signatures. No thread starts."""
    cli.command()
    with mock.patch.dict(os.environ, PLACE):
        clients = connect()
        for service in ("s3", "sqs", "dynamodb", "cloudformation"):
            getattr(clients, service).close()
    gc.collect()
    gc.freeze()


@dataclass
class Ending:
    """Ends this process without taking the interpreter apart, which takes longer than most commands."""

    exit_code: int = 1

    def leave(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(self.exit_code)


if __name__ == "__main__":
    ending = Ending()
    atexit.register(ending.leave)  # the first to be registered is the last to run
    started_with = dict(os.environ)
    load()
    made = {name: value for name, value in os.environ.items() if name not in started_with}
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{sys.argv[1]}/socket")
    listener.listen(128)
    Server(listener, started_with).serve().become()
    for name, value in made.items():  # as importing the package does
        os.environ.setdefault(name, value)
    try:
        cli.main()
    except SystemExit as ended:
        ending.exit_code = int(ended.code or 0)
