"""Makes the Celery app."""

from __future__ import annotations

import logging
import os
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from celery import Celery, signals

from ticketmill.bootstrap.jobs import JobPlace, open_job_place
from ticketmill.bootstrap.learning import open_learning_store
from ticketmill.entrypoints.celery.config import configuration
from ticketmill.entrypoints.celery.heartbeat import Heartbeat
from ticketmill.entrypoints.celery.tasks import add_tasks, send_parts
from ticketmill.learning.spread import Spread
from ticketmill.settings import Settings, usable_cores
from ticketmill.telemetry import logs

NAME = "ticketmill"
QUOTING_LOGS = ("celery.app.trace", "celery.worker.consumer.consumer", "celery.worker.strategy")


@dataclass
class ProcessPlace:
    """Where jobs lie, opened by the first job of a process: a child shares no connection with its parent."""

    settings: Settings
    folder: Path | None
    spread: Spread
    _opened: tuple[int, ExitStack, JobPlace] | None = field(default=None, init=False)
    """Never closed: it lives as long as its process."""
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __call__(self) -> JobPlace:
        with self._lock:
            if self._opened is None or self._opened[0] != os.getpid():
                stack = ExitStack()
                place = stack.enter_context(open_job_place(self.settings, self.folder, self.spread))
                self._opened = (os.getpid(), stack, place)
            return self._opened[2]


def make_app(settings: Settings, folder: Path | None = None) -> Celery:
    """The app of workers and of clients in Python. Jobs lie in the stack, or in a folder without AWS.

    SetupError where the broker is not there.
    """
    app = Celery(NAME, set_as_current=False)
    app.conf.update(configuration(settings))
    add_tasks(app, settings, ProcessPlace(settings, folder, Spread(partial(send_parts, app))))
    return app


def make_worker_app(settings: Settings, folder: Path | None = None) -> Celery:
    """The app of a worker: it logs as other commands do, and has a heartbeat."""
    app = make_app(settings, folder)
    log_as_we_do(settings)
    every, dead_after_s = timedelta(seconds=settings.job_heartbeat_s), settings.worker_dead_after_s
    Heartbeat(app, lambda: open_learning_store(settings, folder), every, dead_after_s).listen()
    return app


def share_cores(settings: Settings, processes: int) -> Settings:
    """Settings of one of several processes on this machine: each has its share of the cores."""
    if "threads" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"threads": max(1, usable_cores() // processes)})


def log_as_we_do(settings: Settings) -> None:
    """Celery's lines go where ours go, and in the same form."""

    def configure(**_: Any) -> None:
        logs.configure(settings.log_format, verbose=True)
        for name in QUOTING_LOGS:
            logging.getLogger(name).addFilter(without_texts)

    signals.setup_logging.connect(configure, weak=False)


def without_texts(record: logging.LogRecord) -> bool:
    """Cuts what Celery would quote: messages that it cannot use, arguments, and what a bug says."""
    said = str(record.msg)
    vars(record).pop("data", None)
    if isinstance(record.args, dict) and "exc" in record.args:
        found = record.args
        record.msg, record.args = f"task {found.get('name')} {found.get('description')}", None
    elif "body" in said:
        first = said.splitlines()[0].partition(" %")[0].rstrip(":.")
        record.msg, record.args, record.exc_info = f"{first}; what it contains is left out", None, None
    return True
