"""A prediction job that Celery spreads over workers, beside the bare encoder on the same cores.

    python tests/benchmarks/jobs_celery.py [--texts 10000] [--workers 4] [--broker redis://localhost]

Messages and documents lie in a folder without `--broker`. The bare encoder reads a part of the texts with all
cores. The job is sent twice: with no features cached, and with all of them. It lasts from sending its task to
the end of its row; its CPU time is that of all processes of the worker.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from celery import Celery
from jobs import BARE_TEXTS, TASK, Speed, encode, measured, run
from train import pieces

from ticketmill.bootstrap import open_learning_store
from ticketmill.domain.job import Documents, JobKind, JobStatus
from ticketmill.domain.ticket import Ticket
from ticketmill.encoder.bundle import load_bundle
from ticketmill.encoder.encoder import Encoder
from ticketmill.entrypoints.celery.config import configuration
from ticketmill.learning.job_records import is_final
from ticketmill.settings import Settings, load_settings
from ticketmill.text.reading import read_ticket

LOOK_S = 0.1
STAT_TIMES = slice(11, 13)
"""User and system time in /proc/PID/stat, counted behind the name of the command."""


@dataclass(frozen=True)
class Place:
    """A worker and its client."""

    app: Celery
    settings: Settings
    store_folder: Path
    worker: subprocess.Popen[bytes]

    def predict(self, job_id: str, asked: Path, count: int) -> Speed:
        """How fast a job is, from its task to the end of its row."""
        store = open_learning_store(self.settings, self.store_folder)
        started, cpu = time.perf_counter(), self._cpu_s()
        request = {"task": TASK, "documents": {"uri": str(asked)}}
        self.app.send_task("ticketmill.jobs.predict", kwargs=request, task_id=job_id, queue="prediction")
        while (job := store.jobs.get(job_id)) is None or not is_final(job):
            time.sleep(LOOK_S)
        assert job.status is JobStatus.COMPLETED, job
        seconds = time.perf_counter() - started
        return Speed(count / seconds, 1000 * (self._cpu_s() - cpu) / count)

    def _cpu_s(self) -> float:
        own = self.worker.pid
        pids = [own, *Path(f"/proc/{own}/task/{own}/children").read_text().split()]
        stats = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids)
        return sum(sum(map(int, stat[STAT_TIMES])) for stat in stats) / os.sysconf("SC_CLK_TCK")


@contextmanager
def working(settings: Settings, store_folder: Path, workers: int) -> Iterator[Place]:
    app = Celery(set_as_current=False)
    app.conf.update(configuration(settings))
    command = [sys.executable, "-m", "ticketmill", "jobs", "worker", "--store", str(store_folder)]
    environment = {**os.environ, "TICKETMILL_CELERY_BROKER": str(settings.celery_broker)}
    worker = subprocess.Popen(
        [*command, "--concurrency", str(workers)], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        yield Place(app, settings, store_folder, worker)
    finally:
        worker.terminate()
        worker.wait(60)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--texts", type=int, default=10_000)
    parser.add_argument("--trained", type=int, default=800)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--broker")
    given = parser.parse_args()
    rows = list(islice(pieces(given.texts + given.trained), given.texts + given.trained))
    with tempfile.TemporaryDirectory() as name:
        folder, store = Path(name), Path(name) / "store"
        settings = load_settings(celery_broker=given.broker or f"filesystem://{folder}/messages")
        trained, asked = folder / "trained.jsonl", folder / "asked.jsonl"
        for path, some in ((trained, rows[: given.trained]), (asked, rows[given.trained :])):
            path.write_text("".join(json.dumps(row) + "\n" for row in some))
        run(settings, store, "training", JobKind.TRAIN, Documents(uri=str(trained)))
        part = rows[given.trained : given.trained + BARE_TEXTS]
        texts = [read_ticket(Ticket(ticket_id="piece", body=row["body"])).text for row in part]
        encoder = Encoder(load_bundle(settings.bundle_dir), settings.threads)
        encode(encoder, texts)
        bare = measured(lambda: encode(encoder, texts), len(texts))
        print(f"bare encoder: {bare.rate:.0f} texts/s, {bare.cpu_ms:.2f} ms of CPU each", flush=True)
        with working(settings, store, given.workers) as place:
            place.predict("warm-up", trained, given.trained)
            for job_id in ("cold", "warm"):
                speed = place.predict(job_id, asked, given.texts)
                told = speed.told(bare)
                print(f"{job_id}, {given.texts:,} texts, {given.workers} processes: {told}", flush=True)


if __name__ == "__main__":
    main()
