"""How often a question in words finds a ticket that it means among the first five: hit@5.

    python tests/benchmarks/search_words.py [--index FOLDER] [--json]

The tickets are those of the shipped corpus. `search_questions.jsonl` has 60 questions, each with the tickets
that answer it. They were written from tickets drawn at random, before anything was tuned. A third say it in
other words than the ticket, a third have its names and codes, a third are between. Which other tickets answer
one was judged among the first nine of each measure. Half of the questions tuned the weights, half judge them.

100 codes, drawn at random from those that one ticket alone has, are asked as they are: half of them were used
for tuning too. `--index` keeps the index for the next run.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean, median

import numpy as np

from ticketmill.aws.lance_index import LanceVectorStore
from ticketmill.aws.memory import MemoryTicketRows
from ticketmill.bootstrap.duplicates import load_encoder
from ticketmill.domain.keys import enriched_key
from ticketmill.domain.labels import Status
from ticketmill.domain.row import RawVersion, TicketRow
from ticketmill.domain.ticket import Ticket
from ticketmill.encoder.encoder import Encoder
from ticketmill.indexed_ticket import IndexedTicket
from ticketmill.learning.corpus import LabelledTicket, read_corpus
from ticketmill.queries.ticket_vectors import TicketVectors
from ticketmill.queries.tickets import TicketQueries
from ticketmill.queries.word_search import DEPTH, Question, WordSearch
from ticketmill.settings import load_settings
from ticketmill.text.reading import read_text, read_ticket

QUESTIONS = Path(__file__).with_name("search_questions.jsonl")
CHUNK = 64
CODES = 100
SEED = 3
FIRST = 5
RANKS = 60
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CODE = re.compile(r"\b[A-Z]{1,5}-?\d[\w-]{2,12}\b|\b\d{4,9}\b")

Search = Callable[[str], Sequence[str]]
"""The ids of the first five."""


@dataclass(frozen=True)
class Asked:
    words: str
    kind: str
    split: str
    tickets: frozenset[str]


def questions() -> list[Asked]:
    lines = map(json.loads, QUESTIONS.read_text(encoding="utf-8").splitlines())
    return [
        Asked(each["question"], each["kind"], each["split"], frozenset(each["tickets"])) for each in lines
    ]


def codes(corpus: Sequence[LabelledTicket]) -> list[Asked]:
    """Codes that one ticket alone has."""
    tickets = defaultdict(set)
    for ticket in corpus:
        for code in CODE.findall(ticket.text):
            tickets[code].add(ticket.id)
    drawn = random.Random(SEED).sample(sorted(code for code in tickets if len(tickets[code]) == 1), CODES)
    splits = ("tuning", "judging")
    return [
        Asked(code, "code", splits[number % 2], frozenset(tickets[code])) for number, code in enumerate(drawn)
    ]


def key_of(ticket_id: str) -> str:
    return enriched_key(ticket_id, "0" * 64, "f00d", "a")


def fill(store: LanceVectorStore, corpus: Sequence[LabelledTicket], encoder: Encoder) -> None:
    for start in range(0, len(corpus), CHUNK):
        store.put(list(_entries(corpus[start : start + CHUNK], encoder)))
    store.compact()


def _entries(tickets: Sequence[LabelledTicket], encoder: Encoder) -> Iterator[IndexedTicket]:
    readings = [
        read_ticket(Ticket(ticket_id=each.id, subject=each.subject, body=each.body)) for each in tickets
    ]
    encoded = encoder.encode([reading.text for reading in readings])
    for ticket, reading, made in zip(tickets, readings, encoded, strict=True):
        if np.any(made.embedding):
            text = f"{reading.subject}\n{reading.body}"[:4000]
            yield IndexedTicket(key_of(ticket.id), NOW, made.embedding, text)


def rows_of(corpus: Sequence[LabelledTicket]) -> MemoryTicketRows:
    rows = MemoryTicketRows()
    for ticket in corpus:
        raw = RawVersion(bucket="raw", key=ticket.id, version_id="v", etag="e", last_modified=NOW)
        rows.rows[ticket.id] = TicketRow(
            ticket_id=ticket.id,
            raw=raw,
            content_hash="0",
            processed_at=NOW,
            status=Status.ENRICHED,
            enriched_key=key_of(ticket.id),
        )
    return rows


class NoIndex:
    """No question here has a filter: the ticket index is not asked."""

    def __getattr__(self, name: str) -> None:
        raise AssertionError(name)


def searches(
    store: LanceVectorStore, corpus: Sequence[LabelledTicket], encoder: Encoder
) -> dict[str, Search]:
    """The ways to search, by name: the third, reciprocal rank fusion (Cormack et al. 2009), compares."""
    vectors = TicketVectors(store)

    def encode(words: str) -> np.ndarray:
        return encoder.encode([read_text(words).text])[0].embedding

    def reciprocal_ranks(words: str) -> list[str]:
        found = vectors.nearest(encode(words), DEPTH), store.search_text(words, DEPTH) or ()
        scores: defaultdict[str, float] = defaultdict(float)
        for hits in found:
            for rank, hit in enumerate(hits, start=1):
                scores[hit.ticket_id] += 1 / (RANKS + rank)
        return sorted(scores, key=lambda each: -scores[each])[:FIRST]

    both = WordSearch(vectors, TicketQueries(NoIndex(), rows_of(corpus)), encode)  # type: ignore[arg-type]
    return {
        "vectors": lambda words: [hit.ticket_id for hit in vectors.nearest(encode(words), FIRST)],
        "full text": lambda words: [hit.ticket_id for hit in store.search_text(words, FIRST) or ()],
        "reciprocal ranks": reciprocal_ranks,
        "hybrid": lambda words: [each.row.ticket_id for each in both.find(Question(words), FIRST).tickets],
    }


def measured(asked: Sequence[Asked], search: Search) -> dict[str, float]:
    """The share of questions with a hit among the first five, in all and by kind and split."""
    took, hits = [], []
    for each in asked:
        started = time.perf_counter()
        found = search(each.words)
        took.append(time.perf_counter() - started)
        hits.append((each, bool(each.tickets & set(found))))
    groups = {
        "questions": [hit for each, hit in hits if each.kind != "code"],
        "tuning": [hit for each, hit in hits if each.kind != "code" and each.split == "tuning"],
        "judging": [hit for each, hit in hits if each.kind != "code" and each.split == "judging"],
        **{
            kind: [hit for each, hit in hits if each.kind == kind]
            for kind in ("paraphrase", "keyed", "mixed")
        },
        "codes": [hit for each, hit in hits if each.kind == "code"],
        "codes judging": [hit for each, hit in hits if each.kind == "code" and each.split == "judging"],
    }
    return {
        **{name: round(fmean(group), 3) for name, group in groups.items()},
        "ms": round(median(took) * 1e3, 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--index", type=Path)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    corpus, encoder = read_corpus(), load_encoder(load_settings())
    with tempfile.TemporaryDirectory() as folder:
        store = LanceVectorStore(str(given.index or folder))
        if not store.count():
            fill(store, corpus, encoder)
        asked = [*questions(), *codes(corpus)]
        found = {name: measured(asked, search) for name, search in searches(store, corpus, encoder).items()}
    if given.json:
        print(json.dumps({"tickets": len(corpus), **found}))
        return 0
    columns = list(next(iter(found.values())))
    print(f"hit@5 over {len(corpus):,} tickets")
    print(" | ".join(["", *columns]))
    for name, figures in found.items():
        print(" | ".join([name, *(f"{figures[each]:.3g}" for each in columns)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
