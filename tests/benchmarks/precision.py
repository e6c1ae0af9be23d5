"""How near the encoder's precisions are to float32 over the shipped tickets, and how fast, in one run.

    python tests/benchmarks/precision.py [--json] [--rounds N] [--threads N]

Builds both bundles below the cache directory where they are missing. The speeds alternate, slice by slice,
so that what else the machine does falls on all of them alike; the ratio says more than the numbers.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from pathlib import Path
from statistics import median
from typing import Literal

import numpy as np

from ticketmill.encoder.build.builder import build_bundle
from ticketmill.encoder.bundle import load_bundle
from ticketmill.encoder.encoder import Encoder
from ticketmill.encoder.processor import instructions
from ticketmill.learning.corpus import PLAIN_TICKETS, read_corpus
from ticketmill.settings import load_settings

SLICE = 64
PRECISIONS: tuple[Literal["fp32", "int8"], ...] = ("fp32", "int8")


def load(threads: int) -> dict[str, Encoder]:
    cache = load_settings().cache_dir / "benchmarks"
    encoders = {}
    for precision in PRECISIONS:
        built = build_bundle(
            cache, precision=precision, extra_files={}, report=lambda line: print(line, file=sys.stderr)
        )
        encoders[precision] = Encoder(load_bundle(built.directory), threads)
    return encoders


def measure(encoders: dict[str, Encoder], texts: list[str], rounds: int) -> list[dict[str, float | str]]:
    slices = [texts[start : start + SLICE] for start in range(0, len(texts), SLICE)]
    seconds: dict[str, list[float]] = {name: [0.0] * rounds for name in encoders}
    vectors: dict[str, list[np.ndarray]] = {name: [] for name in encoders}
    ratios = []
    for turn in range(rounds):
        for part in slices:
            took = {}
            for name, encoder in encoders.items():
                started = time.perf_counter()
                encoded = encoder.encode(part)
                took[name] = time.perf_counter() - started
                seconds[name][turn] += took[name]
                if turn == 0:
                    vectors[name] += [each.embedding for each in encoded]
            ratios.append(took["fp32"] / took["int8"])
    exact = np.stack(vectors["fp32"])
    rows: list[dict[str, float | str]] = []
    for name in encoders:
        cosines = (exact * np.stack(vectors[name])).sum(axis=1)
        rows.append(
            {
                "precision": name,
                "texts_per_s": round(len(texts) / min(seconds[name]), 1),
                "times_fp32": 1.0 if name == "fp32" else round(median(ratios), 2),
                "cosine_mean": round(float(cosines.mean()), 5),
                "cosine_p1": round(float(np.quantile(cosines, 0.01)), 5),
                "cosine_min": round(float(cosines.min()), 5),
            }
        )
    return rows


def cpu() -> str:
    """The processor's name and those of its instructions that matter to 8-bit products."""
    names = [line.split(":", 1)[1].strip() for line in _cpu_info() if line.startswith("model name")]
    return ", ".join([names[0] if names else platform.processor(), *instructions()])


def _cpu_info() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    texts = [ticket.text for ticket in read_corpus(PLAIN_TICKETS)]
    rows = measure(load(arguments.threads), texts, arguments.rounds)
    if arguments.json:
        print(json.dumps({"cpu": cpu(), "texts": len(texts), "precisions": rows}))
        return
    print(f"{len(texts)} tickets, {arguments.threads} threads, {cpu()}")
    print(" | ".join(rows[0]))
    for row in rows:
        print(" | ".join(str(value) for value in row.values()))


if __name__ == "__main__":
    main()
