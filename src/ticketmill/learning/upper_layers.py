"""Trains the encoder's upper layers. The lower ones stay as they are: their states are computed once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ticketmill.encoder.build.sources import EncoderFiles, Report

if TYPE_CHECKING:
    import torch

STEPS_BETWEEN_REPORTS = 50


@dataclass(frozen=True, slots=True)
class Tuning:
    """How layers are trained. The learning rate rises over the first tenth of the steps, then falls to 0."""

    epochs: int
    learning_rate: float = 2e-4
    batch_size: int = 16
    label_smoothing: float = 0.05
    dropout: float = 0.1
    max_tokens: int = 160
    seed: int = 0

    def steps(self, texts: int) -> int:
        """The batches of all epochs."""
        return self.epochs * -(-texts // self.batch_size)


class Lower(NamedTuple):
    """The states of every text after the layers that stay, and the layers above them."""

    first: int
    """The first layer that does not stay."""
    states: list[torch.Tensor]
    """n of (tokens, hidden), in 16 bits"""
    upper: torch.nn.ModuleList


class Trained(NamedTuple):
    """Trained layers. The head reads (pooled - mean) / spread."""

    layers: torch.nn.ModuleList
    head: torch.nn.Linear
    mean: torch.Tensor
    spread: torch.Tensor


def lower_states(
    texts: Sequence[str],
    encoder: EncoderFiles,
    max_tokens: int,
    upper_layers: int | None = None,
    device: str = "cpu",
) -> Lower:
    """Runs the layers that stay, once: all but `upper_layers`, the lower half without it."""
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModel

    tokenizer = Tokenizer.from_file(str(encoder.tokenizer))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    model = AutoModel.from_pretrained(encoder.weights.parent, attn_implementation="eager").eval()
    depth = len(model.encoder.layer)
    first = depth // 2 if upper_layers is None else max(depth - upper_layers, 0)
    upper = deepcopy(model.encoder.layer[first:])
    model.encoder.layer = model.encoder.layer[:first]
    model = model.to(device)
    states = []
    with torch.no_grad():
        for text in texts:
            ids = torch.tensor([tokenizer.encode(text).ids], device=device)
            states.append(model(input_ids=ids).last_hidden_state[0].half().cpu())
    return Lower(first, states, upper)


LossOf = Callable[["torch.Tensor", list[int]], "torch.Tensor"]
"""From the (batch, labels) scores of some texts, and the texts, to one number."""


def train(
    begin: Callable[[], Trained],
    lower: Lower,
    seen: NDArray[np.int64],
    tuning: Tuning,
    loss_of: LossOf,
    report: Report,
) -> Trained:
    """The layers that `begin` gives, trained on the texts at `seen` by AdamW."""
    import torch

    torch.manual_seed(tuning.seed)
    rng = np.random.default_rng(tuning.seed)
    trained = begin()
    dropout = torch.nn.Dropout(tuning.dropout)
    parameters = [*trained.layers.train().parameters(), *trained.head.parameters()]
    optimizer = torch.optim.AdamW(parameters, tuning.learning_rate, weight_decay=0.01)
    steps = tuning.steps(len(seen))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rise_and_fall(steps))
    started, summed = time.monotonic(), 0.0
    order = (each for _ in range(tuning.epochs) for each in shuffled(lower, seen, tuning.batch_size, rng))
    for step, batch in enumerate(order, 1):
        loss = loss_of(logits(trained, lower, batch, dropout), batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        summed += float(loss.detach())
        if step % STEPS_BETWEEN_REPORTS == 0 or step == steps:
            left_s = (time.monotonic() - started) / step * (steps - step)
            report(f"step {step} of {steps}, loss {summed / step:.3f}, {left_s / 60:.0f} minutes left")
    trained.layers.eval()
    return trained


def logits(trained: Trained, lower: Lower, batch: list[int], dropout: torch.nn.Module) -> torch.Tensor:
    """(batch, labels): the scores of some texts, in log odds."""
    standard = (pooled(trained.layers, lower, batch) - trained.mean) / trained.spread
    found: torch.Tensor = trained.head(dropout(standard))
    return found


def pooled(layers: torch.nn.ModuleList, lower: Lower, batch: list[int]) -> torch.Tensor:
    """(batch, 2 · hidden): mean and maximum over the tokens of the last states."""
    import torch

    device = next(layers.parameters()).device
    lengths = torch.tensor([len(lower.states[text]) for text in batch])
    # products of a new shape are slow the first time
    longest = -(-int(lengths.max()) // 8) * 8
    states = torch.zeros(len(batch), longest, lower.states[0].shape[1])
    for row, text in zip(states, batch, strict=True):
        row[: len(lower.states[text])] = lower.states[text].float()
    states, mask = states.to(device), (torch.arange(longest) < lengths[:, None]).float().to(device)
    padding = (1 - mask)[:, None, None] * -1e9
    for layer in layers:
        found: Any = layer(states, padding)
        states = found[0] if isinstance(found, tuple) else found
    mean = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
    greatest = (states - (1 - mask[..., None]) * 1e4).amax(1)
    return torch.cat([mean, greatest], 1)


def head_without_standardisation(trained: Trained) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight (labels, 2 · hidden) and bias (labels,) of a head that reads what is pooled as it is."""
    weight = trained.head.weight.detach() / trained.spread
    return weight, trained.head.bias.detach() - weight @ trained.mean


def shuffled(
    lower: Lower, seen: NDArray[np.int64], size: int, rng: np.random.Generator
) -> Iterator[list[int]]:
    """One epoch. Batches are cut from pools of eight, sorted by length: little padding, and much chance."""
    order, pool = rng.permutation(seen), 8 * size
    found = [
        batch
        for start in range(0, len(order), pool)
        for batch in batches(lower, order[start : start + pool].tolist(), size)
    ]
    for place in rng.permutation(len(found)):
        yield found[place]


def batches(lower: Lower, texts: list[int], size: int) -> list[list[int]]:
    """Texts of about the same length together."""
    ordered = sorted(texts, key=lambda text: len(lower.states[text]))
    return [ordered[start : start + size] for start in range(0, len(ordered), size)]


def rise_and_fall(steps: int) -> Any:
    """The learning rate's share at each step: it rises over the first tenth of them, then falls to 0."""
    return lambda step: min((step + 1) / (0.1 * steps), max(steps - step, 0) / steps)
