"""How fast `ticketmill enrich --engine ray` is beside the bare encoder, in one run.

    python tests/benchmarks/bulk.py [--json] [--tickets N] [--rounds N] [--threads N] [--part-kib N]

Each round does the same tickets: the bare encoder on its micro-batches, made before, one core each; a bulk
run on Ray, an actor a core, from a file of JSON lines to files of JSON lines; the bare encoder again. Ratios
are those of a round. Two are told:

by the clock  from the first part that an actor begins to the last receipt, without the start of Ray and of
              the actors, which `start_s` has
by CPU time   of the actors alone, loading left out; what else runs on the machine does not touch it
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from ticketmill.bootstrap import bulk
from ticketmill.bulk.on_ray import on_ray
from ticketmill.bulk.part_enricher import Outcome, Receipt
from ticketmill.bulk.run import progress_of, run
from ticketmill.domain.bulk import Part
from ticketmill.encoder.bundle import load_bundle
from ticketmill.encoder.encoder import Encoder
from ticketmill.entrypoints.cli.enrich import PART_KIB
from ticketmill.learning.corpus import PLAIN_TICKETS, LabelledTicket, read_corpus
from ticketmill.settings import Settings, load_settings


@dataclass(frozen=True)
class Timed:
    """A worker that notes of each part when it began and ended, and its CPU time."""

    worker: Callable[[Part], Outcome]
    notes: Path

    def __call__(self, part: Part) -> Outcome:
        began, cpu = time.time(), time.process_time()
        outcome = self.worker(part)
        assert isinstance(outcome, Receipt), outcome
        note = {"began": began, "ended": time.time(), "cpu_s": time.process_time() - cpu}
        (self.notes / f"{outcome.part}.note").write_text(json.dumps(note))
        return outcome


def timed_worker(make_worker: Callable[[], Callable[[Part], Outcome]], notes: Path) -> Timed:
    return Timed(make_worker(), notes)


def bare(encoder: Encoder, texts: Sequence[str], threads: int) -> tuple[float, float]:
    """Seconds by the clock, and of CPU time."""
    batches = list(encoder.token_batches(texts))
    with ThreadPoolExecutor(threads) as pool:
        started, cpu = time.perf_counter(), time.process_time()
        for _ in pool.map(lambda batch: encoder.encode_tokens(*batch), batches):
            pass
        return time.perf_counter() - started, time.process_time() - cpu


def on_ray_seconds(
    settings: Settings, tickets: Sequence[LabelledTicket], part_bytes: int, place: Path
) -> dict[str, float]:
    source, to, notes = place / "tickets.jsonl", place / "enriched", place / "notes"
    notes.mkdir()
    raw = ({"ticket_id": each.id, "subject": each.subject, "body": each.body} for each in tickets)
    source.write_text("".join(json.dumps(each) + "\n" for each in raw), encoding="utf-8")
    followed = bulk.follow_bundle(settings)
    one_core = settings.model_copy(update={"threads": 1})
    make_worker = partial(bulk.make_part_enricher, one_core, followed, str(source), str(to), "jsonl")
    plan = bulk.plan_bulk(bulk.open_inputs(str(source)), followed, "jsonl", part_bytes)
    outputs = bulk.open_outputs(str(to))
    engine = partial(on_ray, partial(timed_worker, make_worker, notes), settings.threads)
    started = time.time()
    summary = run(plan, progress_of(plan, outputs), outputs, engine, lambda: None)
    assert summary.enriched == len(tickets)
    told = [json.loads(path.read_text()) for path in notes.iterdir()]
    began = min(each["began"] for each in told)
    return {
        "start_s": began - started,
        "clock_s": max(each["ended"] for each in told) - began,
        "cpu_s": sum(each["cpu_s"] for each in told),
    }


def measure_round(
    settings: Settings, encoder: Encoder, tickets: Sequence[LabelledTicket], part_bytes: int
) -> dict[str, float]:
    texts = [each.text for each in tickets]
    before = bare(encoder, texts, settings.threads)
    with TemporaryDirectory() as place:
        bulk_run = on_ray_seconds(settings, tickets, part_bytes, Path(place))
    after = bare(encoder, texts, settings.threads)
    clock_s, cpu_s = ((first + second) / 2 for first, second in zip(before, after, strict=True))
    return {
        "bare_per_s": len(tickets) / clock_s,
        "ray_per_s": len(tickets) / bulk_run["clock_s"],
        "of_bare_by_clock": clock_s / bulk_run["clock_s"],
        "of_bare_by_cpu": cpu_s / bulk_run["cpu_s"],
        "start_s": bulk_run["start_s"],
    }


def tickets_of_the_corpus(count: int) -> list[LabelledTicket]:
    """So many tickets. Those of the corpus come again with another id, and other words at their end."""
    corpus = read_corpus(PLAIN_TICKETS)
    found = []
    for number in range(count):
        each = corpus[number % len(corpus)]
        again = number // len(corpus)
        changed = {
            "id": f"{each.id}-{again}",
            "body": f"{each.body} Reference {again}." if again else each.body,
        }
        found.append(each.model_copy(update=changed))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--tickets", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--part-kib", type=int, default=PART_KIB)
    arguments = parser.parse_args()
    settings = load_settings(threads=arguments.threads, encode_cache_bytes=0)
    encoder = Encoder(load_bundle(settings.bundle_dir), settings.threads)
    tickets = tickets_of_the_corpus(arguments.tickets)
    encoder.encode([tickets[0].text])
    rounds = []
    for _ in range(arguments.rounds):
        rounds.append(measure_round(settings, encoder, tickets, arguments.part_kib << 10))
        print(json.dumps(rounds[-1]), file=sys.stderr)
    told = {name: round(median(each[name] for each in rounds), 3) for name in rounds[0]}
    if arguments.json:
        print(
            json.dumps({"tickets": arguments.tickets, "threads": arguments.threads, **told, "rounds": rounds})
        )
        return
    for name, value in told.items():
        print(f"{name} {value}")


if __name__ == "__main__":
    main()
