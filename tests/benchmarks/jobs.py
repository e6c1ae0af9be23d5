"""A prediction job beside the bare encoder: with no features cached, and with all of them.

    python tests/benchmarks/jobs.py [--texts 10000] [--trained 800]

The texts are pieces of the shipped corpus. The bare encoder reads a part of them, in batches as the job has
them. Everything is in one folder and one process; the version is trained on the first texts.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from train import pieces

from ticketmill.bootstrap.jobs import open_job_runner
from ticketmill.domain.job import Documents, JobKind, JobRequest, JobStatus
from ticketmill.domain.ticket import Ticket
from ticketmill.encoder.bundle import load_bundle
from ticketmill.encoder.encoder import Encoder
from ticketmill.learning.feature_cache import ENCODED_AT_ONCE
from ticketmill.learning.job_work import utc_now
from ticketmill.settings import Settings, load_settings
from ticketmill.text.reading import read_ticket

TASK = "intent"
BARE_TEXTS = 1024


@dataclass(frozen=True)
class Speed:
    """Documents a second, and the CPU time of one: the clock also counts what else the machine does."""

    rate: float
    cpu_ms: float

    def told(self, bare: Speed) -> str:
        return (
            f"{self.rate:.0f}/s, {self.cpu_ms:.2f} ms of CPU each; beside the bare encoder "
            f"{self.rate / bare.rate:.2f} times by the clock, {bare.cpu_ms / self.cpu_ms:.2f} by CPU time"
        )


def measured(work: Callable[[], object], count: int) -> Speed:
    """How fast `work` is that does so many documents."""
    started, cpu = time.perf_counter(), time.process_time()
    work()
    return Speed(count / (time.perf_counter() - started), 1000 * (time.process_time() - cpu) / count)


def encode(encoder: Encoder, texts: Sequence[str]) -> None:
    """Reads texts in batches, as the job has them."""
    for start in range(0, len(texts), ENCODED_AT_ONCE):
        encoder.encode(texts[start : start + ENCODED_AT_ONCE])


def run(settings: Settings, store: Path, job_id: str, kind: JobKind, documents: Documents) -> None:
    """Runs a job, from opening its store on."""
    with open_job_runner(settings, store) as runner:
        runner.records.submit(job_id, JobRequest(kind=kind, task=TASK, documents=documents), utc_now())
        job = runner(job_id)
    assert job.status is JobStatus.COMPLETED, job


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--texts", type=int, default=10_000)
    parser.add_argument("--trained", type=int, default=800)
    given = parser.parse_args()
    settings = load_settings()
    rows = list(islice(pieces(given.texts + given.trained), given.texts + given.trained))
    with tempfile.TemporaryDirectory() as folder:
        store, trained, asked = Path(folder), Path(folder) / "trained.jsonl", Path(folder) / "asked.jsonl"
        for path, some in ((trained, rows[: given.trained]), (asked, rows[given.trained :])):
            path.write_text("".join(json.dumps(row) + "\n" for row in some))
        run(settings, store, "training", JobKind.TRAIN, Documents(uri=str(trained)))
        # from all over: the corpus is in an order, and its texts are not of one length
        part = rows[given.trained :: max(given.texts // BARE_TEXTS, 1)]
        texts = [read_ticket(Ticket(ticket_id="piece", body=row["body"])).text for row in part]
        encoder = Encoder(load_bundle(settings.bundle_dir), settings.threads)
        encode(encoder, texts[:ENCODED_AT_ONCE])
        bare = measured(lambda: encode(encoder, texts), len(texts))
        print(f"bare encoder: {bare.rate:.0f} texts/s, {bare.cpu_ms:.2f} ms of CPU each")
        for name in ("cold", "warm"):
            predict = partial(run, settings, store, name, JobKind.PREDICT, Documents(uri=str(asked)))
            print(f"{name}, {given.texts:,} texts: {measured(predict, given.texts).told(bare)}")


if __name__ == "__main__":
    main()
