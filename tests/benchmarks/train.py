"""10,000 labels with cached features: what `dataset build` and `train` take, in seconds and megabytes.

    python tests/benchmarks/train.py [--texts 10000]

The texts are pieces of the shipped corpus, each with the intent of its ticket. They are encoded once before
the clock starts.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ticketmill.bootstrap import make_feature_cache, open_learning_store
from ticketmill.domain.ticket import Ticket
from ticketmill.learning.corpus import SHIPPED_CORPUS, read_corpus
from ticketmill.settings import load_settings
from ticketmill.text.reading import read_ticket


def pieces(count: int) -> Iterator[dict[str, str]]:
    """Parts of tickets: every half, then every third, and so on, until there are enough."""
    tickets, made = read_corpus(SHIPPED_CORPUS), 0
    for parts in range(2, 9):
        for number, ticket in enumerate(tickets):
            words = ticket.text.split()
            for part in range(parts):
                own = words[len(words) * part // parts : len(words) * (part + 1) // parts]
                if len(own) < 4:
                    continue
                yield {
                    "ticket_id": f"piece-{parts}-{number}-{part}",
                    "body": " ".join(own),
                    "intent": str(ticket.intent),
                    "group": f"ticket-{number}",
                }
                made += 1
                if made == count:
                    return


def run(*arguments: str) -> tuple[float, str]:
    """Seconds of a command, and the last line of its answer."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "ticketmill", *arguments], check=True, capture_output=True, text=True
    )
    return time.perf_counter() - started, done.stdout.strip().splitlines()[-1]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--texts", type=int, default=10_000)
    count = parser.parse_args().texts
    with tempfile.TemporaryDirectory() as folder:
        data, store = Path(folder) / "pieces.jsonl", Path(folder) / "store"
        rows = list(pieces(count))
        data.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        encode(rows, store)
        place = ("--task", "intent", "--store", str(store))
        built, _ = run("dataset", "build", *place, "--data", str(data), "--no-corpus", "--json")
        trained, answer = run("train", *place, "--json")
    card = json.loads(answer)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak_mb, processor_s = used.ru_maxrss / 1024, used.ru_utime + used.ru_stime
    accuracy = f"accuracy {card['accuracy']['value']:.3f} on {card['measured_on']}"
    print(f"{len(rows):,} labels, {card['recipe']} of tier {card['tier']}, {accuracy}")
    print(f"dataset build {built:.1f} s · train, evaluate, register {trained:.1f} s", end=" · ")
    print(f"processor {processor_s:.1f} s · peak {peak_mb:,.0f} MB")


def encode(rows: list[dict[str, str]], store: Path) -> None:
    """Fills the feature cache of the store."""
    settings = load_settings()
    texts = [read_ticket(Ticket(ticket_id="piece", body=row["body"])).text for row in rows]
    cache = make_feature_cache(settings, open_learning_store(settings, store).objects)
    cache.transform(texts, lambda _count: None)


if __name__ == "__main__":
    main()
