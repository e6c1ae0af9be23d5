"""Parts on Ray Data: an actor a core, each with its own models. Needs the extra `ray`."""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

# Ray reads these when it is imported: it would send usage data, and describe every actor on stderr
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")

import ray
import ray.data

from ticketmill.bulk.part_enricher import SETUP, FailedPart, Outcome
from ticketmill.domain.bulk import Part
from ticketmill.domain.errors import SetupError, TicketmillError

OBJECT_STORE_BYTES = 128 << 20
"""Of a Ray on this machine. What goes through it are parts and receipts, never tickets."""

MakeWorker = Callable[[], Callable[[Part], Outcome]]


class PartActor:
    """Holds a worker in a process of Ray. One that cannot be made is told by every part."""

    def __init__(self, make_worker: MakeWorker) -> None:
        self._failure = ""
        try:
            self._worker = make_worker()
        except TicketmillError as error:
            self._failure = str(error)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """A batch of one pickled part; its pickled outcome."""
        part: Part = pickle.loads(batch["part"][0])  # noqa: S301 - of our own run
        outcome = FailedPart("", SETUP, self._failure) if self._failure else self._worker(part)
        return {"outcome": [pickle.dumps(outcome)]}


def on_ray(make_worker: MakeWorker, threads: int, parts: Sequence[Part]) -> Generator[Outcome]:
    """Does parts on the cluster at RAY_ADDRESS, else on `threads` cores of this machine.

    Raises SetupError where Ray cannot be started or reached. An actor that is killed is started again.
    """
    with connected(threads) as cores:
        actors = min(cores, len(parts))
        rows = [{"part": pickle.dumps(part)} for part in parts]
        outcomes = ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
            PartActor,
            fn_constructor_args=(make_worker,),
            batch_size=1,
            num_cpus=1,
            compute=ray.data.ActorPoolStrategy(size=actors),
        )
        for row in outcomes.iter_rows():
            yield pickle.loads(row["outcome"])  # noqa: S301 - of our own run


@contextmanager
def connected(threads: int) -> Iterator[int]:
    """The cores of the cluster. One that is connected to already stays so."""
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    started = not ray.is_initialized()
    if started:
        _connect(threads)
    try:
        ray.data.DataContext.get_current().enable_progress_bars = False
        resources: Any = ray.cluster_resources  # Ray's own types leave it out
        yield int(resources().get("CPU", 1))
    finally:
        if started:
            ray.shutdown()


def _connect(threads: int) -> None:
    try:
        ray.init(**_arguments(threads))
    except (ConnectionError, RuntimeError, ValueError) as error:
        address = os.environ.get("RAY_ADDRESS")
        step = f"check RAY_ADDRESS={address}" if address else "see the logs in /tmp/ray/session_latest/logs"
        raise SetupError(f"Ray cannot be started or reached ({type(error).__name__}): {step}") from error


def _arguments(threads: int) -> dict[str, Any]:
    quiet = {"log_to_driver": False, "logging_level": "error"}
    if os.environ.get("RAY_ADDRESS"):
        return quiet
    return {
        **quiet,
        "address": "local",
        "num_cpus": threads,
        "include_dashboard": False,
        "object_store_memory": OBJECT_STORE_BYTES,
    }
