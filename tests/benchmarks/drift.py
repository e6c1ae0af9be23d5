"""How often drift raises a false alarm, and how often it finds foreign texts, in simulations over real texts.

    python tests/benchmarks/drift.py --data FILE --foreign FILE [--tickets 4000] [--rounds 200] [--json]

Both files have one JSON object a line, with `text`. Each text is enriched once, as a worker does. A round
draws 500 tickets as the reference and 200 others as the newest, and makes every check of `ticketmill drift`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ticketmill import load
from ticketmill.arrays import Floats
from ticketmill.domain.enrichment import EnrichedTicket
from ticketmill.learning.drift import NEWEST_TICKETS, REFERENCE_TICKETS, compare
from ticketmill.learning.drift_sample import Sample

TASKS = ("intent", "urgency", "sentiment")
SHARES = (0.0, 0.05, 0.1, 0.2)


@dataclass(frozen=True)
class Enriched:
    """Tickets, as far as drift is concerned."""

    embeddings: Floats
    labels: dict[str, list[str]]
    needs_review: list[bool]

    def sample(self, chosen: Sequence[int], foreign: Enriched, others: Sequence[int]) -> Sample:
        """Some of them, and some of the foreign ones."""
        return Sample(
            embeddings=np.vstack([self.embeddings[chosen], foreign.embeddings[others]]),
            embedded_by="onepass",
            labels={
                task: [self.labels[task][each] for each in chosen]
                + [foreign.labels[task][each] for each in others]
                for task in TASKS
            },
            models={task: ["onepass"] for task in TASKS},
            tickets=len(chosen) + len(others),
            needs_review=sum(self.needs_review[each] for each in chosen)
            + sum(foreign.needs_review[each] for each in others),
            spoken=0,
            overridden=0,
        )


def enriched(path: Path, tickets: int) -> Enriched:
    """The first `tickets` different texts of a file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    texts = list(dict.fromkeys(json.loads(line)["text"] for line in lines))[:tickets]
    made: list[EnrichedTicket] = []
    mill = load()
    for start in range(0, len(texts), 256):
        raw = [
            {"ticket_id": f"T{start + number}", "body": text}
            for number, text in enumerate(texts[start : start + 256])
            if text.strip()
        ]
        made += mill.enrich(raw)
        print(f"{path.name}: {len(made)} of {len(texts)}", file=sys.stderr)
    found = [each.enrichment for each in made]
    return Enriched(
        np.array([each.embedding for each in found], np.float32),
        {task: [str(getattr(each, task).label) for each in found] for task in TASKS},
        [each.needs_review for each in found],
    )


def simulate(own: Enriched, foreign: Enriched, share: float, rounds: int, seed: int) -> dict[str, float]:
    """The share of rounds that found drift, and the seconds of one."""
    rng = np.random.default_rng(seed)
    found, started = 0, time.perf_counter()
    others = round(share * NEWEST_TICKETS)
    for turn in range(rounds):
        drawn = rng.choice(len(own.embeddings), REFERENCE_TICKETS + NEWEST_TICKETS, replace=False).tolist()
        strangers = rng.choice(len(foreign.embeddings), others, replace=False).tolist()
        reference = own.sample(drawn[:REFERENCE_TICKETS], foreign, [])
        newest = own.sample(drawn[REFERENCE_TICKETS + others :], foreign, strangers)
        found += bool(compare(reference, newest, seed=seed + turn).drifted)
    seconds = (time.perf_counter() - started) / rounds
    return {"foreign": share, "found": found / rounds, "seconds": round(seconds, 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--foreign", type=Path, required=True)
    parser.add_argument("--tickets", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    own, foreign = enriched(given.data, given.tickets), enriched(given.foreign, given.tickets // 4)
    rows = [simulate(own, foreign, share, given.rounds, seed=1) for share in SHARES]
    if given.json:
        print(json.dumps(rows))
        return
    print(f"{NEWEST_TICKETS} tickets against {REFERENCE_TICKETS}, {given.rounds} rounds")
    for row in rows:
        kind = "false alarms" if row["foreign"] == 0 else f"{row['foreign']:.0%} foreign texts found"
        print(f"{kind}: {row['found']:.1%} ({row['seconds']} s a round)")


if __name__ == "__main__":
    main()
