"""Every combination of a tokenizer, features and a classifier, on 300 documents."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from labelled_texts import encode, examples, heads
from needed import require_hub
from part_resources import tokenizer_json

require_hub()

import tiny
import torch
from transformers import BertConfig, BertModel

from ticketmill.domain.job import Parts
from ticketmill.encoder.build.sources import EncoderFiles
from ticketmill.learning.finetuned import FineTuner, FineTuning
from ticketmill.learning.judge import judge, measure
from ticketmill.learning.parts.catalogue import OURS
from ticketmill.learning.parts.model import fit_parts, load_parts
from ticketmill.learning.parts.ports import ROLES, Resources

TUNING = FineTuning(layers=1, max_tokens=32, epochs=1, learning_rate=3e-3, batch_size=64)
COMBINATIONS = list(product(*([part.name for part in OURS if part.role == role] for role in ROLES)))
DOCUMENTS = examples(100)
NEW = examples(20, seed=1)


@pytest.fixture(scope="module")
def resources(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    folder = tmp_path_factory.mktemp("encoder")
    torch.manual_seed(1)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
    tiny.save(folder, BertModel(BertConfig(initializer_range=0.3, **sizes, **tiny.SIZES)))
    files = EncoderFiles(
        folder / "model.safetensors", folder / "tokenizer.json", folder / "config.json", str(folder)
    )
    tuner = FineTuner(files, "cpu", 1, lambda _: None, TUNING)
    return Resources(encode, lambda _: tokenizer_json(), lambda _: tuner)


def test_there_are_sixty_four() -> None:
    assert len(COMBINATIONS) == 64


@pytest.mark.parametrize(("tokenizer", "features", "classifier"), COMBINATIONS)
def test_every_combination_learns_and_is_loaded_as_it_was(
    resources: Resources, tokenizer: str, features: str, classifier: str
) -> None:
    parts = Parts(tokenizer=tokenizer, features=features, classifier=classifier)
    model = fit_parts(DOCUMENTS, "area", "single", parts, resources, lambda _: None)
    loaded = load_parts(model.files)
    judged = judge(loaded, NEW, encode, heads())
    assert loaded.spec == model.spec
    assert np.allclose(judged.probabilities.sum(axis=1), 1, atol=1e-5)
    assert measure(judged, model.spec).accuracy.value > (0.4 if classifier == "transformer" else 0.8)
    assert bool(loaded.spec.tokenizer.not_used) == (features == "sbert" or classifier == "transformer")
    assert bool(loaded.spec.features.not_used) == (classifier == "transformer")
