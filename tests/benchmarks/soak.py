"""Whether a worker that is never idle grows: memory, threads and sockets, second by second.

    python tests/benchmarks/soak.py [--json] [--minutes N] [--processes N]

A worker works while this script keeps its queue full. The texts are those of the shipped corpus, over and
over, each time under another ticket id. Ends with 1 where the last minute's median memory is more than 5%
above that of the third minute (until then it fills what it keeps for good), threads have grown since, or
sockets beyond what the connection pools keep.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from itertools import count, cycle
from statistics import median
from typing import Any

from local_place import drop, fresh_place, local_emulator
from worker_process import Footprint, WorkerProcess

from ticketmill.bootstrap import Adapters
from ticketmill.bootstrap.adapters import pool_size
from ticketmill.domain.errors import TransientFailure
from ticketmill.learning.corpus import PLAIN_TICKETS, read_corpus
from ticketmill.settings import Settings, load_settings

SETTLED_MINUTE = 3
MAX_GROWTH = 0.05
LOW, FULL = 200, 600
REFILL_LOOK_S = 0.5
UPLOADS_AT_ONCE = 4
MINUTE = 60


def keep_full(adapters: Adapters, stop: threading.Event) -> None:
    """Drops tickets whenever fewer than LOW wait."""
    numbers, tickets = count(), cycle(read_corpus(PLAIN_TICKETS))
    with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
        while not stop.wait(REFILL_LOOK_S):
            with suppress(TransientFailure):  # of an emulator under load; the next look tries again
                waiting = adapters.queue.depths().visible
                if waiting < LOW:
                    missing = [(f"K{next(numbers):09d}", next(tickets)) for _ in range(FULL - waiting)]
                    list(pool.map(lambda each: drop(adapters, *each), missing))


def watch(worker: WorkerProcess, adapters: Adapters, seconds: int) -> tuple[list[Footprint], int]:
    """A sample each second, and how often the queue was found empty."""
    samples: list[Footprint] = []
    starved = 0
    started = time.monotonic()
    for second in range(1, seconds + 1):
        time.sleep(max(0.0, started + second - time.monotonic()))
        if not worker.running:
            raise SystemExit("the worker has ended")
        sample = worker.footprint()
        if sample is None:
            raise SystemExit("nothing is known of the worker: this needs /proc")
        samples.append(sample)
        if second % 10 == 0:
            with suppress(TransientFailure):
                starved += adapters.queue.depths().visible == 0
        if second % MINUTE == 0:
            print(f"minute {second // MINUTE}: {_told(samples[-MINUTE:])}", file=sys.stderr)
    return samples, starved


def _told(samples: Sequence[Footprint]) -> str:
    medians = _medians(samples)
    return ", ".join(f"{name} {value:,.0f}" for name, value in medians.items())


def _medians(samples: Sequence[Footprint]) -> dict[str, float]:
    rows = [asdict(sample) for sample in samples]
    return {name: median(row[name] for row in rows) for name in rows[0]}


def pooled_sockets(settings: Settings) -> int:
    """The most sockets that the pools of the worker's clients keep: they open another only when all are in
    use, which may happen at any minute, and keep it."""
    services = ("s3", "sqs", "dynamodb")
    return len(services) * pool_size(settings)


def verdict(samples: Sequence[Footprint], most_sockets: int) -> dict[str, Any]:
    """Compares the last minute with the third; a run that is too short with its own second quarter.

    Sockets may grow up to `most_sockets`.
    """
    start = (SETTLED_MINUTE - 1) * MINUTE
    if len(samples) < start + 2 * MINUTE:
        start = len(samples) // 4
    length = min(MINUTE, max(1, len(samples) // 4))
    settled, last = _medians(samples[start : start + length]), _medians(samples[-length:])
    growth = last["rss_mb"] / settled["rss_mb"] - 1
    faults = []
    if growth > MAX_GROWTH:
        faults.append("memory")
    if last["threads"] > settled["threads"]:
        faults.append("threads")
    if last["sockets"] > max(settled["sockets"], most_sockets):
        faults.append("sockets")
    return {
        "samples": len(samples),
        "settled": settled,
        "last": last,
        "rss_growth": round(growth, 4),
        "peak_rss_mb": samples[-1].peak_rss_mb,
        "grew": faults,
    }


def soak(minutes: float, processes: int) -> dict[str, Any]:
    arguments = ["--processes", str(processes)] if processes > 1 else []
    with local_emulator() as clients:
        stack, adapters = fresh_place(clients)
        stop = threading.Event()
        feeder = threading.Thread(target=keep_full, args=(adapters, stop))
        with WorkerProcess(stack, *arguments) as worker:
            feeder.start()
            try:
                samples, starved = watch(worker, adapters, max(8, round(minutes * MINUTE)))
            finally:
                stop.set()
                feeder.join()
            statistics = worker.stop()
    most_sockets = processes * pooled_sockets(load_settings())
    return {
        **verdict(samples, most_sockets),
        "most_sockets": most_sockets,
        "queue_found_empty": starved,
        "worker": statistics,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--processes", type=int, default=1)
    arguments = parser.parse_args()
    found = soak(arguments.minutes, arguments.processes)
    if arguments.json:
        print(json.dumps(found))
    else:
        for name in ("settled", "last"):
            print(f"{name}: " + ", ".join(f"{kind} {value:,.1f}" for kind, value in found[name].items()))
        print(f"the pools keep up to {found['most_sockets']} sockets")
        print(f"memory {found['rss_growth']:+.1%}, peak {found['peak_rss_mb']:.0f} MB")
        print(
            f"{found['worker']['processed']} tickets; queue found empty: {found['queue_found_empty']} times"
        )
        print(f"grew: {', '.join(found['grew'])}" if found["grew"] else "nothing grew")
    sys.exit(1 if found["grew"] else os.EX_OK)


if __name__ == "__main__":
    main()
