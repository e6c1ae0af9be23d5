"""A summary in words of its own: DistilBART, any `AutoModelForSeq2SeqLM`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from ticketmill.domain.errors import SetupError
from ticketmill.models.transformers.classifier import most_tokens
from ticketmill.models.transformers.runtime import (
    Precision,
    by_length,
    load_model,
    load_tokenizer,
    resident_mb,
)
from ticketmill.models.transformers.store import Located
from ticketmill.text.sentences import sentences

MIN_NEW_TOKENS = 10
MAX_NEW_TOKENS = 50
MAX_TOKENS = 1024
# every step of the decoder reads all of its weights, whatever the number of tickets: the more, the better
TOKEN_BUDGET = 4096
# no token has more characters, bar made-up ones
MOST_CHARACTERS_A_TOKEN = 16

_WORD = re.compile(r"\w+")


class Generated(NamedTuple):
    """`grounded` is the share of its words that the text has too; `truncated` whether the text was cut."""

    text: str
    grounded: float
    truncated: bool


def require_summarizer(located: Located, variable: str) -> None:
    """SetupError where the model is not one that turns texts into texts."""
    config = located.config
    writes = any("ForConditionalGeneration" in name for name in config.get("architectures") or [])
    if not (writes and config.get("is_encoder_decoder", True)):
        raise SetupError(f"{variable}: {located.name} writes no summaries: {config.get('architectures')}")


class Summarizer:
    """Writes 10 to 50 tokens about a text, always the same ones. Not for several threads at once."""

    def __init__(self, located: Located, precision: Precision, beams: int, lengths: tuple[int, int]) -> None:
        """`lengths`: new tokens at the least and at the most."""
        from transformers import AutoModelForSeq2SeqLM

        self._tokenizer: Any = load_tokenizer(located)
        self.model: Any = load_model(AutoModelForSeq2SeqLM, located, precision)
        self._most = most_tokens(self.model.config, self._tokenizer, MAX_TOKENS)
        # in the place of the lengths and beams that the model brings along
        self.model.generation_config.update(
            num_beams=beams,
            do_sample=False,
            min_new_tokens=lengths[0],
            max_new_tokens=lengths[1],
            min_length=None,
            max_length=None,
            early_stopping=beams > 1,
        )
        self._beams = beams
        self.resident_mb = resident_mb(self.model)

    def summarize(self, texts: Sequence[str]) -> list[Generated]:
        """One summary a text. ValueError where the model writes nothing."""
        cut = [self._cut(text) for text in texts]
        read = self._tokenizer([text for text, _ in cut], truncation=True, max_length=self._most)["input_ids"]
        written = by_length(read, [len(ids) for ids in read], self._run, TOKEN_BUDGET // self._beams)
        return [
            Generated(summary, grounded(summary, text), truncated)
            for summary, (text, truncated) in zip(written, cut, strict=True)
        ]

    def _run(self, batch: list[list[int]]) -> list[str]:
        padded = self._tokenizer.pad({"input_ids": batch}, return_tensors="pt")
        with torch.inference_mode():
            ids = self.model.generate(
                input_ids=padded["input_ids"],
                attention_mask=padded["attention_mask"],
            )
        texts = [
            " ".join(text.split()) for text in self._tokenizer.batch_decode(ids, skip_special_tokens=True)
        ]
        if not all(texts):
            raise ValueError("the summarizer wrote nothing")
        return texts

    def _cut(self, text: str) -> tuple[str, bool]:
        """As much of `text` as the model can read, up to the end of a sentence, and whether that is less."""
        beginning = text[: self._most * MOST_CHARACTERS_A_TOKEN]
        offsets = self._tokenizer(beginning, return_offsets_mapping=True, verbose=False)["offset_mapping"]
        if len(offsets) <= self._most and len(beginning) == len(text):
            return text, False
        end = max((last for _, last in offsets[: self._most - 2]), default=0)
        ends = [sentence.end for sentence in sentences(beginning) if sentence.end <= end]
        return beginning[: max(ends, default=end)], True


def grounded(summary: str, text: str) -> float:
    """The share of the words of `summary` that are words of `text`, case aside."""
    words = _WORD.findall(summary.lower())
    known = set(_WORD.findall(text.lower()))
    return round(sum(word in known for word in words) / len(words), 4) if words else 0.0
