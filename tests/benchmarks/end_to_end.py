"""The whole way on the emulator: how fast a full queue is worked off, and how soon one ticket is done."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from item_size import sizes_of
from local_place import drop, fresh_place, upload
from worker_process import WorkerProcess

from ticketmill.aws.clients import Clients
from ticketmill.domain.keys import RESERVED_NAMES
from ticketmill.learning.corpus import LabelledTicket

DRAIN_TIMEOUT_S = 900
# A look at the queue costs the emulator 2 ms: many only where a moment is to be found.
LOOK_CLOSELY_S = 0.02
LOOK_S = 0.25
CLOSE_TO_THE_END = 0.05

ROW_TIMEOUT_S = 30
ROW_LOOK_S = 0.004
WARM_UP_TICKETS = 3
MAX_CACHE_HITS = 0.01


@dataclass(frozen=True, slots=True)
class Drained:
    """A full queue that was worked off."""

    tickets: int
    seconds: float
    """From the first receive to the last acknowledgement."""
    cold_start_s: float
    """From the start of the process to its first receive."""
    peak_rss_mb: float | None
    statistics: dict[str, Any]
    sizes: dict[str, float]
    """Mean bytes of rows and objects, and write units of a row in the table alone."""

    @property
    def tickets_per_s(self) -> float:
        return self.tickets / self.seconds


def drain(clients: Clients, tickets: Sequence[LabelledTicket], *arguments: str) -> Drained:
    """Fills a queue while no worker runs, then lets one work it off."""
    stack, adapters = fresh_place(clients)
    upload(adapters, tickets)
    received_at = done_at = 0.0
    peak: float | None = None
    with WorkerProcess(stack, "--until-empty", *arguments) as worker:
        deadline = time.perf_counter() + DRAIN_TIMEOUT_S
        while not done_at:
            depths = adapters.queue.depths()
            now = time.perf_counter()
            if now > deadline:
                raise SystemExit(f"{depths.total} tickets are left after {DRAIN_TIMEOUT_S} s")
            worker.check()
            if not received_at and depths.visible < len(tickets):
                received_at = now
            if depths.total == 0:
                done_at = now
            footprint = worker.footprint()
            peak = footprint.peak_rss_mb if footprint else peak
            near = not received_at or depths.total < CLOSE_TO_THE_END * len(tickets)
            time.sleep(LOOK_CLOSELY_S if near else LOOK_S)
        statistics = worker.statistics()
    sizes, rows = _sizes(clients, adapters.stack.table, adapters.stack.enriched_bucket)
    if rows != len(tickets) or statistics["enriched"] != len(tickets):
        raise SystemExit(f"{len(tickets)} tickets gave {rows} rows; the worker said {statistics}")
    # the cache is on, because it is part of what a worker holds; no text may come twice for it to answer
    if statistics["cache_hits"] > MAX_CACHE_HITS * len(tickets):
        raise SystemExit(f"the cache answered for {statistics['cache_hits']} of {len(tickets)} tickets")
    cold_start_s = received_at - worker.started_at
    return Drained(len(tickets), done_at - received_at, cold_start_s, peak, statistics, sizes)


def idle_latencies_ms(clients: Clients, tickets: Sequence[LabelledTicket]) -> list[float]:
    """How long each ticket takes on an idle queue, from before its upload until its row can be read."""
    stack, adapters = fresh_place(clients)
    pauses = random.Random(1)
    took: list[float] = []
    with WorkerProcess(stack) as worker:
        for number, ticket in enumerate(tickets):
            ticket_id = f"L{number:06d}"
            time.sleep(pauses.uniform(0.1, 0.4))  # so that the worker is not always at the same step
            started = time.perf_counter()
            drop(adapters, ticket_id, ticket)
            key = {"ticket_id": {"S": ticket_id}}
            while "Item" not in clients.dynamodb.get_item(
                TableName=adapters.stack.table, Key=key, ConsistentRead=True, ProjectionExpression="ticket_id"
            ):
                worker.check()
                if time.perf_counter() - started > ROW_TIMEOUT_S:
                    raise SystemExit(f"no row within {ROW_TIMEOUT_S} s of the upload")
                time.sleep(ROW_LOOK_S)
            took.append((time.perf_counter() - started) * 1000)
        worker.stop()
    return took[WARM_UP_TICKETS:]


def _sizes(clients: Clients, table: str, enriched_bucket: str) -> tuple[dict[str, float], int]:
    pages = clients.dynamodb.get_paginator("scan").paginate(TableName=table)
    items = [item for page in pages for item in page["Items"]]
    rows = [item for item in items if not item["ticket_id"]["S"].startswith(RESERVED_NAMES)]
    listing = clients.s3.get_paginator("list_objects_v2").paginate(Bucket=enriched_bucket)
    objects = [found["Size"] for page in listing for found in page.get("Contents", [])]
    if not rows or not objects:
        return {}, len(rows)
    return {**sizes_of(rows), "enriched_bytes": fmean(objects)}, len(rows)
