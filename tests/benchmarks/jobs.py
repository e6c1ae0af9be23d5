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
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from train import pieces

from ticketmill.bootstrap.jobs import open_job_runner
from ticketmill.domain.job import Documents, Job, JobKind, JobRequest, JobStatus
from ticketmill.domain.ticket import Ticket
from ticketmill.encoder.bundle import load_bundle
from ticketmill.encoder.encoder import Encoder
from ticketmill.learning.feature_cache import ENCODED_AT_ONCE
from ticketmill.learning.job_work import utc_now
from ticketmill.settings import Settings, load_settings
from ticketmill.text.reading import read_ticket

TASK = "intent"
BARE_TEXTS = 1024


def bare_rate(settings: Settings, texts: Sequence[str]) -> float:
    """Texts a second of the encoder alone."""
    encoder = Encoder(load_bundle(settings.bundle_dir), settings.threads)
    encoder.encode(texts[:ENCODED_AT_ONCE])
    started = time.perf_counter()
    for start in range(0, len(texts), ENCODED_AT_ONCE):
        encoder.encode(texts[start : start + ENCODED_AT_ONCE])
    return len(texts) / (time.perf_counter() - started)


def run(
    settings: Settings, store: Path, job_id: str, kind: JobKind, documents: Documents
) -> tuple[float, Job]:
    """Seconds of a job, and the job."""
    started = time.perf_counter()
    with open_job_runner(settings, store) as runner:
        runner.records.submit(job_id, JobRequest(kind=kind, task=TASK, documents=documents), utc_now())
        job = runner(job_id)
    assert job.status is JobStatus.COMPLETED, job
    return time.perf_counter() - started, job


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
        training, _ = run(settings, store, "training", JobKind.TRAIN, Documents(uri=str(trained)))
        texts = [
            read_ticket(Ticket(ticket_id="piece", body=row["body"])).text
            for row in rows[given.trained : given.trained + BARE_TEXTS]
        ]
        bare = bare_rate(settings, texts)
        cold, _ = run(settings, store, "cold", JobKind.PREDICT, Documents(uri=str(asked)))
        warm, job = run(settings, store, "warm", JobKind.PREDICT, Documents(uri=str(asked)))
    count = job.result["documents"]
    print(f"training on {given.trained:,} texts: {training:.0f} s; the model is {job.result['model']}")
    print(f"bare encoder: {bare:.0f} texts/s")
    print(f"cold: {count:,} texts, {count / cold:.0f}/s, {count / cold / bare:.2f} times the bare encoder")
    print(f"warm: {count:,} texts, {count / warm:.0f}/s, {count / warm / bare:.1f} times the bare encoder")


if __name__ == "__main__":
    main()
