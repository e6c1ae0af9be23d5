"""How many suspected label errors are errors: some labels of a file are flipped, and looked for.

    python tests/benchmarks/suspects.py FILE --task TASK [--texts N] [--flipped SHARE] [--store DIR]

Labels are flipped by chance to any other label. The suspects are ranked by the held-out loss of the very
training that would make a model; only pooled recipes compete here, which takes a third of the time. Errors
that the file has of its own count as wrong suspects. `--store` keeps what was encoded.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from report import markdown

from ticketmill import bootstrap
from ticketmill.aws.learning_memory import MemoryLearningObjects
from ticketmill.domain.dataset import Example
from ticketmill.entrypoints.cli.output import progress
from ticketmill.learning.annotation_files import FileSpec
from ticketmill.learning.directory import DirectoryLearningObjects
from ticketmill.learning.file_examples import read_examples
from ticketmill.learning.fit import fit_task
from ticketmill.learning.suspects import suspects
from ticketmill.settings import load_settings

FIRST = (50, 100, 150)
POOLED_ONLY = {"conservative": 0, "balanced": 10**9, "enhanced": 10**9, "maximum": 10**9}


def flip(examples: Sequence[Example], share: float, seed: int) -> tuple[list[Example], set[int]]:
    """The examples with some labels changed, and the positions of those."""
    rng = np.random.default_rng(seed)
    labels = sorted({each.labels[0] for each in examples})
    chosen = set(rng.permutation(len(examples))[: round(share * len(examples))].tolist())
    found = []
    for at, each in enumerate(examples):
        others = [label for label in labels if label != each.labels[0]]
        wrong = others[rng.integers(len(others))]
        found.append(each.model_copy(update={"labels": (wrong,)}) if at in chosen else each)
    return found, chosen


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--task", required=True)
    parser.add_argument("--texts", type=int, default=2500)
    parser.add_argument("--flipped", type=float, default=0.08)
    parser.add_argument("--store", type=Path)
    asked = parser.parse_args()
    objects = DirectoryLearningObjects(asked.store) if asked.store else MemoryLearningObjects()
    trainer = bootstrap.make_trainer(load_settings(), objects, say, progress)
    read = read_examples(asked.file, FileSpec(asked.task, "single", None, None))
    drawn = [read[at] for at in np.random.default_rng(0).permutation(len(read))[: asked.texts]]
    examples, wrong = flip(drawn, asked.flipped, 0)
    # a task of a name that the bundle does not have: the shipped heads would help
    fitted = fit_task(examples, trainer.encode, trainer.heads, "by-hand", "single", say, POOLED_ONLY)
    rows, labels = fitted.held_out.rows, fitted.spec.labels
    truth = np.array([[float(label in examples[at].labels) for label in labels] for at in rows])
    ranked = suspects(labels, fitted.held_out.probabilities, truth, "softmax", max(FIRST))
    hits = np.array([int(rows[each.position]) in wrong for each in ranked])
    among = sum(int(at) in wrong for at in rows)
    print(f"{len(rows):,} texts held out, {among} of their labels flipped")
    columns = ("first suspects", "flipped", "precision")
    print(markdown(columns, [(str(n), str(hits[:n].sum()), f"{hits[:n].mean():.3f}") for n in FIRST]))


if __name__ == "__main__":
    main()
