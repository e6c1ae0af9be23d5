"""The classifier `transformer`: the encoder, fine-tuned on the labels. ONNX Runtime alone predicts."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from ticketmill.arrays import Doubles
from ticketmill.learning.parts.ports import Columns, Files, Labelled, Part, PartDocument, Setting
from ticketmill.models.finetuned import MODEL_FILE, TOKENIZER_FILE, FineTunedEncoder
from ticketmill.models.heads import Kind, activate

LIMIT_FILE = "limit.json"


class Transformer:
    """A second encoder that reads the texts itself."""

    def __init__(self, files: Files) -> None:
        self._files = files
        limit = json.loads(files[LIMIT_FILE])
        self._kind: Kind = limit["kind"]
        self._encoder = FineTunedEncoder(files[MODEL_FILE], files[TOKENIZER_FILE], limit["max_tokens"])

    def probabilities(self, _: Columns | None, documents: Sequence[PartDocument]) -> Doubles:
        """(documents, labels)"""
        scores = self._encoder.scores([each.text for each in documents])
        return activate(scores, self._kind).astype(np.float64)

    def files(self) -> Files:
        """Its graph, its tokenizer, and how many tokens it reads."""
        return self._files


def _fit(labelled: Labelled, setting: Setting) -> Transformer:
    assert setting.resources is not None  # noqa: S101 - a fit has them
    tune = setting.resources.fine_tune_of(setting.source)
    tuned = tune([each.text for each in labelled.documents], labelled.truth, labelled.kind, ())
    limit = json.dumps({"kind": labelled.kind, "max_tokens": tuned.max_tokens}).encode()
    return Transformer({**tuned.files, LIMIT_FILE: limit})


TRANSFORMER = Part(
    "transformer",
    "classifier",
    "the encoder, fine-tuned on the labels",
    fit=_fit,
    load=lambda files, _: Transformer(files),
    packages=("onnxruntime", "tokenizers"),
    modules_to_fit=("torch", "transformers", "onnx", "safetensors"),
    extra_to_fit="hub,build,train",
    reads=frozenset({"texts"}),
    slow=True,
)
