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
from ticketmill.ml.heads import (
    ARRAYS_FILE,
    MANIFEST_FILE,
    Head,
    Heads,
    HeadsManifest,
    HeadSpec,
    load_heads,
    shipped_heads,
)

IDENTITY = np.eye(2, dtype=np.float32)
NO_BIAS = np.zeros(2, np.float32)

MANIFEST: dict[str, Any] = {
    "format": 1,
    "layers": [2, 0],
    "tasks": {"mood": {"kind": "softmax", "labels": ["bad", "good"], "temperature": 1.0}},
    "trained_on": "nothing",
}


def spec(kind: str = "softmax", temperature: float = 1.0) -> HeadSpec:
    return HeadSpec(kind=kind, labels=("bad", "good"), temperature=temperature)


def numbers(*values: float) -> np.ndarray[Any, Any]:
    return np.array([values], np.float32)


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def arrays(features: int = 4, labels: int = 2, biases: int = 2) -> bytes:
    weights = np.ones((features, labels), np.float32)
    return npz(**{"mood.weights": weights, "mood.bias": np.zeros(biases, np.float32)})


def files(content: bytes | None = None, **changes: Any) -> dict[str, bytes]:
    manifest = json.dumps({**MANIFEST, **changes}).encode()
    return {MANIFEST_FILE: manifest, ARRAYS_FILE: arrays() if content is None else content}


class Trap:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize(
    ("logits", "temperature", "good"),
    [
        ((1.0, 2.0), 1.0, 0.7310586),
        ((1.0, 2.0), 2.0, 0.6224593),
        ((1.0, 2.0), 0.5, 0.8807971),
        ((0.0, math.log(3)), 1.0, 0.75),
        ((5.0, 5.0), 1.0, 0.5),
        ((-1000.0, 1000.0), 1.0, 1.0),
    ],
)
def test_softmax_shares_one_among_the_labels(
    logits: tuple[float, float], temperature: float, good: float
) -> None:
    found = Head(spec("softmax", temperature), IDENTITY, NO_BIAS).probabilities(numbers(*logits))
    assert found.dtype == np.float32
    assert found[0] == pytest.approx([1 - good, good], abs=1e-6)


@pytest.mark.parametrize(
    ("logits", "temperature", "expected"),
    [
        ((0.0, math.log(3)), 1.0, (0.5, 0.75)),
        ((math.log(4), -math.log(4)), 1.0, (0.8, 0.2)),
        ((2 * math.log(4), -math.log(3)), 2.0, (0.8, 0.3660254)),
        ((30.0, -30.0), 1.0, (1.0, 0.0)),
        ((1000.0, -1000.0), 1.0, (1.0, 0.0)),
    ],
)
def test_sigmoid_judges_every_label_alone(
    logits: tuple[float, float], temperature: float, expected: tuple[float, float]
) -> None:
    found = Head(spec("sigmoid", temperature), IDENTITY, NO_BIAS).probabilities(numbers(*logits))
    assert found.dtype == np.float32
    assert found[0] == pytest.approx(expected, abs=1e-6)


def test_the_bias_is_added_and_tempered_like_the_rest() -> None:
    bias = np.array([0.0, 2.0], np.float32)
    assert Head(spec(temperature=2.0), IDENTITY, bias).probabilities(numbers(0.0, 0.0))[0] == pytest.approx(
        [0.2689414, 0.7310586]
    )


def test_every_row_is_judged_by_itself() -> None:
    head = Head(spec(), IDENTITY, NO_BIAS)
    together = head.probabilities(np.array([[1.0, 2.0], [2.0, 1.0]], np.float32))
    assert together[0] == pytest.approx(head.probabilities(numbers(1.0, 2.0))[0])
    assert together[1] == pytest.approx(together[0][::-1])


def test_features_are_the_chosen_layers_in_the_order_of_the_manifest() -> None:
    heads = load_heads(files())
    layers = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    assert heads.features(layers).tolist() == [[4, 5, 0, 1], [10, 11, 6, 7]]


def test_a_head_is_loaded_with_its_weights() -> None:
    weights = np.array([[0, 1], [0, 0], [0, 0], [0, 0]], np.float32)
    stored = npz(**{"mood.weights": weights, "mood.bias": NO_BIAS})
    heads = load_heads(files(stored))
    layers = np.array([[[9, 9], [9, 9], [math.log(3), 9]]], np.float32)
    assert heads.tasks["mood"].probabilities(heads.features(layers))[0] == pytest.approx([0.25, 0.75])


@pytest.mark.parametrize(
    "content",
    [
        arrays(labels=3),
        arrays(biases=3),
        arrays(labels=3, biases=3),
        npz(**{"mood.weights": np.zeros(2, np.float32), "mood.bias": NO_BIAS}),
        npz(**{"mood.weights": IDENTITY, "mood.bias": np.float32(1)}),
    ],
    ids=["too many weights", "too many biases", "too many labels", "flat weights", "one bias for all"],
)
def test_arrays_that_do_not_fit_their_manifest_are_a_fault_of_setup(content: bytes) -> None:
    with pytest.raises(SetupError, match="ticketmill models build"):
        load_heads(files(content))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not arrays",
        arrays()[:200],
        arrays()[:-10],
        arrays().replace(np.float32(1).tobytes(), np.float32(2).tobytes()),
        npz(**{"mood.weights": np.ones((4, 2), np.float32)}),
        npz(**{"other.weights": IDENTITY, "other.bias": NO_BIAS}),
        arrays()[arrays().index(b"\x93NUMPY") :],
    ],
    ids=["empty", "foreign", "cut off", "end cut off", "changed", "no bias", "other task", "one bare array"],
)
def test_arrays_that_cannot_be_read_are_a_fault_of_setup(content: bytes) -> None:
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
    weights = np.array([[Trap(sprung)] * 2] * 4, dtype=object)
    with pytest.raises(SetupError):
        load_heads(files(npz(**{"mood.weights": weights, "mood.bias": NO_BIAS})))
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
    features = shipped.features(np.zeros((2, 7, 384), np.float32))
    for head in shipped.tasks.values():
        found = head.probabilities(features)
        assert found.shape == (2, len(head.spec.labels))
        assert ((found >= 0) & (found <= 1)).all()
        if head.spec.kind == "softmax":
            assert found.sum(axis=1) == pytest.approx([1, 1], abs=1e-5)


def test_the_shipped_manifest_says_what_the_heads_were_trained_on() -> None:
    manifest = HeadsManifest.model_validate_json(shipped_heads()[MANIFEST_FILE])
    assert "tickets" in manifest.trained_on
