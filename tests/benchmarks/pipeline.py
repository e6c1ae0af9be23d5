"""How fast the whole pipeline is, beside the bare encoder and the naive design, in one run.

    python tests/benchmarks/pipeline.py [--json] [--rounds N] [--tickets N] [--threads N]
        [--worker OPTIONS] [--latencies N]
        [--naive-tickets N] [--naive-python PATH] [--naive-model NAME_OR_FOLDER] [--beams N]

Each round takes other tickets of the shipped corpus, and does with them, one after the other: the bare
encoder on their micro-batches; a full queue in memory at 30 ms a request; a full queue on the emulator, by a
worker process; the naive design on some of them; the bare encoder again. Ratios are those of a round, and the
median is told: what else the machine does falls on all of them alike. The emulator runs on the same cores.

The naive design needs torch, transformers and sentence-transformers, here or in the Python of --naive-python.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median, quantiles
from typing import Any

from end_to_end import Drained, drain, idle_latencies_ms
from in_memory import Worked, work_in_memory
from local_place import local_emulator, rounds_of
from naive import NaiveDesign
from precision import cpu
from report import report

from ticketmill import bootstrap
from ticketmill.aws.clients import Clients
from ticketmill.encoder.bundle import load_bundle
from ticketmill.encoder.encoder import Encoder
from ticketmill.learning.corpus import LabelledTicket
from ticketmill.pipeline.enricher import Enricher
from ticketmill.settings import Settings, load_settings

LATENCY_S = 0.03
WARM_UP_TICKETS = 64


@dataclass(frozen=True, slots=True)
class Bench:
    """What is measured, ready to run."""

    settings: Settings
    encoder: Encoder
    enricher: Enricher
    clients: Clients
    naive: NaiveDesign | None
    worker: Sequence[str]
    """Options of the worker process."""


def bare_seconds(encoder: Encoder, texts: Sequence[str], threads: int) -> float:
    """The encoder alone, its micro-batches made before, on as many threads as the worker gives it."""
    batches = list(encoder.token_batches(texts))
    with ThreadPoolExecutor(threads) as pool:
        started = time.perf_counter()
        for _ in pool.map(lambda batch: encoder.encode_tokens(*batch), batches):
            pass
        return time.perf_counter() - started


def measure_round(bench: Bench, tickets: Sequence[LabelledTicket], naive_tickets: int) -> dict[str, Any]:
    texts = [ticket.text for ticket in tickets]
    before = bare_seconds(bench.encoder, texts, bench.settings.threads)
    worked = work_in_memory(bench.settings, bench.enricher, tickets, LATENCY_S)
    drained = drain(bench.clients, tickets, *bench.worker)
    naive = None
    if bench.naive is not None:
        sample = evenly(sorted(texts, key=len), naive_tickets)
        naive = len(sample) / bench.naive.seconds(sample)
    after = bare_seconds(bench.encoder, texts, bench.settings.threads)
    return _round(2 * len(texts) / (before + after), worked, drained, naive)


def _round(bare: float, worked: Worked, drained: Drained, naive: float | None) -> dict[str, Any]:
    return {
        "bare_per_s": bare,
        "in_memory_per_s": worked.tickets_per_s,
        "in_memory_of_bare": worked.tickets_per_s / bare,
        "emulator_per_s": drained.tickets_per_s,
        "emulator_of_bare": drained.tickets_per_s / bare,
        "naive_per_s": naive,
        "times_naive": drained.tickets_per_s / naive if naive else None,
        "cold_start_s": drained.cold_start_s,
        "peak_rss_mb": drained.peak_rss_mb,
        "requests_per_ticket": {name: count / worked.tickets for name, count in worked.requests.items()},
        "sizes": drained.sizes,
        "worker": drained.statistics,
    }


def evenly(items: Sequence[str], count: int) -> list[str]:
    """So many of `items`, from the middle of equal parts."""
    count = min(count, len(items))
    return [items[int((adapters + 0.5) * len(items) / count)] for adapters in range(count)]


def summary(rounds: list[dict[str, Any]], latencies_ms: list[float], settings: Settings) -> dict[str, Any]:
    """The median of each number over the rounds, and what the run was."""
    numbers = [name for name, value in rounds[0].items() if not isinstance(value, dict)]
    told: dict[str, Any] = {}
    for name in numbers:
        found = [each[name] for each in rounds if each[name] is not None]
        told[name] = median(found) if found else None
    percentiles = quantiles(latencies_ms, n=100, method="inclusive") if len(latencies_ms) > 1 else None
    return {
        "cpu": cpu(),
        "threads": settings.threads,
        **told,
        "latency_ms_p50": percentiles[49] if percentiles else None,
        "latency_ms_p95": percentiles[94] if percentiles else None,
        "requests_per_ticket": _means(rounds, "requests_per_ticket"),
        "sizes": _means(rounds, "sizes"),
        "rounds": rounds,
    }


def _means(rounds: list[dict[str, Any]], name: str) -> dict[str, float]:
    keys = sorted({key for each in rounds for key in each[name]})
    return {key: fmean(each[name].get(key, 0.0) for each in rounds) for key in keys}


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    settings = load_settings(threads=arguments.threads, encode_cache_bytes=0)
    encoder = Encoder(load_bundle(settings.bundle_dir), settings.threads)
    enricher = bootstrap.load_enricher(settings)
    naive = None
    if arguments.naive_tickets:
        naive = NaiveDesign(arguments.naive_python, arguments.naive_model, arguments.beams)
    rounds = []
    with local_emulator() as clients:
        ready = naive if naive and naive.ready else None
        bench = Bench(settings, encoder, enricher, clients, ready, shlex.split(arguments.worker))
        warm_up = rounds_of(WARM_UP_TICKETS, 1)[0]
        bare_seconds(encoder, [ticket.text for ticket in warm_up], settings.threads)
        work_in_memory(settings, enricher, warm_up, 0)
        for number, tickets in enumerate(rounds_of(arguments.tickets, arguments.rounds), start=1):
            rounds.append(measure_round(bench, tickets, arguments.naive_tickets))
            told = {name: value for name, value in rounds[-1].items() if isinstance(value, float)}
            line = ", ".join(f"{name} {value:.3g}" for name, value in told.items())
            print(f"round {number} of {arguments.rounds}: {line}", file=sys.stderr)
        latencies_ms = idle_latencies_ms(clients, rounds_of(arguments.latencies, 1, seed=2)[0])
    if naive is not None:
        naive.close()
    return {**summary(rounds, latencies_ms, settings), "settings": _as_plain(settings)}


def _as_plain(settings: Settings) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Path) else value for name, value in settings}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="for programs, with every round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tickets", type=int, default=560, help="of a round; the corpus has 1,680")
    parser.add_argument("--threads", type=int, help="of the encoder; default: the cores")
    parser.add_argument("--worker", default="", help='more options of `ticketmill work`, as "--processes 2"')
    parser.add_argument("--latencies", type=int, default=53, help="tickets on an idle queue")
    parser.add_argument("--naive-tickets", type=int, default=8, help="of a round; 0 leaves it out")
    parser.add_argument("--naive-python", default=sys.executable)
    parser.add_argument("--naive-model", default="sentence-transformers/all-MiniLM-L6-v2")
    parser.add_argument("--beams", type=int, default=1, help="of the naive design's summarizer")
    arguments = parser.parse_args()
    found = run(arguments)
    print(json.dumps(found) if arguments.json else report(found))


if __name__ == "__main__":
    main()
