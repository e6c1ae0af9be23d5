"""The named architectures, loaded from tiny checkpoints, beside what transformers says of them itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from needed import require_hub

require_hub()

import tiny
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from ticketmill.domain.errors import SetupError
from ticketmill.domain.model_choice import ModelChoice
from ticketmill.models.transformers import store
from ticketmill.models.transformers.classifier import Classifier, own_labels
from ticketmill.models.transformers.embedder import Embedder
from ticketmill.models.transformers.runtime import Precision, resident_mb, resolve_precision
from ticketmill.models.transformers.store import Located, locate
from ticketmill.models.transformers.summarizer import Summarizer, grounded
from ticketmill.models.transformers.zero_shot import ZeroShot, hypothesis, verdict_positions

TEXTS = [
    "my parcel is late and broken, please help",
    "thanks, great support",
    "cannot login since this morning: the new password was refused " * 3,
    "help",
    "",
]


def at(folder: Path, kind: str = "hf") -> Located:
    return locate(ModelChoice(kind, str(folder)), folder, "TICKETMILL_SENTIMENT")


def logits_of(folder: Path, *text: str) -> Any:
    """One text, or a pair, through transformers alone, without batches and padding."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    with torch.inference_mode():
        return model(**tokenizer(*text, return_tensors="pt")).logits[0]


@pytest.mark.parametrize("make", [tiny.distilbert, tiny.bert])
def test_a_classifier_says_of_a_batch_what_the_bare_model_says_of_each(
    make: Callable[..., Path], tmp_path: Path
) -> None:
    folder = make(tmp_path, "NEGATIVE", "POSITIVE")
    found = Classifier(at(folder), "fp32").probabilities(TEXTS)
    expected = torch.stack([logits_of(folder, text) for text in TEXTS]).softmax(-1).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.ptp(found[:, 0]) > 0.01, "texts that are told apart"


@pytest.mark.parametrize(("precision", "within"), [("bf16", 0.03), ("int8", 0.05)])
def test_the_smaller_precisions_stay_close(precision: Precision, within: float, tmp_path: Path) -> None:
    folder = tiny.distilbert(tmp_path, "NEGATIVE", "POSITIVE")
    exact = Classifier(at(folder), "fp32")
    small = Classifier(at(folder), precision)
    np.testing.assert_allclose(small.probabilities(TEXTS), exact.probabilities(TEXTS), atol=within)
    assert small.resident_mb < exact.resident_mb


def test_auto_is_a_precision_of_this_processor() -> None:
    assert resolve_precision("auto", heavy=False) in ("fp32", "bf16")
    assert resolve_precision("auto", heavy=True) in ("fp32", "bf16", "int8")
    assert resolve_precision("fp32", heavy=True) == "fp32"


def test_zero_shot_asks_whether_each_label_follows_from_the_text(tmp_path: Path) -> None:
    folder = tiny.deberta(tmp_path, "contradiction", "neutral", "entailment")
    questions = [(text, label) for text in TEXTS for label in ("refunds", "mobile_app")]
    found = ZeroShot(at(folder), "fp32").ask(questions)
    expected = torch.stack([logits_of(folder, text, hypothesis(label)) for text, label in questions])
    np.testing.assert_allclose(found, expected[:, [2, 0]].numpy(), atol=1e-4)
    assert hypothesis("mobile_app") == "This support ticket is about mobile app."


def test_a_long_text_is_cut_so_that_the_question_stays(tmp_path: Path) -> None:
    model = ZeroShot(at(tiny.deberta(tmp_path)), "fp32")
    long = "the parcel is late " * 500
    found = model.ask([(long, "refunds"), (long, "login")])
    assert not np.allclose(found[0], found[1])


@pytest.mark.parametrize(
    ("labels", "places"),
    [
        (("entailment", "neutral", "contradiction"), (0, 2)),
        (("entailment", "not_entailment"), (0, 1)),
        (("CONTRADICTION", "NEUTRAL", "ENTAILMENT"), (2, 0)),
    ],
)
def test_what_stands_for_entailment_is_read_off_the_labels(
    labels: tuple[str, ...], places: tuple[int, int], tmp_path: Path
) -> None:
    assert verdict_positions(at(tiny.deberta(tmp_path, *labels)), "TICKETMILL_TOPICS") == places


def test_a_summary_has_as_many_tokens_as_it_may_and_is_always_the_same(tmp_path: Path) -> None:
    located = at(tiny.bart(tmp_path))
    summarizer = Summarizer(located, "fp32", beams=1, lengths=(10, 50))
    texts = [text for text in TEXTS if text]
    first = summarizer.summarize(texts)
    assert first == summarizer.summarize(texts)
    alone = [summarizer.summarize([text])[0] for text in texts]
    assert first == alone, "what stands beside a text in a batch must not change its summary"


