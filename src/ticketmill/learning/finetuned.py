"""Fine-tunes the encoder's upper layers on the labels of one task, by torch, on a GPU where there is one.

The result is the second encoder of `models.finetuned`, in 8 bits. Held-out texts are scored by that encoder,
not by torch: what is measured is what the worker computes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ticketmill.arrays import Floats
from ticketmill.encoder.build.graph import EncoderConfig, build_classifier_graph
from ticketmill.encoder.build.quantize import quantize
from ticketmill.encoder.build.sources import EncoderFiles, Report
from ticketmill.encoder.encoder import TOKEN_BUDGET, micro_batches
from ticketmill.encoder.token_batch import special_tokens
from ticketmill.encoder.tokenizer import read_pieces
from ticketmill.learning.fine_tuned_part import FineTuned, Split
from ticketmill.learning.logistic import fit_logistic
from ticketmill.learning.ranges import ranges_of
from ticketmill.learning.upper_layers import (
    Lower,
    Trained,
    Tuning,
    batches,
    head_without_standardisation,
    lower_states,
    pooled,
    train,
)
from ticketmill.models.finetuned import MODEL_FILE, TOKENIZER_FILE, FineTunedEncoder
from ticketmill.models.heads import Kind
from ticketmill.models.tokens import Ints

SCORED_AT_ONCE = 32
TEXTS_OF_RANGES = 500
"""Texts over which the scales of 8 bits are measured."""
HEAD_INVERSE_PENALTY = 0.003
"""Of the logistic regression that the head begins as."""


@dataclass(frozen=True, slots=True)
class FineTuning(Tuning):
    """How the layers are trained, and how many."""

    epochs: int = 4
    layers: int = 2


@dataclass(frozen=True)
class FineTuner:
    """Fine-tunes `encoder`. On one machine the same texts give the same files, but on a GPU only nearly."""

    encoder: EncoderFiles
    device: str
    """As torch names it: `cpu` or `cuda`."""
    threads: int
    report: Report = field(repr=False)
    tuning: FineTuning = FineTuning()

    def __call__(self, texts: Sequence[str], truth: Floats, kind: Kind, splits: Sequence[Split]) -> FineTuned:
        """An encoder of all texts, and what encoders of the seen texts of each split say of its unseen ones.

        `truth` is (texts, labels).
        """
        import torch

        torch.set_num_threads(self.threads)
        everything = np.arange(len(texts))
        tuning = self.tuning
        self.report(f"the layers that stay read {len(texts):,} texts")
        lower = lower_states(texts, self.encoder, tuning.max_tokens, tuning.layers, self.device)
        self._estimate(lower, [*(len(seen) for seen, _ in splits), len(texts)])
        tokenizer = self.encoder.tokenizer.read_bytes()
        scores = np.zeros(truth.shape, np.float64)
        for number, (seen, unseen) in enumerate(splits, 1):
            self.report(f"fine-tuning {number} of {len(splits) + 1}: {len(seen):,} texts")
            model = self._model(self._train(lower, truth, kind, seen), lower, [texts[at] for at in seen])
            reader = FineTunedEncoder(model, tokenizer, tuning.max_tokens)
            scores[unseen] = reader.scores([texts[at] for at in unseen])
        self.report(f"fine-tuning {len(splits) + 1} of {len(splits) + 1}: all {len(texts):,} texts")
        model = self._model(self._train(lower, truth, kind, everything), lower, texts)
        return FineTuned(scores, {MODEL_FILE: model, TOKENIZER_FILE: tokenizer}, tuning.max_tokens)

    def _estimate(self, lower: Lower, sizes: Sequence[int]) -> None:
        """Reports how long it will take, by a step of some texts."""
        last = len(lower.states) - 1
        batch = np.linspace(0, last, self.tuning.batch_size, dtype=int).tolist()
        layers = deepcopy(lower.upper).to(self.device).train()
        pooled(layers, lower, batch).sum().backward()  # the first step is the slowest one
        started = time.perf_counter()
        pooled(layers, lower, batch).sum().backward()
        step_s = time.perf_counter() - started
        steps = sum(self.tuning.steps(size) for size in sizes)
        minutes = step_s * steps / 60
        self.report(
            f"fine-tuning {self.tuning.layers} layers on {self.device}: {steps:,} steps, about "
            f"{max(minutes, 1):.0f} minutes"
        )

    def _train(self, lower: Lower, truth: Floats, kind: Kind, seen: Ints) -> Trained:
        """The layers of the texts at `seen`; the head begins as a logistic regression."""
        import torch

        targets = torch.tensor(_smoothed(truth, kind, self.tuning.label_smoothing), device=self.device)
        losses: Any = torch.nn.CrossEntropyLoss() if kind == "softmax" else torch.nn.BCEWithLogitsLoss()

        def loss_of(found: torch.Tensor, batch: list[int]) -> torch.Tensor:
            loss: torch.Tensor = losses(found, targets[batch])
            return loss

        return train(
            lambda: self._begin(lower, truth, kind, seen), lower, seen, self.tuning, loss_of, self.report
        )

    def _begin(self, lower: Lower, truth: Floats, kind: Kind, seen: Ints) -> Trained:
        """The layers as they are in the encoder, and the logistic regression that fits them."""
        import torch

        layers = deepcopy(lower.upper).to(self.device).eval()
        order = batches(lower, seen.tolist(), SCORED_AT_ONCE)
        with torch.no_grad():
            inputs = torch.cat([pooled(layers, lower, batch) for batch in order])
        mean, spread = inputs.mean(0), inputs.std(0) + 1e-6
        known = truth[[text for batch in order for text in batch]].astype(np.float32)
        columns = ((inputs - mean) / spread).cpu().numpy()
        found = fit_logistic(columns, known, np.ones(len(known), np.float32), kind, HEAD_INVERSE_PENALTY)
        head = torch.nn.Linear(inputs.shape[1], truth.shape[1], device=self.device)
        with torch.no_grad():
            head.weight.copy_(torch.tensor(found[:-1].T))
            head.bias.copy_(torch.tensor(found[-1]))
        return Trained(layers, head, mean, spread)

    def _model(self, trained: Trained, lower: Lower, texts: Sequence[str]) -> bytes:
        """The graph in 8 bits, with scales that are measured over some of `texts`."""
        import onnx
        from safetensors.numpy import load_file

        config = EncoderConfig.model_validate_json(self.encoder.config.read_bytes())
        weights = load_file(self.encoder.weights) | {
            f"encoder.layer.{lower.first + int(layer)}.{rest}": value.cpu().numpy()
            for name, value in trained.layers.state_dict().items()
            for layer, rest in [name.split(".", 1)]
        }
        weight, bias = (each.cpu().numpy() for each in head_without_standardisation(trained))
        graph = build_classifier_graph(weights, config, np.ascontiguousarray(weight.T), bias)
        measured = onnx.ModelProto()
        measured.CopyFrom(graph)
        some = [texts[at] for at in range(0, len(texts), -(-len(texts) // TEXTS_OF_RANGES))]
        ranges = ranges_of(measured, self._token_batches(some), self.threads)
        return bytes(quantize(graph, ranges).SerializeToString(deterministic=True))

    def _token_batches(self, texts: Sequence[str]) -> Any:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self.encoder.tokenizer))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        special = special_tokens(tokenizer)
        pieces = [each.ids for each in read_pieces(tokenizer, texts, self.tuning.max_tokens - 2)]
        for group in micro_batches([len(each) + 2 for each in pieces], TOKEN_BUDGET):
            yield special.batch([pieces[at] for at in group])


def _smoothed(truth: Floats, kind: Kind, smoothing: float) -> Floats:
    """(n, labels): some of what is true is given to all labels; of exclusive ones the sum stays 1."""
    even = 1 / truth.shape[1] if kind == "softmax" else 0.5
    return np.asarray((1 - smoothing) * truth + smoothing * even, np.float32)
