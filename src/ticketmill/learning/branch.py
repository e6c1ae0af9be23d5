"""Fine-tunes the branch: a copy of the encoder's upper half that learns three tasks at once.

The businesses are dealt into folds; a branch that did not see a fold's businesses says what it makes of their
tickets, and one of all tickets ships.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Floats
from ticketmill.domain.labels import Intent, Sentiment, Urgency
from ticketmill.encoder.build.branch import branch_file
from ticketmill.encoder.build.sources import EncoderFiles, Report
from ticketmill.learning.corpus import LabelledTicket
from ticketmill.learning.left_out_branch import left_out_file
from ticketmill.learning.upper_layers import (
    Lower,
    Trained,
    Tuning,
    batches,
    head_without_standardisation,
    logits,
    lower_states,
    pooled,
    train,
)

if TYPE_CHECKING:
    import torch

LABELS: dict[str, tuple[str, ...]] = {
    "intent": tuple(Intent),
    "urgency": tuple(Urgency),
    "sentiment": tuple(Sentiment),
}
"""The tasks that a branch learns, in the order of its scores."""


@dataclass(frozen=True, slots=True)
class BranchRecipe(Tuning):
    """How a branch is trained, and into how many folds the businesses are dealt."""

    epochs: int = 3
    folds: int = 3


def fine_tune(
    tickets: Sequence[LabelledTicket],
    encoder: EncoderFiles,
    recipe: BranchRecipe,
    work_dir: Path,
    report: Report,
) -> tuple[bytes, bytes]:
    """The file of a branch of all tickets, and that of what branches say of tickets that they did not see.

    Takes about an hour on 2 cores. What each fold says is kept in `work_dir`: a second run goes on after the
    last fold that ended.
    """
    report(f"computing the lower layers of {len(tickets)} tickets")
    lower = lower_states([each.text for each in tickets], encoder, recipe.max_tokens)
    truth = true_labels(tickets)
    folds = deal(tickets, recipe.folds)
    scores = np.zeros((len(tickets), sum(map(len, LABELS.values()))), np.float16)
    report(f"all {len(tickets)} tickets")
    trained = _train(lower, truth, np.arange(len(tickets)), recipe, report)
    key = _key(tickets, recipe)
    for fold in range(recipe.folds):
        kept = work_dir / f"{key}-{fold}.npy"
        unseen = np.flatnonzero(folds == fold)
        if not kept.exists():
            report(f"fold {fold + 1} of {recipe.folds}: {len(tickets) - len(unseen)} tickets")
            found = _train(lower, truth, np.flatnonzero(folds != fold), recipe, report)
            np.save(kept, scores_of(found, lower, unseen).astype(np.float16))
        scores[unseen] = np.load(kept)
    return as_file(lower, trained), left_out_file([each.text for each in tickets], scores)


def true_labels(tickets: Sequence[LabelledTicket]) -> NDArray[np.int64]:
    """(n, tasks): the place of each ticket's label among its task's."""
    return np.array(
        [[labels.index(getattr(each, task)) for task, labels in LABELS.items()] for each in tickets]
    )


def deal(tickets: Sequence[LabelledTicket], folds: int) -> NDArray[np.int64]:
    """(n,): the fold of each ticket. A business is in one fold; those of a file are spread over all."""
    found = np.zeros(len(tickets), np.int64)
    styles = np.array([each.style for each in tickets])
    domains = np.array([each.domain for each in tickets])
    for place, style in enumerate(np.unique(styles)):
        load = np.zeros(folds)
        names, sizes = np.unique(domains[styles == style], return_counts=True)
        for name, size in sorted(zip(names, sizes, strict=True), key=lambda each: -each[1]):
            # the first businesses of the files begin at folds of their own
            order = np.roll(np.arange(folds), -(place % folds))
            fold = order[np.argmin(load[order])]
            found[(styles == style) & (domains == name)] = fold
            load[fold] += size
    return found


def _train(
    lower: Lower, truth: NDArray[np.int64], seen: NDArray[np.int64], recipe: BranchRecipe, report: Report
) -> Trained:
    """A branch of the tickets at `seen`; its head begins as logistic regressions."""
    import torch

    labels, weights = torch.tensor(truth), _urgency_weights(truth[seen])
    losses = torch.nn.CrossEntropyLoss(reduction="none", label_smoothing=recipe.label_smoothing)

    def loss_of(found: torch.Tensor, batch: list[int]) -> torch.Tensor:
        loss = torch.zeros(())
        for place, (task, own) in enumerate(_columns().items()):
            each = losses(found[:, own], labels[batch, place])
            loss = loss + (each * weights[labels[batch, place]] if task == "urgency" else each).mean()
        return loss

    return train(lambda: _begin(lower, truth, seen), lower, seen, recipe, loss_of, report)


def scores_of(trained: Trained, lower: Lower, tickets: NDArray[np.int64]) -> Floats:
    """(tickets, labels): the scores of some tickets, in log odds."""
    import torch

    found = np.zeros((len(lower.states), trained.head.out_features), np.float32)
    with torch.no_grad():
        for batch in batches(lower, tickets.tolist(), 32):
            found[batch] = logits(trained, lower, batch, torch.nn.Identity()).numpy()
    return found[tickets]


def as_file(lower: Lower, trained: Trained) -> bytes:
    """The branch as `encoder.build.branch` reads it, the head without the standardisation before it."""
    weight, bias = head_without_standardisation(trained)

    def named(layers: torch.nn.ModuleList) -> dict[str, Floats]:
        return {
            f"encoder.layer.{lower.first + int(name.split('.', 1)[0])}.{name.split('.', 1)[1]}": value.numpy()
            for name, value in layers.state_dict().items()
        }

    return branch_file(lower.first, named(trained.layers), named(lower.upper), weight.numpy(), bias.numpy())


def _begin(lower: Lower, truth: NDArray[np.int64], seen: NDArray[np.int64]) -> Trained:
    """The layers as they are in the encoder, and the logistic regressions that fit them."""
    import torch
    from sklearn.linear_model import LogisticRegression

    layers = deepcopy(lower.upper).eval()
    order = batches(lower, seen.tolist(), 32)
    with torch.no_grad():
        inputs = torch.cat([pooled(layers, lower, batch) for batch in order])
        mean, spread = inputs.mean(0), inputs.std(0) + 1e-6
        head = torch.nn.Linear(inputs.shape[1], sum(map(len, LABELS.values())))
        standard = ((inputs - mean) / spread).numpy()
        known = truth[[ticket for batch in order for ticket in batch]]
        head.weight.zero_()
        head.bias.zero_()
        for place, own in enumerate(_columns().values()):
            fitted = LogisticRegression(C=0.003, max_iter=1000).fit(standard, known[:, place])
            if len(fitted.classes_) > 2 and len(fitted.classes_) == own.stop - own.start:
                head.weight[own] = torch.tensor(fitted.coef_, dtype=torch.float32)
                head.bias[own] = torch.tensor(fitted.intercept_, dtype=torch.float32)
    return Trained(layers, head, mean, spread)


def _columns() -> dict[str, slice]:
    first, found = 0, {}
    for task, labels in LABELS.items():
        found[task] = slice(first, first + len(labels))
        first += len(labels)
    return found


def _urgency_weights(truth: NDArray[np.int64]) -> torch.Tensor:
    """(urgencies,): the rarer a label, the more a mistake on it costs, by a square root."""
    import torch

    counts = np.bincount(truth[:, list(LABELS).index("urgency")], minlength=len(Urgency))
    return torch.tensor(np.sqrt(len(truth) / len(Urgency) / np.maximum(counts, 1)), dtype=torch.float32)


def _key(tickets: Sequence[LabelledTicket], recipe: BranchRecipe) -> str:
    digest = hashlib.blake2b(repr(recipe).encode(), digest_size=8)
    for each in tickets:
        digest.update("\0".join((each.text, each.intent, each.urgency, each.sentiment, each.domain)).encode())
    return digest.hexdigest()