@pytest.mark.parametrize(("beams", "lengths"), [(1, (50, 50)), (1, (3, 5)), (2, (10, 50))])
def test_the_lengths_asked_for_count_and_not_those_that_the_model_brings_along(
    beams: int, lengths: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summarizer = Summarizer(at(tiny.bart(tmp_path)), "fp32", beams, lengths)
    generate, written = summarizer.model.generate, list[int]()

    def counting(**arguments: Any) -> Any:
        ids = generate(**arguments)
        written.append(ids.shape[1] - 1)  # without the token that begins it
        return ids

    monkeypatch.setattr(summarizer.model, "generate", counting)
    summarizer.summarize(TEXTS[:2])
    assert lengths[0] <= written[0] <= lengths[1]


def test_a_long_text_is_cut_at_the_end_of_a_sentence_and_marked(tmp_path: Path) -> None:
    summarizer = Summarizer(at(tiny.bart(tmp_path, max_tokens=64)), "fp32", beams=1, lengths=(10, 50))
    sentence = "The parcel is late and my order was broken. "
    text, truncated = summarizer._cut(sentence * 20)
    assert truncated
    assert text.endswith("broken.")
    assert 0 < text.count("parcel") < 20
    assert summarizer._cut(sentence) == (sentence, False)
    endless, truncated = summarizer._cut("parcel " * 400)
    assert truncated
    assert 100 < len(endless) < 7 * 64
    assert [each.truncated for each in summarizer.summarize([sentence * 20, sentence])] == [True, False]


def test_grounded_is_the_share_of_words_that_the_text_has() -> None:
    assert grounded("The parcel exploded", "the PARCEL is late") == pytest.approx(0.6667)
    assert grounded("", "text") == 0.0


@pytest.mark.parametrize("precision", ["fp32", "bf16", "int8"])
def test_an_embedding_has_the_models_dimensions_and_unit_length(precision: Precision, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    folder = tiny.sentence_transformer(tmp_path)
    found = Embedder(at(folder, "st"), precision).embed(TEXTS[:4])
    assert found.shape == (4, 32)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-3)
    expected = SentenceTransformer(str(folder), device="cpu").encode(TEXTS[:4], normalize_embeddings=True)
    assert float((found * expected).sum(axis=1).min()) > 0.98


def test_resident_megabytes_are_those_of_the_weights(tmp_path: Path) -> None:
    folder = tiny.distilbert(tmp_path, "NEGATIVE", "POSITIVE")
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    weights = [*model.parameters(), *model.buffers()]
    assert resident_mb(model) == pytest.approx(sum(each.nbytes for each in weights) / 1e6)


def test_only_safetensors_are_loaded(tmp_path: Path) -> None:
    folder = tiny.distilbert(tmp_path, "NEGATIVE", "POSITIVE")
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(SetupError, match=r"TICKETMILL_SENTIMENT: .*no weights as \.safetensors"):
        at(folder)


def test_code_that_comes_with_a_model_is_not_run(tmp_path: Path) -> None:
    folder = tiny.distilbert(tmp_path, "NEGATIVE", "POSITIVE")
    (folder / "evil.py").write_text("raise SystemExit('it ran')")
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModelForSequenceClassification": "evil.Evil", "AutoConfig": "evil.Config"}
    config["model_type"] = "never-heard-of"
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"trust_remote_code|never-heard-of"):
        Classifier(at(folder), "fp32")


def test_a_model_of_another_kind_is_told_by_the_variable(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"TICKETMILL_SENTIMENT: .* is no text classifier"):
        own_labels(at(tiny.bart(tmp_path / "bart")), "TICKETMILL_SENTIMENT")
    with pytest.raises(SetupError, match=r"TICKETMILL_TOPICS: .* is no model of entailment"):
        verdict_positions(at(tiny.deberta(tmp_path / "nli", "joy", "anger")), "TICKETMILL_TOPICS")


def test_a_folder_that_changes_is_another_revision(tmp_path: Path) -> None:
    folder = tiny.distilbert(tmp_path, "NEGATIVE", "POSITIVE")
    first = at(folder)
    assert at(folder).revision == first.revision
    (folder / "README.md").write_text("only words")
    assert at(folder).revision == first.revision
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(config.replace("POSITIVE", "GOOD"))
    assert at(folder).revision != first.revision
    assert first.name == f"hf:{folder}@{first.revision}"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the hub in which one model lies at one commit, as a download leaves it."""
    from huggingface_hub import constants

    cache = tmp_path / "hub"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    commit = "0123456789abcdef0123456789abcdef01234567"
    below = cache / "models--owner--tiny"
    tiny.distilbert(below / "snapshots" / commit, "NEGATIVE", "POSITIVE")
    (below / "refs").mkdir()
    (below / "refs" / "main").write_text(commit)
    return cache


def test_a_model_is_loaded_at_the_revision_that_was_pulled(hub: Path, tmp_path: Path) -> None:
    choice, lines = ModelChoice("hf", "owner/tiny"), list[str]()
    with pytest.raises(SetupError, match=r"was not pulled: run `ticketmill models pull hf:owner/tiny`"):
        locate(choice, tmp_path, "TICKETMILL_SENTIMENT")
    pulled = store.pull(choice, tmp_path, lines.append)
    (hub / "models--owner--tiny" / "refs" / "main").write_text("f" * 40)
    found = locate(choice, tmp_path, "TICKETMILL_SENTIMENT")
    assert found == pulled
    assert found.name == "hf:owner/tiny@0123456789ab"
    assert Classifier(found, "fp32").probabilities(["help"]).shape == (1, 2)
    assert "fetching hf:owner/tiny" in lines[0]
    assert locate(ModelChoice("nli", "owner/tiny"), tmp_path, "X").revision == found.revision


def test_a_pulled_model_that_is_gone_says_how_to_get_it_back(hub: Path, tmp_path: Path) -> None:
    import shutil

    choice = ModelChoice("hf", "owner/tiny")
    snapshot = store.pull(choice, tmp_path, lambda _line: None).directory
    (snapshot / "model.safetensors").unlink()
    with pytest.raises(SetupError, match=r"no weights as .safetensors"):
        locate(choice, tmp_path, "TICKETMILL_SENTIMENT")
    shutil.rmtree(hub)
    with pytest.raises(SetupError, match=r"not in the cache any more: run `ticketmill models pull"):
        locate(choice, tmp_path, "TICKETMILL_SENTIMENT")


def test_what_the_hub_does_not_have_is_one_line(hub: Path, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"the Hugging Face Hub did not give hf:owner/other: "):
        store.pull(ModelChoice("hf", "owner/other"), tmp_path, lambda _line: None)
