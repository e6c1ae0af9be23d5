"""What shadowing every task costs the worker, in one run.

    python tests/benchmarks/shadow.py [--json] [--pairs N] [--tickets N] [--threads N] [--recipe NAME ...]

A full queue in memory, without any latency, is worked off by the real worker with the real models: once with
nothing learned and once with a shadow of each of the four tasks, in pairs whose order alternates. The ratio
is that of a pair, and the median is told, of wall-clock time and of CPU time: the latter does not see what
else the machine does. The weights are drawn, and cost what trained ones cost. `--recipe` takes the names of
`learning/recipes.py`: `layers` has what few labels give, `vectors` every family.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "unit"))

from in_memory import work_in_memory
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


def measure(
    settings: Settings, enricher: Enricher, tickets: Sequence[LabelledTicket], learned: Learned
) -> tuple[float, float]:
    """Seconds of the clock and of the processors for all `tickets`."""
    started = time.process_time()
    worked = work_in_memory(settings, enricher, tickets, 0, learned)
    return worked.seconds, time.process_time() - started


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    settings = load_settings(threads=arguments.threads, encode_cache_bytes=0)
    enricher = bootstrap.load_enricher(settings)
    rounds = rounds_of(arguments.tickets, arguments.pairs)
    columns = columns_of(enricher, rounds[0][0])
    work_in_memory(settings, enricher, rounds[0][:64], 0)
    found: dict[str, Any] = {"cpu": cpu(), "threads": settings.threads, "tickets": arguments.tickets}
    found["recipes"] = {}
    for name in arguments.recipe:
        shadowing = shadows_of_every_task(RECIPES_BY_NAME[name], columns)
        pairs = []
        for number, tickets in enumerate(rounds):
            arms = [NOTHING_LEARNED, shadowing]
            taken = {
                id(learned): measure(settings, enricher, tickets, learned)
                for learned in (arms if number % 2 == 0 else reversed(arms))
            }
            without, shadowed = (taken[id(learned)] for learned in arms)
            pairs.append({"clock": without[0] / shadowed[0], "processor": without[1] / shadowed[1]})
            print(f"{name}, pair {number + 1} of {len(rounds)}: {pairs[-1]}", file=sys.stderr)
        found["recipes"][name] = {
            "pairs": pairs,
            **{kind: median(pair[kind] for pair in pairs) for kind in ("clock", "processor")},
        }
    return found


def report(found: dict[str, Any]) -> str:
    head = (
        f"{found['tickets']} tickets a round, {found['threads']} encoder threads, a shadow of each of "
        f"{len(LABELS)} tasks, {found['cpu']}"
    )
    rows = [
        (
            name,
            str(len(each["pairs"])),
            f"{each['clock']:.3f}",
            f"{each['processor']:.3f}",
            "yes" if each["processor"] >= TARGET else "no",
        )
        for name, each in found["recipes"].items()
    ]
    columns = ("recipe", "pairs", "of the throughput", "by CPU time", f"at least {TARGET}")
    return f"{head}\n\n{markdown(columns, rows)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="for programs, with every pair")
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--tickets", type=int, default=256, help="of a round")
    parser.add_argument("--threads", type=int, help="of the encoder; default: the cores")
    parser.add_argument(
        "--recipe", nargs="+", choices=sorted(RECIPES_BY_NAME), default=["layers", "lexical", "vectors"]
    )
    arguments = parser.parse_args()
    found = run(arguments)
    print(json.dumps(found) if arguments.json else report(found))


if __name__ == "__main__":
    main()
