"""A text classifier of transformers: DistilBERT, FinBERT, any `AutoModelForSequenceClassification`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ticketmill.domain.errors import SetupError
from ticketmill.models.heads import activate
from ticketmill.models.transformers.runtime import (
    TOKEN_BUDGET,
    Floats,
    Precision,
    as_floats,
    by_length,
    load_model,
    load_tokenizer,
    resident_mb,
)
from ticketmill.models.transformers.store import Located

MAX_TOKENS = 512


def own_labels(located: Located, variable: str) -> list[str]:
    """The labels of a classifier in the order of its outputs. SetupError where it is none."""
    config = located.config
    names = {int(position): str(name) for position, name in (config.get("id2label") or {}).items()}
    is_classifier = any("ForSequenceClassification" in name for name in config.get("architectures") or [])
    if not is_classifier:
        raise SetupError(f"{variable}: {located.name} is no text classifier: {config.get('architectures')}")
    # transformers leaves out the map of two labels without names
    return [names[position] for position in sorted(names)] or ["LABEL_0", "LABEL_1"]


class Classifier:
    """Gives every label of its model a probability. Not for several threads at once."""

    def __init__(self, located: Located, precision: Precision) -> None:
        from transformers import AutoModelForSequenceClassification

        self._tokenizer: Any = load_tokenizer(located)
        self._model: Any = load_model(AutoModelForSequenceClassification, located, precision)
        self._most = most_tokens(self._model.config, self._tokenizer)
        self.resident_mb = resident_mb(self._model)

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """(texts, labels): softmax over the labels in the model's order; a long text is cut at 512 tokens."""
        read = self._tokenizer(list(texts), truncation=True, max_length=self._most)["input_ids"]
        logits = by_length(read, [len(ids) for ids in read], self._run, TOKEN_BUDGET)
        return activate(np.stack(logits), "softmax")

    def _run(self, batch: list[list[int]]) -> list[Floats]:
        padded = self._tokenizer.pad({"input_ids": batch}, return_tensors="pt")
        with torch.inference_mode():
            logits = self._model(
                input_ids=padded["input_ids"], attention_mask=padded["attention_mask"]
            ).logits
        return list(as_floats(logits))


def most_tokens(config: Any, tokenizer: Any, at_most: int = MAX_TOKENS) -> int:
    """The most tokens of a text that a model can read, and no more than `at_most`."""
    positions = getattr(config, "max_position_embeddings", None) or at_most
    return int(min(positions, tokenizer.model_max_length, at_most))
