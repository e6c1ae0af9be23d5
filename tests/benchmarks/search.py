"""How fast the nearest tickets are found, how many of them, and in how much memory.

    python tests/benchmarks/search.py [--entries 100000] [--many 1000000] [--questions 30]
        [--embeddings FILE.npy] [--lance] [--stored FOLDER] [--json]
    python tests/benchmarks/search.py --prices [--json]

Vectors are mixtures of two embeddings of the shipped corpus with some noise, or random directions, whose
neighbours are the hardest to tell apart. `--entries` are kept as they are, `--many` are compressed. Times are
medians; each search is compared with the bare matrix product right beside it. Recall is that of the ten
nearest. `--embeddings` keeps what the encoder says, for the next run. `--lance` measures LanceDB's own
search over `--entries`. `--stored` puts `--many` random entries into a store in a folder, and reads them as a
process does. `--prices` computes what a million tickets cost, from prices of us-east-1.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from ticketmill import load
from ticketmill.arrays import Bools, Floats
from ticketmill.aws.lance_index import LanceVectorStore
from ticketmill.domain.keys import enriched_key
from ticketmill.indexed_ticket import IndexedTicket
from ticketmill.learning.corpus import read_corpus
from ticketmill.queries.ticket_vectors import TicketVectors
from ticketmill.queries.vectors import Vectors

DIMENSIONS = 384
NEAREST = 10
SHARE_OF_MASK = 0.1
BATCH = 8192
TEXT_BYTES = 1000
"""A ticket's subject and own words, for the prices."""
READER = """
import json, resource, sys, time
from ticketmill.aws.lance_index import LanceVectorStore
from ticketmill.queries.ticket_vectors import TicketVectors
started = time.perf_counter()
vectors = TicketVectors(LanceVectorStore(sys.argv[1])).current()
vectors.nearest(vectors.matrix[7], 10)
seconds = round(time.perf_counter() - started, 1)
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
mb = int(status["VmRSS"].split()[0]) // 1024
print(json.dumps({"entries": len(vectors), "read_s": seconds, "mb": mb, "peak_mb": peak}))
"""

Draw = Callable[[int], Floats]


def embeddings(file: Path | None) -> Floats:
    """(texts, dimensions) of the shipped corpus, of length 1."""
    if file is not None and file.exists():
        made: Floats = np.load(file)
    else:
        mill, found = load(), []
        tickets = [
            {"ticket_id": each.id, "subject": each.subject, "body": each.body} for each in read_corpus()
        ]
        for start in range(0, len(tickets), 256):
            found += [each.enrichment.embedding for each in mill.enrich(tickets[start : start + 256])]
            print(f"encoded {len(found)} of {len(tickets)}", file=sys.stderr)
        made = np.array([each for each in found if len(each)], np.float32)
        if file is not None:
            np.save(file, made)
    lengths = np.linalg.norm(made, axis=1)
    return unit(made[lengths > 0])


def unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def random_draw(seed: int) -> Draw:
    rng = np.random.default_rng(seed)
    return lambda count: unit(rng.standard_normal((count, DIMENSIONS), dtype=np.float32))


def mixtures(known: Floats, seed: int) -> Draw:
    rng = np.random.default_rng(seed)

    def draw(count: int) -> Floats:
        first, second = known[rng.integers(0, len(known), (2, count))]
        share = rng.uniform(0.5, 1, (count, 1)).astype(np.float32)
        noise = rng.standard_normal((count, DIMENSIONS), dtype=np.float32)
        return unit(share * first + (1 - share) * second + 0.02 * noise)

    return draw


def key_of(number: int) -> str:
    return enriched_key(f"TKT-{number:08}", "5" * 32, "0d46f8dcafdb", f"{number:08x}")


def batches(draw: Draw, entries: int) -> Iterator[tuple[range, Floats]]:
    for start in range(0, entries, BATCH):
        some = range(start, min(start + BATCH, entries))
        yield some, draw(len(some))


def filled(draw: Draw, entries: int, questions: Floats, exact_up_to: int) -> tuple[Vectors, list[set[int]]]:
    """The vectors, and the exact nearest of each question: no more than a batch is held as it is."""
    vectors = Vectors(DIMENSIONS, exact_up_to)
    best = np.full((len(questions), 0), 0.0, np.float32)
    where = np.zeros((len(questions), 0), np.int64)
    for some, drawn in batches(draw, entries):
        vectors.add([key_of(number) for number in some], [float(number) for number in some], drawn)
        best = np.hstack([best, questions @ drawn.T])
        where = np.hstack(
            [where, np.broadcast_to(np.arange(some.start, some.stop), (len(questions), len(some)))]
        )
        top = np.argsort(-best, axis=1)[:, :NEAREST]
        best, where = np.take_along_axis(best, top, 1), np.take_along_axis(where, top, 1)
    return vectors, [set(each) for each in where.tolist()]


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    found = work()
    return 1000 * (time.perf_counter() - started), found


