"""Labels that a model was never trained on, by asking it what follows from the text: mDeBERTa and its like.

A model of natural language inference reads the ticket and "This support ticket is about refunds." and says
whether the second follows from the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ticketmill.domain.errors import SetupError
from ticketmill.models.transformers.classifier import own_labels
from ticketmill.models.transformers.labels import plain
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

# Tokens of ticket and question together. What a ticket is about shows at its beginning, and the time of an
# answer grows with every token of every question.
MAX_TOKENS = 128


def hypothesis(label: str) -> str:
    """What the model is asked about `label`."""
    return f"This support ticket is about {plain(label)}."


def verdict_positions(located: Located, variable: str) -> tuple[int, int]:
    """The outputs that stand for entailment and for its contrary. SetupError where the model has none."""
    names = [plain(name) for name in own_labels(located, variable)]
    entailment = [position for position, name in enumerate(names) if name.startswith("entail")]
    contrary = [position for position, name in enumerate(names) if name.startswith(("contra", "not entail"))]
    if len(entailment) != 1 or len(contrary) != 1:
        raise SetupError(f"{variable}: {located.name} is no model of entailment: its labels are {names}")
    return entailment[0], contrary[0]


class ZeroShot:
    """Answers whether labels fit a text. Not for several threads at once."""

    def __init__(self, located: Located, precision: Precision) -> None:
        from transformers import AutoModelForSequenceClassification

        self._verdicts = list(verdict_positions(located, located.name))
        self._tokenizer: Any = load_tokenizer(located)
        self._model: Any = load_model(AutoModelForSequenceClassification, located, precision)
        self.resident_mb = resident_mb(self._model)

    def ask(self, questions: Sequence[tuple[str, str]]) -> Floats:
        """(questions, 2) of texts and labels: the logits of entailment and of its contrary."""
        texts = [text for text, _ in questions]
        asked = [hypothesis(label) for _, label in questions]
        read = self._tokenizer(texts, asked, truncation="only_first", max_length=MAX_TOKENS)
        rows = [
            {name: values[position] for name, values in read.items()} for position in range(len(questions))
        ]
        return np.stack(by_length(rows, [len(row["input_ids"]) for row in rows], self._run, TOKEN_BUDGET))

    def _run(self, batch: list[dict[str, list[int]]]) -> list[Floats]:
        padded = self._tokenizer.pad(batch, return_tensors="pt")
        with torch.inference_mode():
            logits = self._model(**padded).logits
        return list(as_floats(logits[:, self._verdicts]))
