"""What shadowing every task costs the pipeline, in one run.

    python tests/benchmarks/shadow.py [--json] [--slices N] [--tickets N] [--threads N] [--recipe NAME ...]

Slices of tickets go through the pipeline with the real models and ports in memory without any latency: each
once with nothing learned and once with a shadow of each of the four tasks, in an order that alternates. The
ratio is that of all slices together, of wall-clock time and of CPU time: the latter does not see what else
the machine does. The weights are drawn, and cost what trained ones cost. `--recipe` takes the names of
`learning/recipes.py`: `pooled` is what few labels give, `ridge` has n-grams and all else.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

sys.path.append(str(Path(__file__).parents[1] / "unit"))

from fakes import FakeEnrichedTickets, FakeRawTickets, FakeRows, decode
from local_place import raw, rounds_of
from overlay_files import overlay_files
from precision import cpu
from report import markdown

from ticketmill import bootstrap
from ticketmill.domain.intake import parse_ticket
from ticketmill.domain.labels import Intent, Sentiment, Urgency
from ticketmill.domain.rollout import Change, Rollout, TaskRollout
from ticketmill.learning.corpus import LabelledTicket
from ticketmill.learning.recipes import RECIPES, Recipe
from ticketmill.models.overlay import load_overlay
from ticketmill.models.overlay_features import DENSE
from ticketmill.pipeline.batch import Pipeline
from ticketmill.pipeline.enricher import Enricher
from ticketmill.pipeline.learned import NOTHING_LEARNED, Learned
from ticketmill.pipeline.shadows import Shadows
from ticketmill.settings import Settings, load_settings
from ticketmill.tasks.learned import LearnedModel

TARGET = 0.97
RECIPES_BY_NAME = {recipe.name: recipe for _, recipe in RECIPES}
TOPICS = 24
LABELS: dict[str, tuple[str, ...]] = {
    "intent": tuple(Intent),
    "urgency": tuple(Urgency),
    "sentiment": tuple(Sentiment),
    "topics": tuple(f"topic {number}" for number in range(TOPICS)),
}


class Taken(NamedTuple):
    """Seconds of the clock and of the processors."""

    clock: float
    cpu: float


def columns_of(enricher: Enricher, ticket: LabelledTicket) -> dict[str, int]:
    """How many columns each dense family has."""
    sample = enricher.encode([parse_ticket(raw(ticket, "S"), 1 << 20)])
    return {family: columns(sample).shape[1] for family, columns in DENSE.items()}


def shadows_of_every_task(recipe: Recipe, columns: dict[str, int]) -> Learned:
    """A shadow of each task, and what counts and keeps their disagreements."""
    objects: dict[str, bytes] = {}
    models, tasks = {}, {}
    for serial, (task, labels) in enumerate(LABELS.items(), start=1):
        kind = "sigmoid" if task == "topics" else "softmax"
        families = [family for family in recipe.families if family != "source"]
        files = overlay_files(task, labels, serial, families, kind, columns)
        models[task, 1] = LearnedModel(task, 1, load_overlay(files))
        tasks[task] = TaskRollout(
            task=task, shadow=1, serial=serial, change=Change.SHADOW, who="bench", at="2026-11-21T09:30:00Z"
        )
    shadows = Shadows(objects.__setitem__)
    return Learned(Rollout(serial=len(LABELS), tasks=tasks), models, on_compared=shadows.compared)


def seconds(
    settings: Settings, enricher: Enricher, tickets: Sequence[LabelledTicket], learned: Learned
) -> Taken:
    """What the pipeline takes for `tickets`, as one batch."""
    raw_tickets, rows = FakeRawTickets(), FakeRows()
    names = [f"M{number:06d}" for number in range(len(tickets))]
    messages = [
        raw_tickets.drop(f"tickets/{name}.json", raw(ticket, name))
        for name, ticket in zip(names, tickets, strict=True)
    ]
    with ThreadPoolExecutor(settings.io_threads) as executor:
        pipeline = Pipeline(
            raw_tickets=raw_tickets,
            enriched_tickets=FakeEnrichedTickets(),
            rows=rows,
            decode=decode,
            enricher=enricher,
            executor=executor,
            max_ticket_bytes=settings.max_ticket_bytes,
            learned=lambda: learned,
        )
        started, started_cpu = time.perf_counter(), time.process_time()
        pipeline.process_batch(messages)
        taken = Taken(time.perf_counter() - started, time.process_time() - started_cpu)
    if len(rows.rows) != len(tickets):
        raise SystemExit(f"{len(tickets)} tickets gave {len(rows.rows)} rows")
    return taken


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    settings = load_settings(threads=arguments.threads, encode_cache_bytes=0)
    enricher = bootstrap.load_enricher(settings)
    slices = rounds_of(arguments.tickets, arguments.slices)
    columns = columns_of(enricher, slices[0][0])
    seconds(settings, enricher, slices[0], NOTHING_LEARNED)
    found: dict[str, Any] = {"cpu": cpu(), "threads": settings.threads, "tickets": arguments.tickets}
    found |= {"slices": len(slices), "recipes": {}}
    for name in arguments.recipe:
        shadowing = shadows_of_every_task(RECIPES_BY_NAME[name], columns)
        without, shadowed = [], []
        for number, tickets in enumerate(slices):
            arms = [(NOTHING_LEARNED, without), (shadowing, shadowed)]
            for learned, taken in arms if number % 2 == 0 else reversed(arms):
                taken.append(seconds(settings, enricher, tickets, learned))
        found["recipes"][name] = {
            "clock": sum(each.clock for each in without) / sum(each.clock for each in shadowed),
            "cpu": sum(each.cpu for each in without) / sum(each.cpu for each in shadowed),
            "cpu_median": median(one.cpu / other.cpu for one, other in zip(without, shadowed, strict=True)),
        }
        print(f"{name}: {found['recipes'][name]}", file=sys.stderr)
    return found


def report(found: dict[str, Any]) -> str:
    """As Markdown."""
    head = (
        f"{found['slices']} slices of {found['tickets']} tickets, {found['threads']} encoder threads, "
        f"a shadow of each of {len(LABELS)} tasks, {found['cpu']}"
    )
    rows = [
        (
            name,
            f"{each['clock']:.3f}",
            f"{each['cpu']:.3f}",
            f"{each['cpu_median']:.3f}",
            "yes" if each["cpu"] >= TARGET else "no",
        )
        for name, each in found["recipes"].items()
    ]
    columns = (
        "recipe",
        "of the throughput",
        "by CPU time",
        "median slice, by CPU time",
        f"at least {TARGET}",
    )
    return f"{head}\n\n{markdown(columns, rows)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="for programs, with every number")
    parser.add_argument("--slices", type=int, default=16)
    parser.add_argument("--tickets", type=int, default=32, help="of a slice")
    parser.add_argument("--threads", type=int, help="of the encoder; default: the cores")
    parser.add_argument(
        "--recipe", nargs="+", choices=sorted(RECIPES_BY_NAME), default=["pooled", "lexical", "ridge"]
    )
    arguments = parser.parse_args()
    found = run(arguments)
    print(json.dumps(found) if arguments.json else report(found))


if __name__ == "__main__":
    main()
