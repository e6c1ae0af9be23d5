from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ticketmill.domain.errors import SetupError
from ticketmill.domain.labels import Intent, Sentiment, Urgency
from ticketmill.models.heads import (
    ARRAYS_FILE,
    MANIFEST_FILE,
    Heads,
    HeadsManifest,
    load_heads,
    shipped_heads,
)
from ticketmill.models.surface import NAMES
from ticketmill.models.tokens import buckets_of, read_tokens

COLUMNS = len(NAMES)

MANIFEST: dict[str, Any] = {
    "format": 3,
    "layers": [2, 0],
    "tasks": {
        "mood": {"kind": "softmax", "labels": ["bad", "good"], "temperature": 1.0},
        "size": {"kind": "sigmoid", "labels": ["big"], "temperature": 2.0},
    },
    "trained_on": "nothing",
}


def arrays(**changes: Any) -> dict[str, Any]:
    """Of a map from 4 dense numbers to 3 outputs, with two words and no run of characters that counts."""
    buckets = np.sort(buckets_of(read_tokens(["awful lovely"]).hashes)).astype(np.uint16)
    return {
        "dense.weights": np.zeros((4, 3), np.float16),
        "quadratic.projection": np.zeros((4, 2), np.float32),
        "quadratic.offset": np.zeros(2, np.float32),
        "quadratic.weights": np.zeros((3, 3), np.float16),
        "words.buckets": buckets,
        "words.idf": np.ones(2, np.float32),
        "words.weights": np.zeros((2, 3), np.int8),
        "words.scales": np.ones(2, np.float32),
        "chars.buckets": np.zeros(0, np.uint16),
        "chars.idf": np.zeros(0, np.float32),
        "chars.weights": np.zeros((0, 3), np.int8),
        "chars.scales": np.zeros(0, np.float32),
        "surface.mean": np.zeros(COLUMNS, np.float32),
        "surface.spread": np.ones(COLUMNS, np.float32),
        "surface.weights": np.zeros((COLUMNS, 3), np.float32),
        "bias": np.zeros(3, np.float32),
        **changes,
    }


