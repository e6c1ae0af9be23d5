"""Embeddings of another model than the encoder's own: any folder or name of sentence-transformers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ticketmill.models.prototypes import unit
from ticketmill.models.transformers.runtime import Floats, Precision, as_floats, quantized, resident_mb
from ticketmill.models.transformers.store import Located

BATCH = 32


class Embedder:
    """Turns texts into vectors of length 1. Not for several threads at once."""

    def __init__(self, located: Located, precision: Precision) -> None:
        from sentence_transformers import SentenceTransformer

        model: Any = SentenceTransformer(
            str(located.directory),
            device="cpu",
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={
                "use_safetensors": True,
                "dtype": torch.bfloat16 if precision == "bf16" else torch.float32,
            },
        ).eval()
        self._model: Any = quantized(model) if precision == "int8" else model
        self.resident_mb = resident_mb(self._model)

    def embed(self, texts: Sequence[str]) -> Floats:
        """(texts, dimensions); sentence-transformers sorts them by length itself, and cuts long ones."""
        vectors = self._model.encode(
            list(texts), batch_size=BATCH, convert_to_tensor=True, show_progress_bar=False
        )
        return unit(as_floats(vectors))
