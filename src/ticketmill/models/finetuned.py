"""A second encoder of one task, fine-tuned on its labels: it reads the texts again and scores the labels.

Its files lie among those of a learned version, so that they are verified like the others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime as ort
from pydantic import BaseModel, ConfigDict, PositiveInt
from tokenizers import Tokenizer

from ticketmill.arrays import Floats
from ticketmill.domain.errors import SetupError
from ticketmill.encoder.encoder import SLOW_FUSIONS, TOKEN_BUDGET, micro_batches, session_options
from ticketmill.encoder.token_batch import special_tokens
from ticketmill.encoder.tokenizer import read_pieces

MODEL_FILE = "finetuned.onnx"
TOKENIZER_FILE = "tokenizer.json"
FAMILY = "fine_tuned"
"""What cards and manifests call its scores."""


class FineTunedSpec(BaseModel):
    """How its scores join those of the overlay: each is multiplied by `weight` and added."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: float
    max_tokens: PositiveInt
    """It reads so many tokens of a text, including begin and end."""


class FineTunedEncoder:
    """Scores texts. Thread-safe; each call runs on one core."""

    def __init__(self, model: bytes, tokenizer: bytes, max_tokens: int) -> None:
        """Raises SetupError where the files are not those of a fine-tuned encoder."""
        self._max_tokens = max_tokens
        try:
            self._tokenizer = Tokenizer.from_buffer(tokenizer)
            self._session = ort.InferenceSession(
                model,
                session_options(),
                providers=["CPUExecutionProvider"],
                disabled_optimizers=SLOW_FUSIONS,
            )
        except Exception as error:  # the types are those of native libraries
            raise SetupError(
                f"the fine-tuned encoder of a learned model cannot be read ({type(error).__name__}): "
                "train the task again"
            ) from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._special = special_tokens(self._tokenizer)
        (output,) = self._session.get_outputs()
        self._output = output.name
        self.labels: int = output.shape[1]
        """How many labels it scores."""

    def scores(self, texts: Sequence[str]) -> Floats:
        """(texts, labels), in log odds."""
        pieces = [each.ids for each in read_pieces(self._tokenizer, texts, self._max_tokens - 2)]
        found = np.zeros((len(texts), self.labels), np.float32)
        for group in micro_batches([len(each) + 2 for each in pieces], TOKEN_BUDGET):
            ids, mask = self._special.batch([pieces[at] for at in group])
            feed = {"input_ids": ids, "attention_mask": mask}
            found[group] = self._session.run([self._output], feed)[0]
        return found


def text_with_source(text: str, source: str | None, sources: Sequence[str]) -> str:
    """What it reads of a ticket: the source above the text, where the source is one that is told apart."""
    return f"{source}\n{text}" if source in sources else text
