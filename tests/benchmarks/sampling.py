"""How many labels a model needs until it is right so often: smallest margins first, against random tickets.

    python tests/benchmarks/sampling.py --data FILE --task intent [--target 0.8] [--rounds 3] [--json]

The file has one JSON object a line, with `text` and the label under the name of the task. A fifth of the
texts judges. The rest is a pool that starts with a few labelled texts; each step fits an embedding model,
asks for more labels, and ends as soon as the target is reached.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path
from statistics import mean

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from ticketmill.arrays import Doubles
from ticketmill.encoder.bundle import load_bundle
from ticketmill.encoder.encoder import Encoder
from ticketmill.learning.ridge import one_blas_thread
from ticketmill.settings import load_settings

FIRST_LABELS = 50
STEP = 20
GROWTH = 0.05
"""A step asks for at least so many labels, and for so large a share of those that are there."""
MOST_LABELS = 2500


def read(path: Path, task: str) -> tuple[list[str], list[str]]:
    """The texts and their labels."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [row["text"] for row in rows], [str(row[task]) for row in rows]


def embed(texts: list[str]) -> Doubles:
    """(texts, dimensions)"""
    settings = load_settings()
    encoder = Encoder(load_bundle(settings.bundle_dir), settings.threads)
    vectors: list[np.ndarray] = []
    for start in range(0, len(texts), 512):
        vectors += [each.embedding for each in encoder.encode(texts[start : start + 512])]
        print(f"encoded {len(vectors)} of {len(texts)}", file=sys.stderr)
    return np.array(vectors, np.float64)


def labels_needed(
    vectors: Doubles, labels: np.ndarray, by_margin: bool, target: float, seed: int
) -> int | None:
    """How many labels it took to reach `target`; None where the pool does not reach it."""
    order = np.random.default_rng(seed).permutation(len(vectors))
    judges, pool = order[: len(order) // 5], order[len(order) // 5 :]
    known, left = pool[:FIRST_LABELS], pool[FIRST_LABELS:]
    while len(known) < MOST_LABELS and len(left):
        model = LogisticRegression(C=10, max_iter=60).fit(vectors[known], labels[known])
        if model.score(vectors[judges], labels[judges]) >= target:
            return len(known)
        step = max(STEP, int(GROWTH * len(known)))
        if by_margin:
            best = np.sort(model.predict_proba(vectors[left]), axis=1)
            chosen = np.argsort(best[:, -1] - best[:, -2], kind="stable")[:step]
        else:
            chosen = np.arange(min(step, len(left)))
        known, left = np.concatenate([known, left[chosen]]), np.delete(left, chosen)
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--task", default="intent")
    parser.add_argument("--target", type=float, default=0.8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    texts, named = read(given.data, given.task)
    vectors, labels = embed(texts), np.unique(named, return_inverse=True)[1]
    warnings.simplefilter("ignore", ConvergenceWarning)
    rows = []
    with one_blas_thread():
        for seed in range(given.rounds):
            needed = [labels_needed(vectors, labels, by, given.target, seed) for by in (False, True)]
            rows.append(needed)
            print(f"round {seed + 1}: random {needed[0]}, margin {needed[1]}", file=sys.stderr)
    random, margin = (mean(each or MOST_LABELS for each in column) for column in zip(*rows, strict=True))
    answer = {"target": given.target, "random": random, "margin": margin, "share": round(margin / random, 3)}
    if given.json:
        print(json.dumps(answer))
    else:
        print(
            f"accuracy {given.target}: {random:.0f} random labels, {margin:.0f} by margin "
            f"({answer['share']:.0%}), {given.rounds} rounds"
        )


if __name__ == "__main__":
    main()
