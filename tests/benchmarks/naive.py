"""The naive design: one ticket at a time through three models of torch, in a process of its own.

    python tests/benchmarks/naive.py [--model NAME_OR_FOLDER] [--beams N]

sentence-transformers gives the embedding, a classifier of DistilBERT's shape a label, and a summarizer of the
shape of distilbart-cnn-6-6 its 50 tokens. Classifier and summarizer have random weights, which take as long
as trained ones; both read the encoder's own tokens. It reads lines of JSON, lists of texts, and answers each
with the seconds it took; a process of its own, so that torch's threads disturb nobody while it waits.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import IO, Any, cast

NOT_INSTALLED = 3
SUMMARY_TOKENS = 50
MAX_TOKENS = 512
DISTILBERT = {"num_labels": 10}  # transformers' defaults are DistilBERT's own
DISTILBART_6_6 = {
    "vocab_size": 50264,
    "d_model": 1024,
    "encoder_layers": 6,
    "decoder_layers": 6,
    "encoder_attention_heads": 16,
    "decoder_attention_heads": 16,
    "encoder_ffn_dim": 4096,
    "decoder_ffn_dim": 4096,
    "max_position_embeddings": 1024,
}


class NaiveDesign:
    """The client's side of the process; `ready` is False where its Python lacks a package."""

    def __init__(self, python: str, model: str, beams: int) -> None:
        self._process = subprocess.Popen(
            [python, __file__, "--model", model, "--beams", str(beams)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.ready = self._answer() is not None
        if not self.ready and self._process.wait() != NOT_INSTALLED:
            raise SystemExit("the naive design did not start: see above")

    def seconds(self, texts: Sequence[str]) -> float:
        """How long `texts` take, one after the other."""
        requests = cast("IO[str]", self._process.stdin)
        print(json.dumps(list(texts)), file=requests, flush=True)
        answer = self._answer()
        if answer is None:
            raise SystemExit("the naive design ended: see above")
        return float(answer["seconds"])

    def close(self) -> None:
        self._process.communicate()

    def _answer(self) -> dict[str, Any] | None:
        line = cast("IO[str]", self._process.stdout).readline()
        return cast("dict[str, Any]", json.loads(line)) if line else None


def load(model: str, beams: int) -> Callable[[str], object]:
    """What does to one text all that the naive design does."""
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers import (
        BartConfig,
        BartForConditionalGeneration,
        DistilBertConfig,
        DistilBertForSequenceClassification,
    )

    torch.manual_seed(1)
    embedder: Any = SentenceTransformer(model, device="cpu")
    classifier: Any = DistilBertForSequenceClassification(DistilBertConfig(**DISTILBERT)).eval()
    summarizer: Any = BartForConditionalGeneration(BartConfig(**DISTILBART_6_6)).eval()
    tokenizer = embedder.tokenizer

    def work(text: str) -> object:
        embedding = embedder.encode(text, show_progress_bar=False)
        tokens = tokenizer(text, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
        ids, mask = tokens["input_ids"], tokens["attention_mask"]
        with torch.inference_mode():
            label = classifier(input_ids=ids, attention_mask=mask).logits.argmax()
            summary = summarizer.generate(
                input_ids=ids,
                attention_mask=mask,
                # random weights end a text when they like
                min_new_tokens=SUMMARY_TOKENS,
                max_new_tokens=SUMMARY_TOKENS,
                num_beams=beams,
            )
        # the summarizer's vocabulary is larger than that of the tokenizer that stands in for its own
        return embedding, int(label), tokenizer.decode((summary[0] % tokenizer.vocab_size).tolist())

    return work


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="sentence-transformers/all-MiniLM-L6-v2")
    parser.add_argument("--beams", type=int, default=1)
    arguments = parser.parse_args()
    try:
        work = load(arguments.model, arguments.beams)
    except ModuleNotFoundError as missing:
        print(f"the naive design is skipped: {missing}", file=sys.stderr)
        raise SystemExit(NOT_INSTALLED) from None
    work("the first run of a model takes longer")
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        texts = json.loads(line)
        started = time.perf_counter()
        for text in texts:
            work(text)
        print(json.dumps({"seconds": time.perf_counter() - started}), flush=True)


if __name__ == "__main__":
    main()
