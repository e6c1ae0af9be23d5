"""How long the Lambda function takes from nothing to its first answer, by the archive that is deployed.

    python tests/benchmarks/lambda_start.py ARCHIVE [--runs N] [--cores N]

Each run is a fresh process of this Python, which the archive must be built for, with nothing on its path but
the unpacked archive: import of the handler, making of clients and models, first batch of 10 tickets. S3 and
DynamoDB are not called: the first batch goes through the models alone. The files are in the page cache, as
they are not in a fresh environment of Lambda. The memory of 1769 MB that the template sets is one vCPU.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

STAGES = ("import", "environment", "first batch", "all")
TARGETS_S = {"import": 1.5, "all": 3.0}
NAMED = ("RAW_BUCKET", "ENRICHED_BUCKET", "TABLE", "QUEUE_URL", "DEAD_LETTER_QUEUE_URL")

START = """
import json, sys, time

def clocks():
    return time.perf_counter(), time.process_time()

marks = [clocks()]
sys.path.insert(0, sys.argv[1])
from ticketmill.entrypoints import lambda_handler
marks.append(clocks())
environment = lambda_handler.environment()
marks.append(clocks())
from ticketmill.domain.ticket import Ticket
body = "I was charged twice for order {}. Please refund the second payment."
tickets = [Ticket(ticket_id=f"T{n}", subject="Refund", body=body.format(n)) for n in range(10)]
environment.enricher.enrich(tickets)
marks.append(clocks())
print(json.dumps(marks))
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """Seconds by the clock, and of the processor."""

    wall_s: float
    cpu_s: float


def start(directory: Path, cores: int) -> list[Stage]:
    """What each of STAGES took, in a fresh process on so many cores."""
    environment = {f"TICKETMILL_{name}": "http://127.0.0.1:9/x" for name in NAMED}
    environment |= {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    allowed = set(sorted(os.sched_getaffinity(0))[:cores])
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", START, str(directory)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: os.sched_setaffinity(0, allowed),
    )
    if done.returncode:
        sys.exit(f"the function does not start:\n{done.stderr}")
    marks = json.loads(done.stdout)
    spans = [*pairwise(marks), (marks[0], marks[-1])]
    return [Stage(end[0] - begin[0], end[1] - begin[1]) for begin, end in spans]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("archive", type=Path)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--cores", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as unpacked:
        with zipfile.ZipFile(arguments.archive) as packed:
            packed.extractall(unpacked)
        start(Path(unpacked), arguments.cores)  # reads the files into the page cache
        runs = [start(Path(unpacked), arguments.cores) for _ in range(arguments.runs)]
    print(f"{arguments.runs} starts on {arguments.cores} core(s)")
    for name, stages in zip(STAGES, zip(*runs, strict=True), strict=True):
        wall_s, cpu_s = median(stage.wall_s for stage in stages), median(stage.cpu_s for stage in stages)
        target = f", target under {TARGETS_S[name]:g} s" if name in TARGETS_S else ""
        print(f"{name:12} median {wall_s:.2f} s, of the processor {cpu_s:.2f} s{target}")


if __name__ == "__main__":
    main()