def npz(content: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    np.savez(file, **content)
    return file.getvalue()


def files(content: bytes | None = None, **changes: Any) -> dict[str, bytes]:
    manifest = json.dumps({**MANIFEST, **changes}).encode()
    return {MANIFEST_FILE: manifest, ARRAYS_FILE: npz(arrays()) if content is None else content}


def heads_of(**changes: Any) -> Heads:
    return load_heads(files(npz(arrays(**changes))))


def no_layers(texts: int) -> np.ndarray[Any, Any]:
    return np.zeros((texts, 3, 2), np.float32)


class Trap:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize(
    ("bias", "good"),
    [((1.0, 2.0), 0.7310586), ((0.0, math.log(3)), 0.75), ((5.0, 5.0), 0.5), ((-1000.0, 1000.0), 1.0)],
)
def test_softmax_shares_one_among_the_labels_of_its_task(bias: tuple[float, float], good: float) -> None:
    heads = heads_of(bias=np.array([*bias, 7], np.float32))
    found = heads.tasks["mood"].probabilities(heads.read(["x"], no_layers(1)))
    assert found.dtype == np.float32
    assert found[0] == pytest.approx([1 - good, good], abs=1e-6)


@pytest.mark.parametrize(("bias", "big"), [(0.0, 0.5), (2 * math.log(4), 0.8), (9e4, 1.0), (-9e4, 0.0)])
def test_sigmoid_judges_every_label_alone_after_the_temperature(bias: float, big: float) -> None:
    heads = heads_of(bias=np.array([5, 5, bias], np.float32))
    found = heads.tasks["size"].probabilities(heads.read(["x"], no_layers(1)))
    assert found[0] == pytest.approx([big], abs=1e-6)


def test_a_branchs_scores_join_those_of_its_task_and_have_a_calibration_of_their_own() -> None:
    joined = {"weight": 0.5, "temperature": 2.0}
    mood = {"kind": "softmax", "labels": ["bad", "good"], "temperature": 9.0, "branch": joined}
    tasks = {**MANIFEST["tasks"], "mood": mood}
    heads = load_heads(files(npz(arrays(bias=np.array([1, 0, 3], np.float32))), tasks=tasks))
    branch = np.array([[0, 4]], np.float32)
    found = heads.read(["x"], no_layers(1), branch)
    # (1, 0) + 0.5 * (0, 4) = (1, 2), divided by 2
    assert heads.tasks["mood"].probabilities(found)[0, 1] == pytest.approx(1 / (1 + math.exp(-0.5)))
    assert heads.tasks["size"].probabilities(found)[0, 0] == pytest.approx(1 / (1 + math.exp(-1.5)))


def test_on_an_encoder_without_a_branch_a_head_keeps_its_own_calibration() -> None:
    mood = {"kind": "softmax", "labels": ["bad", "good"], "temperature": 1.0}
    joined = {**mood, "branch": {"weight": 0.5, "temperature": 2.0}}
    found = []
    for spec in (mood, joined):
        bias = np.array([1, 0, 3], np.float32)
        heads = load_heads(files(npz(arrays(bias=bias)), tasks={**MANIFEST["tasks"], "mood": spec}))
        found.append(heads.tasks["mood"].probabilities(heads.read(["x"], no_layers(1))))
    np.testing.assert_array_equal(*found)


def test_dense_features_are_the_chosen_layers_in_the_order_of_the_manifest() -> None:
    weights = np.zeros((4, 3), np.float16)
    weights[:, 0] = 1, 10, 100, 1000
    layers = np.arange(1, 7, dtype=np.float32).reshape(1, 3, 2)
    (features,) = heads_of(**{"dense.weights": weights}).read(["x"], layers)
    assert features.scores[0] == pytest.approx(5 + 60 + 100 + 2000)


def test_products_of_directions_reach_the_scores() -> None:
    projection = np.array([[1, 0], [0, 1], [0, 0], [0, 0]], np.float32)
    quadratic = np.array([[0, 0, 0], [1, 0, 0], [0, 0, 0]], np.float16)
    heads = heads_of(**{"quadratic.projection": projection, "quadratic.weights": quadratic})
    (features,) = heads.read(["x"], np.array([[[9, 9], [9, 9], [2, 3]]], np.float32))
    assert features.scores[0] == pytest.approx(math.sqrt(2) * 2 * 3, rel=1e-5)


def worded() -> Heads:
    """Both words speak for `good`, by 2."""
    weights = np.zeros((2, 3), np.int8)
    weights[:, 1] = 4
    return heads_of(**{"words.weights": weights, "words.scales": np.full(2, 0.5, np.float32)})


def test_the_words_of_a_text_are_scaled_to_length_one_together() -> None:
    heads = worded()
    one, both, none, empty = heads.read(["a lovely day", "Awful. LOVELY!", "nothing here", ""], no_layers(4))
    assert one.scores[1] == pytest.approx(2)
    assert both.scores[1] == pytest.approx(2 * math.sqrt(2), rel=1e-3)
    assert none.scores[1] == empty.scores[1] == 0


def test_evidence_is_what_spoke_for_the_label_and_stands_in_the_text() -> None:
    heads = worded()
    text = "Such a LOVELY, lovely day"
    (features,) = heads.read([text], no_layers(1))
    phrases = heads.tasks["mood"].evidence(features, "good")
    # the pair's bucket has no weight of its own, so that the word stands alone, once
    assert [phrase.text for phrase in phrases] == ["LOVELY"]
    assert phrases[0].weight == pytest.approx(2, rel=1e-3)
    assert heads.tasks["mood"].evidence(features, "bad") == []


def test_a_cue_is_evidence_too() -> None:
    weights = np.zeros((COLUMNS, 3), np.float32)
    weights[NAMES.index("deadline.any"), 1] = 1
    heads = heads_of(**{"surface.weights": weights})
    other, features = heads.read(["by noon", "It must be done By 5."], no_layers(2))
    assert [phrase.text for phrase in heads.tasks["mood"].evidence(features, "good")] == ["By 5"]
    assert [phrase.text for phrase in heads.tasks["mood"].evidence(other, "good")] == ["by noon"]


def without(name: str) -> dict[str, Any]:
    return {other: array for other, array in arrays().items() if other != name}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not arrays",
        npz(arrays())[:200],
        npz(arrays())[:-10],
        npz(without("bias")),
        npz(without("words.idf")),
        npz({"mood.weights": np.ones((4, 2), np.float32), "mood.bias": np.zeros(2, np.float32)}),
        npz(arrays(bias=np.zeros(4, np.float32))),
        npz(arrays(**{"dense.weights": np.zeros((5, 3), np.float16)})),
        npz(arrays(**{"words.weights": np.zeros((3, 3), np.float16)})),
        npz(arrays(**{"words.buckets": np.array([1.5, 2.5])})),
        npz(arrays(**{"surface.weights": np.zeros((COLUMNS + 1, 3), np.float32)})),
        npz(arrays())[npz(arrays()).index(b"\x93NUMPY") :],
    ],
    ids=[
        "empty",
        "foreign",
        "cut off",
        "end cut off",
        "no bias",
        "no rarities",
        "of format 1",
        "too many biases",
        "too many numbers",
        "too many words",
        "buckets that are none",
        "other word lists",
        "one bare array",
    ],
)
def test_arrays_that_are_foreign_or_do_not_fit_are_a_fault_of_setup(content: bytes) -> None:
    with pytest.raises(SetupError, match="ticketmill models build"):
        load_heads(files(content))


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"not JSON",
        b"[]",
        b"{}",
        b"\xff",
        files(format=1)[MANIFEST_FILE],
        files(format=2)[MANIFEST_FILE],
        files(layers="all")[MANIFEST_FILE],
        files(unknown=1)[MANIFEST_FILE],
        files(tasks={"mood": {"kind": "tree", "labels": ["a", "b"], "temperature": 1.0}})[MANIFEST_FILE],
    ],
)
def test_a_manifest_of_another_kind_is_a_fault_of_setup(manifest: bytes) -> None:
    with pytest.raises(SetupError, match="ticketmill models build"):
        load_heads({**files(), MANIFEST_FILE: manifest})


