"""How often a duplicate stands among the first that are proposed for a ticket, out of a search index.

    ticketmill enrich FILE > enriched.jsonl
    python tests/benchmarks/duplicates.py --enriched enriched.jsonl [--json]

FILE has tickets as JSON lines; duplicates of each other share a `group`. All go into an index in a temporary
folder. `DuplicateCandidates` is asked for every ticket with a duplicate, or for 300 of them. `pool` is the
share of them with one among all that were ranked, `cpu_ms` the median CPU time of an answer.

    python tests/benchmarks/duplicates.py --dialogues FILE --to tickets.jsonl
    ticketmill enrich tickets.jsonl > enriched.jsonl
    python tests/benchmarks/duplicates.py --enriched enriched.jsonl --simulate

makes two tickets of each customer's dialogue, the first message and all later ones: a real second writing of
one matter. With `--simulate` customers and times are made up: a customer has three dialogues in 90 days, and
writes again within three days. `texts alone` is the same ranking without customers and times.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np

from ticketmill.aws.lance_index import LanceVectorStore
from ticketmill.aws.memory import MemoryTicketRows
from ticketmill.domain.enrichment import EnrichedTicket, read_enriched
from ticketmill.domain.keys import enriched_key, index_position
from ticketmill.domain.labels import Status
from ticketmill.domain.row import RawVersion, TicketRow
from ticketmill.operations.indexing import entry_of
from ticketmill.queries.duplicate_candidates import DuplicateCandidates
from ticketmill.queries.duplicate_pool import DuplicatePool
from ticketmill.queries.shared_words import SharedWords
from ticketmill.queries.text_sample import TextSample
from ticketmill.queries.ticket_vectors import TicketVectors
from ticketmill.queries.tickets import TicketQueries
from ticketmill.tasks.entities import TASK as ENTITIES

START = datetime(2026, 9, 1, tzinfo=UTC)
DIALOGUES_A_CUSTOMER = 3
DAYS = 90
AGAIN_WITHIN_H = 72
FEWEST_WORDS = (6, 12)
"""Of a first message, and of the later ones together: fewer tell of nothing."""
EVERYTHING = 100_000
MOST_ASKED = 300


@dataclass(frozen=True, slots=True)
class Index:
    """The tickets of each customer, as the index of the table gives them."""

    rows: Sequence[TicketRow]

    def search(
        self, labels: Mapping[str, Sequence[str]], since: datetime, older_than: str | None = None, *_: Any
    ) -> Iterator[tuple[str, str]]:
        wanted = labels["customer_id"]
        positions = ((index_position(row.received_at, row.ticket_id), row) for row in self.rows)
        fitting = [
            (position, row.ticket_id)
            for position, row in positions
            if row.customer_id in wanted
            and row.received_at >= since
            and (not older_than or position < older_than)
        ]
        yield from sorted(fitting, reverse=True)


def read(path: Path) -> tuple[list[EnrichedTicket], list[str | None]]:
    """The tickets with a vector, and their groups."""
    tickets = [read_enriched(line) for line in path.read_bytes().splitlines()]
    tickets = [each for each in tickets if any(each.enrichment.embedding)]
    return tickets, [None if (group := each.extra.get("group")) is None else str(group) for each in tickets]


def rows_of(
    tickets: Sequence[EnrichedTicket], groups: Sequence[str | None], seed: int | None
) -> list[TicketRow]:
    """With a seed customers and times are made up; else there are no customers, and all come at once."""
    random = np.random.default_rng(seed)
    names = [str(each) for each in random.permutation(sorted({str(each) for each in groups}))]
    begins = {name: random.random() * DAYS * 24 for name in names}
    customers = {name: f"C-{number // DIALOGUES_A_CUSTOMER}" for number, name in enumerate(names)}
    first: set[str] = set()
    rows = []
    for ticket, group in zip(tickets, groups, strict=True):
        again_h = random.random() * AGAIN_WITHIN_H if str(group) in first else 0
        first.add(str(group))
        at = START if seed is None else START + timedelta(hours=begins[str(group)] + again_h)
        (column,) = ENTITIES.columns
        rows.append(
            TicketRow(
                ticket_id=ticket.ticket_id,
                status=Status.ENRICHED,
                raw=RawVersion(bucket="raw", key="k", version_id=None, etag="e", last_modified=at),
                content_hash="c",
                enriched_key=enriched_key(ticket.ticket_id, "c", "f", "a"),
                processed_at=at,
                customer_id=None if seed is None else customers[str(group)],
                entities=column.value(ticket.enrichment.entities or ()),
            )
        )
    return rows


def measure(
    candidates: DuplicateCandidates, rows: Sequence[TicketRow], groups: Sequence[str | None]
) -> dict[str, float]:
    """Asks for each ticket that has a duplicate."""
    group_of = {row.ticket_id: group for row, group in zip(rows, groups, strict=True)}
    sizes = Counter(groups)
    asked = [row for row in rows if (group := group_of[row.ticket_id]) is not None and sizes[group] > 1]
    asked = [asked[at] for at in np.random.default_rng(0).permutation(len(asked))[:MOST_ASKED]]
    ranks, is_in_pool, times_ms = [], [], []
    for row in asked:
        started = time.process_time()
        found = candidates.of(candidates.tickets.rows_of([row.ticket_id])[0], 10)
        times_ms.append(1000 * (time.process_time() - started))
        names = [group_of[each.row.ticket_id] for each in found or ()]
        ranks.append(
            1 + names.index(group_of[row.ticket_id]) if group_of[row.ticket_id] in names else EVERYTHING
        )
        ranking = candidates.pool.rank(str(row.enriched_key), EVERYTHING)
        pool = {group_of[each.enriched_key.split("/")[1]] for each in ranking.entries} if ranking else set()
        is_in_pool.append(group_of[row.ticket_id] in pool)
    shares = {f"at_{most}": fmean(rank <= most for rank in ranks) for most in (1, 3, 5, 10)}
    return {"asked": len(asked), "pool": fmean(is_in_pool), **shares, "cpu_ms": median(times_ms)}


def made(store: LanceVectorStore, rows: Sequence[TicketRow]) -> DuplicateCandidates:
    kept = MemoryTicketRows({row.ticket_id: row for row in rows})
    vectors = TicketVectors(store)
    index: Any = Index(rows)
    queries = TicketQueries(index, kept)
    return DuplicateCandidates(DuplicatePool(vectors, TextSample(vectors)), queries, SharedWords(vectors))


def split(source: Path, to: Path) -> None:
    """Two tickets of each dialogue."""
    tickets = []
    for line in source.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        first = row["first_message"]
        later = row["text"].removeprefix(first).strip()
        if all(
            len(text.split()) >= fewest for text, fewest in zip((first, later), FEWEST_WORDS, strict=True)
        ):
            named = ((f"{row['id']}-{part}", body) for part, body in (("a", first), ("b", later)))
            tickets += [{"ticket_id": name, "body": body, "group": row["id"]} for name, body in named]
    to.write_text("".join(json.dumps(each) + "\n" for each in tickets), encoding="utf-8")
    print(f"{len(tickets)} tickets of {len(tickets) // 2} dialogues", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description="How often a duplicate is among the first proposed.")
    parser.add_argument("--enriched", type=Path)
    parser.add_argument("--simulate", action="store_true")
    parser.add_argument("--dialogues", type=Path)
    parser.add_argument("--to", type=Path)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.dialogues:
        split(given.dialogues, given.to)
        return
    tickets, groups = read(given.enriched)
    with tempfile.TemporaryDirectory() as folder:
        store = LanceVectorStore(folder)
        entries = [entry_of(each, enriched_key(each.ticket_id, "c", "f", "a")) for each in tickets]
        store.put([each for each in entries if each is not None])
        plain = rows_of(tickets, groups, None)
        answers = {"texts alone": measure(made(store, plain), plain, groups)}
        if given.simulate:
            rows = rows_of(tickets, groups, 0)
            answers["with customers and times"] = measure(made(store, rows), rows, groups)
    if given.json:
        print(json.dumps(answers))
        return
    for name, found in answers.items():
        print(name, *(f"{key} {value:.3f}" for key, value in found.items()), sep="  ")


if __name__ == "__main__":
    main()
