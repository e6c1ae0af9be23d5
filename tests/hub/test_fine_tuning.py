"""Fine-tuning a tiny encoder on one task, and the second encoder that it becomes."""

from __future__ import annotations

import numpy as np
import pytest
from needed import require_hub

require_hub()

import tiny
import torch
from transformers import BertConfig, BertModel

from ticketmill.encoder.build.sources import EncoderFiles
from ticketmill.learning.finetuned import FineTuner, FineTuning
from ticketmill.models.finetuned import MODEL_FILE, TOKENIZER_FILE, FineTunedEncoder
from ticketmill.models.heads import Kind

TUNING = FineTuning(layers=2, max_tokens=32, epochs=12, learning_rate=3e-3, batch_size=4)
KINDS = [
    "refund the invoice please",
    "cannot login terrible password",
    "thanks great support arrives",
]
FILLERS = ["the", "my", "you", "we", "was", "it", "a", "and", "to", "not"]
TEXTS = [f"{text} {filler}" for filler in FILLERS for text in KINDS]
TRUTH = np.tile(np.eye(3, dtype=np.float32), (len(FILLERS), 1))
SPLITS = [
    (np.flatnonzero(np.arange(len(TEXTS)) % 2 != half), np.flatnonzero(np.arange(len(TEXTS)) % 2 == half))
    for half in (0, 1)
]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> EncoderFiles:
    folder = tmp_path_factory.mktemp("encoder")
    torch.manual_seed(1)
    sizes = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 24}
    tiny.save(folder, BertModel(BertConfig(initializer_range=0.3, **sizes, **tiny.SIZES)))
    return EncoderFiles(
        folder / "model.safetensors", folder / "tokenizer.json", folder / "config.json", str(folder)
    )


def tuner(encoder: EncoderFiles, lines: list[str]) -> FineTuner:
    return FineTuner(encoder, "cpu", 1, lines.append, TUNING)


@pytest.mark.parametrize("kind", ["softmax", "sigmoid"])
def test_the_second_encoder_tells_the_labels_apart(encoder: EncoderFiles, kind: Kind) -> None:
    lines: list[str] = []
    found = tuner(encoder, lines)(TEXTS, TRUTH, kind, SPLITS)
    assert (found.scores.argmax(axis=1) == TRUTH.argmax(axis=1)).mean() > 0.9
    served = FineTunedEncoder(found.files[MODEL_FILE], found.files[TOKENIZER_FILE], found.max_tokens)
    scores = served.scores(["invoice refund my please", "password login cannot"])
    assert scores.argmax(axis=1).tolist() == [0, 1]
    if kind == "sigmoid":
        assert ((served.scores(TEXTS) > 0) == (TRUTH > 0)).mean() > 0.9
    (estimate,) = [line for line in lines if line.startswith("fine-tuning 2 layers on cpu: ")]
    assert "minutes" in estimate


def test_the_same_texts_give_the_same_bytes(encoder: EncoderFiles) -> None:
    one, other = (tuner(encoder, [])(TEXTS, TRUTH, "softmax", SPLITS[:1]) for _ in range(2))
    assert one.files == other.files
    np.testing.assert_array_equal(one.scores, other.scores)


def test_the_labels_of_unseen_texts_do_not_change_their_scores(encoder: EncoderFiles) -> None:
    (seen, unseen) = SPLITS[0]
    others = TRUTH.copy()
    others[unseen] = np.roll(others[unseen], 1, axis=1)
    one, other = (tuner(encoder, [])(TEXTS, truth, "softmax", [(seen, unseen)]) for truth in (TRUTH, others))
    np.testing.assert_array_equal(one.scores, other.scores)
    assert not one.scores[seen].any()


def test_of_an_encoder_with_fewer_layers_all_are_trained(encoder: EncoderFiles) -> None:
    deeper = FineTuner(encoder, "cpu", 1, lambda _: None, FineTuning(layers=9, max_tokens=32, epochs=1))
    found = deeper(TEXTS, TRUTH, "softmax", [])
    assert FineTunedEncoder(found.files[MODEL_FILE], found.files[TOKENIZER_FILE], 32).labels == 3