@pytest.mark.parametrize("missing", [MANIFEST_FILE, ARRAYS_FILE])
def test_a_bundle_without_heads_is_a_fault_of_setup(missing: str) -> None:
    with pytest.raises(SetupError, match="ticketmill models build"):
        load_heads({name: content for name, content in files().items() if name != missing})


def test_a_pickled_array_is_refused_and_never_run(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    weights = np.array([[Trap(sprung)] * 3] * 4, dtype=object)
    with pytest.raises(SetupError):
        load_heads(files(npz(arrays(**{"dense.weights": weights}))))
    assert not sprung.exists()


@pytest.fixture(scope="module")
def shipped() -> Heads:
    return load_heads(shipped_heads())


@pytest.mark.parametrize(
    ("task", "words"), [("intent", Intent), ("urgency", Urgency), ("sentiment", Sentiment)]
)
def test_the_shipped_heads_speak_the_words_of_the_domain(shipped: Heads, task: str, words: Any) -> None:
    head = shipped.tasks[task].spec
    assert head.kind == "softmax"
    assert head.labels == tuple(words)
    assert 0 < head.review_below < 1


def test_the_shipped_heads_know_24_topics_that_may_go_together(shipped: Heads) -> None:
    head = shipped.tasks["topics"].spec
    assert head.kind == "sigmoid"
    assert len(set(head.labels)) == len(head.labels) == 24


def test_there_is_a_shipped_head_for_every_task_and_no_other(shipped: Heads) -> None:
    assert set(shipped.tasks) == {"intent", "urgency", "sentiment", "topics"}


def test_the_shipped_heads_read_the_layers_of_the_shipped_encoder(shipped: Heads) -> None:
    # 7 pooled layers of 384 numbers, as the encoder gives them
    features = shipped.read(["", "Cannot sign in"], np.zeros((2, 7, 384), np.float32))
    for head in shipped.tasks.values():
        found = head.probabilities(features)
        assert found.shape == (2, len(head.spec.labels))
        assert ((found >= 0) & (found <= 1)).all()
        if head.spec.kind == "softmax":
            assert found.sum(axis=1) == pytest.approx([1, 1], abs=1e-5)


def test_the_shipped_heads_give_a_text_the_same_scores_in_any_company(shipped: Heads) -> None:
    texts = ["Cannot sign in!", "  \n", "The whole shop is down since 9:30, we lose money", "ok " * 3000, "y"]
    layers = np.random.default_rng(0).normal(size=(5, 7, 384)).astype(np.float32)
    together = shipped.read(texts, layers)
    for place, text in enumerate(texts):
        (alone,) = shipped.read([text], layers[place : place + 1])
        assert alone.scores == pytest.approx(together[place].scores, abs=1e-4)
        for task, head in shipped.tasks.items():
            label = head.spec.labels[0]
            assert head.evidence(alone, label) == head.evidence(together[place], label), task


def test_all_evidence_of_the_shipped_heads_stands_in_the_text(shipped: Heads) -> None:
    texts = [
        "URGENT: nobody can log in — it\u2019s 12:30 &amp; we close at 18000 😡",
        "Thanks, @bob!",
        "a b c",
    ]
    for text, features in zip(texts, shipped.read(texts, np.zeros((3, 7, 384), np.float32)), strict=True):
        for task in ("intent", "urgency"):
            head = shipped.tasks[task]
            for label in head.spec.labels:
                phrases = head.evidence(features, label)
                assert len(phrases) <= 3
                assert all(phrase.text in text and phrase.weight > 0 for phrase in phrases)


def test_the_shipped_heads_take_under_5_mb() -> None:
    assert sum(map(len, shipped_heads().values())) < 5_000_000


def test_the_shipped_manifest_says_what_the_heads_were_trained_on() -> None:
    manifest = HeadsManifest.model_validate_json(shipped_heads()[MANIFEST_FILE])
    assert "tickets" in manifest.trained_on
