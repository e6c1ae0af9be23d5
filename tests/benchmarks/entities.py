"""How many entities are found, and what it costs: `python tests/benchmarks/entities.py`.

Tickets of the shipped corpus were marked by hand, in tests/golden/entities.jsonl. An entity
counts as found where kind, beginning and end are all right. The time is compared with that of finding the
writer's own words, in the same run.
"""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ticketmill.domain.entities import EntityKind
from ticketmill.domain.ticket import Ticket
from ticketmill.text.entities.finder import EntityFinder
from ticketmill.text.reading import read_ticket

ROOT = Path(__file__).parents[2]
MARKED = ROOT / "tests/golden/entities.jsonl"
CORPUS = ROOT / "src/ticketmill/learning/corpus"
PARTS = ("development", "unseen")
EVERY = 4
REPEATS = 3

Found = set[tuple[str, int, int]]


@dataclass
class Counts:
    """Entities that were found and right, found and wrong, and not found."""

    right: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)

    def add(self, marked: Found, found: Found) -> None:
        self.right.update(kind for kind, _, _ in marked & found)
        self.wrong.update(kind for kind, _, _ in found - marked)
        self.missed.update(kind for kind, _, _ in marked - found)

    def precision_and_recall(self, kinds: Iterable[str]) -> tuple[float, float]:
        right, wrong, missed = (
            sum(counts[kind] for kind in kinds) for counts in (self.right, self.wrong, self.missed)
        )
        return right / max(right + wrong, 1), right / max(right + missed, 1)


def marked_tickets() -> Iterator[dict[str, Any]]:
    """The marked tickets, each with its part, its entities and the ticket."""
    corpus = {each["id"]: each for each in corpus_tickets()}
    for line in MARKED.read_text(encoding="utf-8").splitlines():
        mark = json.loads(line)
        yield {**mark, "ticket": ticket_of(corpus[mark["id"]])}


def corpus_tickets() -> Iterator[dict[str, Any]]:
    for path in sorted(CORPUS.glob("*.jsonl")):
        yield from map(json.loads, path.read_text(encoding="utf-8").splitlines())


def ticket_of(raw: dict[str, Any]) -> Ticket:
    return Ticket(ticket_id=raw["id"], subject=raw["subject"], body=raw["body"])


def count(part: str) -> tuple[int, Counts]:
    """The tickets of a part, and what was found in them."""
    finder, counts, tickets = EntityFinder(), Counts(), 0
    for each in marked_tickets():
        if each["part"] == part:
            found = {(str(kind), *span) for kind, *span, _ in finder.find(read_ticket(each["ticket"]).text)}
            counts.add({(kind, start, end) for kind, start, end in each["entities"]}, found)
            tickets += 1
    return tickets, counts


def show(part: str) -> None:
    tickets, counts = count(part)
    kinds = [kind for kind in EntityKind if counts.right[kind] + counts.wrong[kind] + counts.missed[kind]]
    print(
        f"{part}: {tickets} tickets\n\n| kind | marked | precision | recall |\n| --- | ---: | ---: | ---: |"
    )
    for name, group in (*((kind, [kind]) for kind in kinds), ("all", kinds)):
        marked = sum(counts.right[kind] + counts.missed[kind] for kind in group)
        precision, recall = counts.precision_and_recall(group)
        print(f"| {name} | {marked} | {precision:.3f} | {recall:.3f} |")
    print()


def milliseconds(work: Callable[[], object]) -> float:
    """The least processor time of a few runs."""
    best = float("inf")
    for _ in range(REPEATS):
        started = time.process_time_ns()
        work()
        best = min(best, (time.process_time_ns() - started) / 1e6)
    return best


def show_time() -> None:
    finder = EntityFinder()
    tickets = [ticket_of(raw) for raw in list(corpus_tickets())[::EVERY]]
    reading = [milliseconds(lambda ticket=ticket: read_ticket(ticket)) for ticket in tickets]
    texts = [read_ticket(ticket).text for ticket in tickets]
    finding = [milliseconds(lambda text=text: finder.find(text)) for text in texts]
    found, read = statistics.median(finding), statistics.median(reading)
    print(f"{len(tickets)} tickets, median: entities {found:.3f} ms, own words {read:.3f} ms")
    print(f"entities take {found / read:.2f} times as long as own words")


if __name__ == "__main__":
    for part in PARTS:
        show(part)
    show_time()
