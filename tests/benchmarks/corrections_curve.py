"""What corrections add to the shipped heads, on businesses that these heads did not see.

    python tests/benchmarks/corrections_curve.py [--store DIR] [--task TASK] [--draws N]

The businesses of the corpus are dealt into three folds. Heads are trained as the shipped ones are, without
one fold, or without two for 3,000 corrections. People then label some tickets of the businesses that were
left out, a model of the task learns from these alone, and both are measured on the rest. What the branch
says of a ticket comes from a branch that did not see its business. `--store` keeps what was encoded.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from report import markdown

from ticketmill import bootstrap
from ticketmill.arrays import Doubles
from ticketmill.aws.learning_memory import MemoryLearningObjects
from ticketmill.domain.dataset import Example, Origin
from ticketmill.encoder.encoder import Encoded
from ticketmill.learning.branch import deal
from ticketmill.learning.corpus import LabelledTicket, read_corpus
from ticketmill.learning.directory import DirectoryLearningObjects
from ticketmill.learning.families import Encode
from ticketmill.learning.fit import fit_task
from ticketmill.learning.judge import judge
from ticketmill.learning.left_out_branch import SHIPPED_LEFT_OUT, left_out_scores
from ticketmill.learning.packed_features import Pooled
from ticketmill.learning.train import train_heads
from ticketmill.models.heads import Heads, load_heads
from ticketmill.models.overlay import load_overlay
from ticketmill.settings import load_settings

FOLDS = 3
CORRECTIONS = {200: (0,), 800: (0,), 3000: (0, 1)}
"""How many, and the folds that the heads are trained without."""
TASKS = ("intent", "urgency", "sentiment")


@dataclass(frozen=True)
class LeftOutEncoder:
    """The encoder behind its cache, with a branch that saw no business of the ticket."""

    inner: Encode

    def pooled(self, texts: Sequence[str]) -> Pooled:
        found = self.inner(texts)
        assert isinstance(found, Pooled)
        assert found.branch is not None
        own = found.branch.astype(np.float64)
        scores = left_out_scores(texts, own, SHIPPED_LEFT_OUT.read_bytes())
        return found._replace(branch=scores.astype(np.float16))

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """As training heads asks for it: without what it does not read."""
        found = self.inner(texts)
        nothing = np.zeros((0, found.layers.shape[2]), np.float32)
        return [
            Encoded(
                embedding=embedding,
                layers=layers.astype(np.float32),
                token_states=nothing,
                offsets=np.zeros((0, 2), np.int32),
                tokens=1,
                truncated=False,
                windows=1,
                branch=None if found.branch is None else found.branch[at].astype(np.float32),
            )
            for at, (embedding, layers) in enumerate(zip(found.embeddings, found.layers, strict=True))
        ]


def example_of(ticket: LabelledTicket, task: str) -> Example:
    return Example(
        example_id=ticket.id,
        subject=ticket.subject,
        body=ticket.body,
        labels=(getattr(ticket, task),),
        group=f"{ticket.style}/{ticket.domain}",
        origin=Origin.JOURNAL,
        content_hash=ticket.id,
    )


def heads_without(tickets: Sequence[LabelledTicket], encoder: LeftOutEncoder) -> Heads:
    """Trained on `tickets` alone, as the shipped heads are on all of the corpus."""
    return load_heads(train_heads(tickets, encoder, "a part of the corpus", say).files)


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextmanager
def silent(_label: str, _total: int) -> Iterator[Callable[[int], None]]:
    """Shows no progress."""
    yield lambda _count: None


def shares_right(
    examples: Sequence[Example], corrected: set[int], encoder: LeftOutEncoder, heads: Heads, task: str
) -> tuple[float, float, float, str]:
    """On what was not corrected: the heads' accuracy, the model's, the standard error of their difference,
    and the recipe that won."""
    taught = [each for at, each in enumerate(examples) if at in corrected]
    rest = [each for at, each in enumerate(examples) if at not in corrected]
    fitted = fit_task(taught, encoder.pooled, heads, task, "single", say)
    judged = judge(load_overlay(fitted.files), rest, encoder.pooled, heads)
    assert judged.baseline is not None
    before = right(rest, judged.baseline)
    best = [(fitted.spec.labels[at],) for at in judged.probabilities.argmax(axis=1)]
    after = right(rest, best)
    error = float((after - before).std() / np.sqrt(len(rest)))
    return float(before.mean()), float(after.mean()), error, fitted.recipe.name


def right(examples: Sequence[Example], said: Sequence[tuple[str, ...]]) -> Doubles:
    return np.array([each.labels == given for each, given in zip(examples, said, strict=True)], np.float64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--task", choices=TASKS, action="append")
    parser.add_argument("--draws", type=int, default=1)
    asked = parser.parse_args()
    objects = DirectoryLearningObjects(asked.store) if asked.store else MemoryLearningObjects()
    trainer = bootstrap.make_trainer(load_settings(), objects, say, silent)
    encoder = LeftOutEncoder(trainer.encode)
    tickets = read_corpus()
    folds = deal(tickets, FOLDS)
    heads: dict[tuple[int, ...], Heads] = {}
    rows = []
    for count, without in CORRECTIONS.items():
        unseen = np.isin(folds, without)
        if without not in heads:
            heads[without] = heads_without(
                [each for each, out in zip(tickets, unseen, strict=True) if not out], encoder
            )
        own = [each for each, out in zip(tickets, unseen, strict=True) if out]
        for task in asked.task or TASKS:
            examples = [example_of(each, task) for each in own]
            for draw in range(asked.draws):
                corrected = set(np.random.default_rng(draw).permutation(len(own))[:count].tolist())
                before, after, error, recipe = shares_right(
                    examples, corrected, encoder, heads[without], task
                )
                rows.append(
                    (task, f"{count:,}", f"{before:.4f}", f"{after:.4f}", f"{after - before:+.4f}",
                     f"{error:.4f}", recipe)
                )  # fmt: skip
                say(" ".join(rows[-1]))
    rows.sort(key=lambda row: (TASKS.index(row[0]), int(row[1].replace(",", ""))))
    columns = ("task", "corrections", "shipped", "learned", "difference", "standard error", "recipe")
    print(markdown(columns, rows))


if __name__ == "__main__":
    main()
