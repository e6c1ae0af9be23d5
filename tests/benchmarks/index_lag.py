"""How soon an enrichment can be searched while the worker has all that it can do, on the emulator.

    python tests/benchmarks/index_lag.py [--json] [--tickets N] [--rounds N]

A worker works off a full queue, an indexer runs beside it, and a reader looks at the index as a server does.
The lag of a ticket is the time from the end of its models' work until the reader has its vector. The worker's
tickets a second beside the indexer are compared with those without it. All of it, the emulator too,
shares the cores.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from local_place import drop, fresh_place, local_emulator, rounds_of, upload
from worker_process import WorkerProcess

from ticketmill.aws.clients import Clients
from ticketmill.bootstrap.search import open_ticket_vectors
from ticketmill.deploy.search_stack import deploy_search
from ticketmill.domain.enrichment import read_enriched
from ticketmill.learning.corpus import LabelledTicket
from ticketmill.queries.ticket_vectors import TicketVectors
from ticketmill.settings import load_settings

LOOK_S = 0.1
INDEX_TIMEOUT_S = 120
TARGET_S = 5.0
WARM_UP_TICKETS = 3


class Reader:
    """Looks at the index again and again, and notes when each key was first there."""

    def __init__(self, vectors: TicketVectors) -> None:
        self.seen: dict[str, float] = {}
        self._vectors = vectors
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def wait(self, expected: int) -> None:
        """Waits until so many entries are there."""
        deadline = time.monotonic() + INDEX_TIMEOUT_S
        while len(self.seen) < expected:
            if time.monotonic() > deadline or not self._thread.is_alive():
                self.end()
                raise SystemExit(f"{len(self.seen)} of {expected} enrichments are in the index")
            time.sleep(LOOK_S)

    def end(self) -> None:
        self._ending.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ending.wait(LOOK_S):
            keys = self._vectors.current().keys
            now = time.time()
            for number in range(len(self.seen), len(keys)):
                self.seen[keys[number]] = now


def lags_of(clients: Clients, bucket: str, seen: dict[str, float]) -> list[float]:
    """Seconds from the end of the models' work to the first look that found the entry."""
    lags = []
    for key, at in seen.items():
        body = clients.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        lags.append(at - read_enriched(body).enrichment.processed_at.timestamp())
    return lags


def work_off(stack: str) -> float:
    """A worker's tickets a second while it works off a full queue."""
    with WorkerProcess(stack, "--until-empty") as worker:
        while worker.running:
            time.sleep(LOOK_S)
        return float(worker.statistics()["tickets_per_s"])


def alone(clients: Clients, tickets: Sequence[LabelledTicket]) -> float:
    """The same where nothing is indexed. The events come all the same."""
    stack, adapters = fresh_place(clients)
    deploy_search(clients, stack)
    upload(adapters, tickets)
    return work_off(stack)


def beside(clients: Clients, tickets: Sequence[LabelledTicket]) -> tuple[float, list[float]]:
    """A worker's tickets a second beside an indexer and a reader that have begun, and all lags in seconds."""
    stack, adapters = fresh_place(clients)
    deploy_search(clients, stack)
    with WorkerProcess(stack, command=("index", "work")) as indexer:
        reader = Reader(open_ticket_vectors(load_settings(stack=stack)))
        for number, ticket in enumerate(tickets[:WARM_UP_TICKETS]):
            drop(adapters, f"W{number}", ticket)
        work_off(stack)
        reader.wait(WARM_UP_TICKETS)
        warm = set(reader.seen)
        upload(adapters, tickets)
        per_s = work_off(stack)
        reader.wait(WARM_UP_TICKETS + len(tickets))
        reader.end()
        indexer.stop()
    seen = {key: at for key, at in reader.seen.items() if key not in warm}
    return per_s, lags_of(clients, adapters.stack.enriched_bucket, seen)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    slices = rounds_of(arguments.tickets, arguments.rounds)
    with local_emulator() as clients:
        without = [alone(clients, tickets) for tickets in slices]
        found = [beside(clients, tickets) for tickets in slices]
    lags = [lag for _, some in found for lag in some]
    percentiles = quantiles(lags, n=100, method="inclusive")
    per_s = [median(without), median(each for each, _ in found)]
    return {
        "tickets": arguments.tickets,
        "rounds": arguments.rounds,
        "lag_p50_s": round(percentiles[49], 2),
        "lag_p95_s": round(percentiles[94], 2),
        "lag_max_s": round(max(lags), 2),
        "target_p95_s": TARGET_S,
        "worker_alone_per_s": per_s[0],
        "worker_beside_indexer_per_s": per_s[1],
        "ratio": round(per_s[1] / per_s[0], 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=Path(__file__).name)
    parser.add_argument("--json", action="store_true", help="one line for programs")
    parser.add_argument("--tickets", type=int, default=1000, help="tickets of a round")
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    found = run(arguments)
    if arguments.json:
        print(json.dumps(found))
        return
    print(
        f"{found['rounds']} rounds of {found['tickets']} tickets: enriched to searchable p50 "
        f"{found['lag_p50_s']} s, p95 {found['lag_p95_s']} s (target {TARGET_S:g} s), "
        f"longest {found['lag_max_s']} s; the worker does {found['worker_beside_indexer_per_s']} tickets/s "
        f"beside the indexer and {found['worker_alone_per_s']} without it, a ratio of {found['ratio']}"
    )


if __name__ == "__main__":
    main()
