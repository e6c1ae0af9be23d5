"""How many labels a model needs until it is right so often: smallest margins first, against random tickets.

    python tests/benchmarks/sampling.py --data FILE --task intent [--target 0.8] [--draws 5] [--store DIR]
        [--json]

The file has one JSON object a line, with `text` and the label under the name of the task. A fifth of the
texts judges. The rest is a pool of which the first 50 labels are random. Each step trains again and asks for
20 labels more, and ends as soon as the target is reached. Both arms of a draw have the same learner, the same
judges and the same first labels. The learner is the closed-form part of the recipe that `ticketmill train`
uses for few texts a label: ridge regression over embedding, layers and products, with the labels' names as
examples. Margins are the differences between its two highest scores (Scheffer et al., Active Hidden Markov
Models for Information Extraction, 2001). `--store` keeps what the encoder says, for the next run.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from statistics import mean, stdev
from typing import NamedTuple

import numpy as np

from ticketmill.arrays import Doubles
from ticketmill.bootstrap import make_trainer
from ticketmill.learning.families import Fit, Inputs, LabelNames
from ticketmill.learning.packed_features import Pooled
from ticketmill.learning.quadratic import QuadraticPart, fit_quadratic
from ticketmill.learning.ridge import one_blas_thread
from ticketmill.learning.store import directory_store
from ticketmill.models.overlay_features import middle_layers
from ticketmill.models.tokens import Ints
from ticketmill.settings import load_settings

FIRST_LABELS = 50
STEP = 20
MOST_LABELS = 2500
CHUNK = 2000
"""Texts that are scored at once."""


class Texts(NamedTuple):
    """Labelled texts as a fit takes them."""

    fit: Fit
    labels: Ints


def texts_of(path: Path, task: str, store: Path) -> Texts:
    """The texts of a file, encoded."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    names, labels = np.unique([str(row[task]) for row in rows], return_inverse=True)
    objects = directory_store(store).objects
    say = partial(print, file=sys.stderr)
    encode = make_trainer(load_settings(), objects, say, lambda *_: nullcontext(lambda _count: None)).encode
    inputs = inputs_of(encode([row["text"] for row in rows]))
    own = LabelNames(inputs_of(encode([name.replace("_", " ") for name in names])), np.arange(len(names)), 1)
    return Texts(Fit(inputs, np.eye(len(names), dtype=np.float32)[labels], "softmax", own), labels)


def inputs_of(pooled: Pooled) -> Inputs:
    """The families that the learner reads."""
    layers = middle_layers(pooled.layers.astype(np.float32))
    return Inputs({"embedding": pooled.embeddings, "layers": layers}, {}, np.zeros(len(layers)))


def scores_of(part: QuadraticPart, inputs: Inputs, rows: Ints) -> Doubles:
    """(rows, labels)"""
    chunks = (rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK))
    return np.concatenate([part.scores(inputs, chunk) for chunk in chunks])


def labels_needed(texts: Texts, by_margin: bool, target: float, seed: int) -> int:
    """How many labels it took to reach `target`."""
    order = np.random.default_rng(seed).permutation(len(texts.labels))
    judges, pool = order[: len(order) // 5], order[len(order) // 5 :]
    known, left = pool[:FIRST_LABELS], pool[FIRST_LABELS:]
    while len(known) < MOST_LABELS and len(left):
        part = fit_quadratic(texts.fit, known)
        found = scores_of(part, texts.fit.inputs, judges).argmax(axis=1)
        if (found == texts.labels[judges]).mean() >= target:
            return len(known)
        places = np.arange(len(left))
        if by_margin:
            two = np.partition(scores_of(part, texts.fit.inputs, left), -2, axis=1)[:, -2:]
            places = np.argsort(two[:, 1] - two[:, 0], kind="stable")
        known, left = np.concatenate([known, left[places[:STEP]]]), np.delete(left, places[:STEP])
    sys.exit(f"{len(known)} labels do not reach {target}: give a lower --target")


def told(values: Sequence[float], digits: int = 0) -> str:
    """As in `447 ± 12`: the mean, and the standard deviation over the draws."""
    return f"{mean(values):.{digits}f} ± {stdev(values) if len(values) > 1 else 0:.{digits}f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--task", default="intent")
    parser.add_argument("--target", type=float, default=0.8)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, one_blas_thread():
        texts = texts_of(given.data, given.task, given.store or Path(folder))
        needed = []
        for seed in range(given.draws):
            needed.append([labels_needed(texts, by, given.target, seed) for by in (False, True)])
            print(f"draw {seed + 1}: random {needed[-1][0]}, margin {needed[-1][1]}", file=sys.stderr)
    random, margin = ([float(each) for each in column] for column in zip(*needed, strict=True))
    ratio = mean(margin) / mean(random)
    ratios = [own / other for own, other in zip(margin, random, strict=True)]
    if given.json:
        print(json.dumps({"target": given.target, "random": random, "margin": margin, "ratio": ratio}))
    else:
        print(
            f"accuracy {given.target} over {given.draws} draws: {told(random)} random labels, "
            f"{told(margin)} by margin; ratio of the means {ratio:.2f}, of the draws {told(ratios, 2)}"
        )


if __name__ == "__main__":
    main()
