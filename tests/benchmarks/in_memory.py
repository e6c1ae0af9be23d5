"""The worker over ports in memory whose every request takes as long as one over a network."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "unit"))

from fakes import VISIBILITY_TIMEOUT_S, FakeEnrichedTickets, FakeQueue, FakeRawTickets, FakeRows, decode
from local_place import raw

from ticketmill.domain.message import Message
from ticketmill.learning.corpus import LabelledTicket
from ticketmill.pipeline.batch import Pipeline
from ticketmill.pipeline.enricher import Enricher
from ticketmill.settings import Settings
from ticketmill.worker.pace import Limits
from ticketmill.worker.turns import take_short_turns
from ticketmill.worker.worker import make_worker

# What takes several requests once it holds more: ten messages are deleted at once, a hundred rows read.
PER_REQUEST = {"acknowledge": 10, "get_many": 100}


class Network:
    """Lends ports a latency: each request is counted and takes so long before the port has it."""

    def __init__(self, latency_s: float) -> None:
        self._latency_s = latency_s
        self.requests: Counter[str] = Counter()
        self.first_at = self.last_at = 0.0
        self._counting = threading.Lock()

    def to(self, name: str, port: object) -> Any:
        """The port as seen over this network; `name` begins the names of its requests."""
        return _Remote(self, name, port)

    def request(self, name: str, method: Callable[..., Any], *given: Any) -> Any:
        kind = name.rpartition(".")[2]
        held = [list(given[0]), *given[1:]] if kind in PER_REQUEST else list(given)
        count = max(1, ceil(len(held[0]) / PER_REQUEST[kind])) if kind in PER_REQUEST else 1
        with self._counting:
            self.requests[name] += count
            self.first_at = self.first_at or time.perf_counter()
        time.sleep(self._latency_s * count)
        answer = method(*held)
        if kind == "acknowledge":
            self.last_at = time.perf_counter()
        return answer


class _Remote:
    def __init__(self, network: Network, name: str, port: object) -> None:
        self._network = network
        self._name = name
        self._port = port

    def __getattr__(self, method: str) -> Callable[..., Any]:
        bound = getattr(self._port, method)

        def call(*given: Any, **named: Any) -> Any:
            name = f"{self._name}.{method}"
            return self._network.request(name, lambda *held: bound(*held, **named), *given)

        return call


class LongPollingQueue(FakeQueue):
    """Waits for a message as long as it is told, as SQS does: nobody asks an empty queue again and again."""

    def receive(
        self, max_messages: int, wait_s: float, visibility_timeout_s: int | None = None
    ) -> list[Message]:
        found = super().receive(max_messages, wait_s, visibility_timeout_s)
        if not found:
            time.sleep(wait_s)
        return found


@dataclass(frozen=True, slots=True)
class Worked:
    """`seconds` from the first request to the last acknowledgement; requests of all tickets together."""

    tickets: int
    seconds: float
    requests: dict[str, int]

    @property
    def tickets_per_s(self) -> float:
        return self.tickets / self.seconds


def run_worker(queue: Any, pipeline: Pipeline, settings: Settings) -> None:
    """Works `queue` off. The one place that knows how a worker is made."""
    take_short_turns()
    known_to_the_fake = settings.model_copy(update={"visibility_timeout_s": VISIBILITY_TIMEOUT_S})
    make_worker(known_to_the_fake, queue, pipeline.process_batch, Limits(until_empty=True)).run()


def work_in_memory(
    settings: Settings, enricher: Enricher, tickets: Sequence[LabelledTicket], latency_s: float
) -> Worked:
    """A full queue in memory, worked off by the real worker with the real models."""
    network = Network(latency_s)
    raw_tickets, rows = FakeRawTickets(), FakeRows()
    names = [f"M{number:06d}" for number in range(len(tickets))]
    queue = LongPollingQueue(
        [
            raw_tickets.drop(f"tickets/{name}.json", raw(ticket, name))
            for name, ticket in zip(names, tickets, strict=True)
        ]
    )
    with ThreadPoolExecutor(settings.io_threads) as executor:
        pipeline = Pipeline(
            raw_tickets=network.to("raw", raw_tickets),
            enriched_tickets=network.to("enriched", FakeEnrichedTickets()),
            rows=network.to("rows", rows),
            decode=decode,
            enricher=enricher,
            executor=executor,
            max_ticket_bytes=settings.max_ticket_bytes,
        )
        run_worker(network.to("queue", queue), pipeline, settings)
    if len(rows.rows) != len(tickets) or len(set(queue.acknowledged)) != len(tickets):
        raise SystemExit(f"{len(tickets)} tickets gave {len(rows.rows)} rows")
    return Worked(len(tickets), network.last_at - network.first_at, dict(network.requests))