def measured(kind: str, draw: Draw, asked: Floats, entries: int, exact_up_to: int) -> dict[str, Any]:
    """A search of all and one of a tenth; where vectors are kept as they are, beside the bare product."""
    vectors, exact = filled(draw, entries, asked, exact_up_to)
    mask: Bools = np.random.default_rng(5).random(entries) < SHARE_OF_MASK
    rows = vectors.matrix
    times: dict[str, list[float]] = {"all_ms": [], "masked_ms": [], "product_ms": []}
    found: list[float] = []
    for question, _ in zip(asked, exact, strict=True):
        if isinstance(rows, np.ndarray):
            times["product_ms"].append(timed(lambda: rows @ question)[0])  # noqa: B023
        times["masked_ms"].append(timed(lambda: vectors.nearest(question, NEAREST, mask))[0])  # noqa: B023
        spent, (positions, _) = timed(lambda: vectors.nearest(question, NEAREST))  # noqa: B023
        times["all_ms"].append(spent)
        found.append(len(exact[len(found)] & set(positions.tolist())) / NEAREST)
    row: dict[str, Any] = {
        "vectors": kind,
        "entries": entries,
        "kept": "exact" if times["product_ms"] else "compressed",
    }
    row |= {name: round(median(each), 1) for name, each in times.items() if each}
    if times["product_ms"]:
        row["masked_of_product"] = round(row["masked_ms"] / row["product_ms"], 2)
        row["all_of_product"] = round(row["all_ms"] / row["product_ms"], 2)
    return {**row, "recall": round(float(np.mean(found)), 4)}


def fill_store(store: LanceVectorStore, draw: Draw, entries: int) -> float:
    """Seconds that it took."""
    now, started = datetime.now(UTC), time.perf_counter()
    for some, drawn in batches(draw, entries):
        store.put([IndexedTicket(key_of(at), now, each, "") for at, each in zip(some, drawn, strict=True)])
        if some.start % (BATCH * 16) == 0:
            print(f"put {some.stop} of {entries}", file=sys.stderr)
    return time.perf_counter() - started


def lance_searches(draw: Draw, asked: Floats, entries: int) -> list[dict[str, Any]]:
    """LanceDB's own search, of all vectors and by its approximate index."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        flat = LanceVectorStore(folder)
        put_s = fill_store(flat, draw, entries)
        flat.compact()
        reader = TicketVectors(flat, exact_up_to=entries)
        keys = [{hit.enriched_key for hit in reader.nearest(each, NEAREST)} for each in asked]
        for kind, store in (("all", flat), ("IVF_RQ", LanceVectorStore(folder, approximate_from=1))):
            built_ms, _ = timed(store.compact)
            store.nearest(asked[0], NEAREST)
            runs = [timed(lambda: store.nearest(each, NEAREST)) for each in asked]  # noqa: B023
            hits = [{hit.enriched_key for hit in found} for _, found in runs]
            recall = float(np.mean([len(a & b) / NEAREST for a, b in zip(keys, hits, strict=True)]))
            row = {
                "lance": kind,
                "entries": entries,
                "put_s": round(put_s),
                "built_s": round(built_ms / 1000, 1),
            }
            rows.append(
                {**row, "all_ms": round(median(spent for spent, _ in runs), 1), "recall": round(recall, 4)}
            )
    return rows


def stored_reader(folder: Path, draw: Draw, entries: int) -> dict[str, Any]:
    """What a process takes that reads all vectors of a store."""
    store = LanceVectorStore(str(folder))
    if store.count() < entries:
        fill_store(store, draw, entries)
        store.compact()
    done = subprocess.run(
        [sys.executable, "-c", READER, str(folder)], capture_output=True, text=True, check=True
    )
    return {"reader_of": "LanceDB in a folder", **json.loads(done.stdout)}


def prices() -> list[dict[str, Any]]:
    """US dollars for a million tickets; us-east-1, https://aws.amazon.com/s3/pricing/, November 2026."""
    million, gb = 1_000_000, 1e9
    vector, key = DIMENSIONS * 4, len(key_of(1))
    stored_gb = million * (vector + key + TEXT_BYTES + 16) / gb
    usd = {"LanceDB on S3, stored a month": stored_gb * 0.023, "S3 Vectors, stored a month": stored_gb * 0.06}
    for batch in (1, 75, 499):
        charged = max(batch * (vector + key + TEXT_BYTES + 16), 128 * 1024)
        usd[f"S3 Vectors, put {batch} at once"] = million / batch * charged / gb * 0.20
    # of the first 100,000 vectors a TB costs twice as much
    scanned_tb = million * (vector + key + 8) / 1e12
    usd["S3 Vectors, a million searches"] = 2.5 + million * scanned_tb * (0.1 * 0.004 + 0.9 * 0.002)
    return [{"what": what, "usd": round(price, 2)} for what, price in usd.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--questions", type=int, default=30)
    parser.add_argument("--embeddings", type=Path)
    parser.add_argument("--lance", action="store_true")
    parser.add_argument("--stored", type=Path)
    parser.add_argument("--prices", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    if given.prices:
        rows = prices()
    elif given.stored is not None:
        rows = [stored_reader(given.stored, random_draw(3), given.many)]
    else:
        known = embeddings(given.embeddings)
        kinds = {
            "mixtures": (mixtures(known, 1), mixtures(known, 2)),
            "random": (random_draw(1), random_draw(2)),
        }
        asked = {kind: ask(given.questions) for kind, (_, ask) in kinds.items()}
        if given.lance:
            rows = lance_searches(kinds["mixtures"][0], asked["mixtures"], given.entries)
        else:
            for entries, exact_up_to in ((given.entries, given.entries), (given.entries, 0), (given.many, 0)):
                rows += [measured(kind, kinds[kind][0], asked[kind], entries, exact_up_to) for kind in kinds]
    for row in rows:
        print(json.dumps(row) if given.json else "  ".join(f"{name} {value}" for name, value in row.items()))


if __name__ == "__main__":
    main()
