"""How many topics that the taxonomy lacks are found as gaps, and how pure the gaps are.

    python tests/benchmarks/gaps.py --data FILE --others FILE [--topics 10] [--tickets 25] [--periods 20]
        [--below 0.7] [--join-from 0.4] [--store FILE.npz] [--json]

Both files have one JSON object a line, with `text`; that of `--data` with `intent` too. The shipped models
read the texts. A period has 1,000 tickets of the shipped corpus, 1,000 of `--others`, and so many tickets
each of some intents of `--data`: topics that our intents are too wide for.

A topic can be found where the model is unsure of five of its tickets. It is found where a gap has half of
these, and the topic half of that gap. `purity` is the share of the commonest topic in the gaps whose tickets
are mostly of `--data`. Figures are means over the periods. `--store` keeps what the models said for the next
run.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from ticketmill.arrays import Floats
from ticketmill.bootstrap.enricher import load_enricher
from ticketmill.domain.ticket import Ticket
from ticketmill.learning.corpus import PLAIN_TICKETS, read_corpus
from ticketmill.queries.gaps import BELOW, JOIN_FROM, MIN_SIZE, groups_of, unit
from ticketmill.settings import load_settings

CORPUS_TICKETS = OTHER_TICKETS = 1000
AT_ONCE = 128


@dataclass(frozen=True, eq=False)
class Told:
    """What the models say of some texts."""

    topics: list[str]
    """The intent in `--data`; empty elsewhere."""
    vectors: Floats
    confidences: Floats


def told_of(texts: Sequence[tuple[str, str]]) -> Told:
    """Of topics and texts. A text that nothing can be read of is left out."""
    enricher = load_enricher(load_settings())
    topics, vectors, confidences = [], [], []
    for start in range(0, len(texts), AT_ONCE):
        some = texts[start : start + AT_ONCE]
        tickets = [
            Ticket(ticket_id=f"t-{start + at}", subject="", body=each) for at, (_, each) in enumerate(some)
        ]
        for (topic, _), made in zip(some, enricher.enrich(tickets), strict=True):
            if made.intent is not None and any(made.embedding):
                topics.append(topic)
                vectors.append(made.embedding)
                confidences.append(made.intent.confidence)
        print(f"{start + len(some)} of {len(texts)} read", file=sys.stderr)
    return Told(topics, unit(np.array(vectors, np.float32)), np.array(confidences, np.float32))


def texts_of(path: Path, topic: str = "") -> list[tuple[str, str]]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(str(row[topic]) if topic else "", row.get("text") or row["body"]) for row in rows]


def read_all(data: Path, others: Path, tickets: int, seed: int = 0) -> list[Told]:
    """Of the corpus, of the other texts, and of some of each topic."""
    random = np.random.default_rng(seed)
    corpus = _shuffled([("", ticket.text) for ticket in read_corpus(PLAIN_TICKETS)], random)
    rest = _shuffled(texts_of(others), random)
    topics: dict[str, list[tuple[str, str]]] = {}
    for topic, text in _shuffled(texts_of(data, "intent"), random):
        topics.setdefault(topic, []).append((topic, text))
    chosen = [each for some in topics.values() for each in some[:tickets]]
    return [told_of(some) for some in (corpus[:CORPUS_TICKETS], rest[:OTHER_TICKETS], chosen)]


def _shuffled(texts: Sequence[tuple[str, str]], random: np.random.Generator) -> list[tuple[str, str]]:
    return [texts[at] for at in random.permutation(len(texts))]


def stored(path: Path | None, read: Callable[[], list[Told]]) -> list[Told]:
    """What the models said, from the file where it is there."""
    if path and path.exists():
        with np.load(path) as kept:
            arrays = dict(kept)
        return [
            Told(arrays[f"topics{at}"].tolist(), arrays[f"vectors{at}"], arrays[f"confidences{at}"])
            for at in range(len(arrays) // 3)
        ]
    parts = read()
    if path:
        arrays = {
            f"{name}{at}": np.array(getattr(each, name))
            for at, each in enumerate(parts)
            for name in ("topics", "vectors", "confidences")
        }
        np.savez(path, **arrays)
    return parts


def measure(
    parts: Sequence[Told], topics: int, below: float, join_from: float, seed: int
) -> dict[str, float]:
    """One period."""
    *background, data = parts
    names = sorted({*data.topics})
    chosen = {names[at] for at in np.random.default_rng(seed).permutation(len(names))[:topics]}
    kept = [at for at, topic in enumerate(data.topics) if topic in chosen]
    vectors = np.concatenate([*(each.vectors for each in background), data.vectors[kept]])
    confidences = np.concatenate([*(each.confidences for each in background), data.confidences[kept]])
    topic_of = np.array(
        [*(topic for each in background for topic in each.topics), *(data.topics[at] for at in kept)]
    )
    unsure = confidences < below
    groups = groups_of(unit(vectors[unsure] - vectors.mean(axis=0)), join_from)
    named = topic_of[unsure]
    counts, found, purities = Counter(named[named != ""].tolist()), set(), []
    for members in groups:
        of_data = Counter(topic for topic in named[members].tolist() if topic)
        if 2 * of_data.total() <= len(members):
            continue
        ((topic, most),) = of_data.most_common(1)
        purities.append(most / len(members))
        if 2 * most >= len(members) and 2 * most >= counts[topic]:
            found.add(topic)
    can = {topic for topic, count in counts.items() if count >= MIN_SIZE}
    return {
        "unsure_of_data": counts.total() / len(kept),
        "unsure_of_others": float((background[-1].confidences < below).mean()),
        "can_be_found": len(can),
        "found": len(found & can),
        "gaps": len(groups),
        "gaps_of_data": len(purities),
        "purity": fmean(purities) if purities else 0.0,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--others", type=Path, required=True)
    parser.add_argument("--topics", type=int, default=10)
    parser.add_argument("--tickets", type=int, default=25)
    parser.add_argument("--periods", type=int, default=20)
    parser.add_argument("--below", type=float, default=BELOW)
    parser.add_argument("--join-from", type=float, default=JOIN_FROM)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    parts = stored(asked.store, lambda: read_all(asked.data, asked.others, asked.tickets))
    periods = [
        measure(parts, asked.topics, asked.below, asked.join_from, seed) for seed in range(asked.periods)
    ]
    told: dict[str, Any] = {name: round(fmean(each[name] for each in periods), 3) for name in periods[0]}
    if asked.json:
        print(json.dumps(told))
    else:
        for name, value in told.items():
            print(f"{name.replace('_', ' ')}: {value}")


if __name__ == "__main__":
    main()
