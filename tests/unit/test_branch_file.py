"""A branch in its file, and in the graph of the encoder."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from ticketmill.domain.errors import SetupError
from ticketmill.encoder.build.branch import Branch, branch_file, read_branch
from ticketmill.encoder.build.graph import build_classifier_graph, build_encoder_graph
from ticketmill.encoder.build.quantize import quantize, weighted_products
from unit.test_graph import CONFIG, random_weights, reference

FIRST, LABELS = 1, 4
HEAD = np.random.default_rng(3).normal(0, 0.3, (LABELS, 2 * CONFIG.hidden_size)).astype(np.float32)
BIAS = np.array([0.5, -0.5, 0, 1], np.float32)


def tuned() -> dict[str, NDArray[np.float32]]:
    """The layers from `FIRST` on, each weight a little different."""
    rng = np.random.default_rng(5)
    return {
        name: (weight + rng.normal(0, 0.05, weight.shape)).astype(np.float32)
        for name, weight in random_weights().items()
        if name.startswith("encoder.layer.") and int(name.split(".")[2]) >= FIRST
    }


@pytest.fixture(scope="module")
def content() -> bytes:
    return branch_file(FIRST, tuned(), random_weights(), HEAD, BIAS)


@pytest.fixture(scope="module")
def branch(content: bytes) -> Branch:
    return read_branch(content, random_weights())


def test_a_branch_is_read_back_nearly_as_it_was_trained(branch: Branch) -> None:
    assert (branch.first, branch.layers) == (FIRST, CONFIG.num_hidden_layers - FIRST)
    for name, weight in tuned().items():
        _, _, layer, rest = name.split(".", 3)
        read = branch.weights[f"branch.layer.{int(layer) - FIRST}.{rest}"]
        assert np.abs(read - weight).max() < 0.002, name


def test_the_graph_gives_the_branchs_scores_and_leaves_the_encoder_as_it_was(branch: Branch) -> None:
    weights, texts = random_weights(), [[3, 4, 5, 6, 7], [8, 9]]
    ids = np.array([[*text, *[0] * (5 - len(text))] for text in texts], np.int64)
    feed = {"input_ids": ids, "attention_mask": (ids > 0).astype(np.int64)}
    plain = _run(build_encoder_graph(weights, CONFIG).SerializeToString(), feed)
    found = _run(build_encoder_graph(weights, CONFIG, branch).SerializeToString(), feed)
    for name, value in plain.items():
        np.testing.assert_array_equal(found[name], value)
    # the reference runs all layers: with the branch's in the place of the encoder's own
    own = {
        name.replace("branch.layer.0", "encoder.layer.1").replace("branch.layer.1", "encoder.layer.2"): each
        for name, each in branch.weights.items()
    }
    for row, text in enumerate(texts):
        _, states = reference({**weights, **own}, text)
        pooled = np.concatenate([states.mean(axis=0), states.max(axis=0)])
        np.testing.assert_allclose(found["branch"][row], HEAD @ pooled + BIAS, atol=1e-4)


def test_a_classifier_reads_the_last_states_and_gives_scores_alone() -> None:
    weights, texts = random_weights(), [[3, 4, 5, 6, 7], [8, 9]]
    ids = np.array([[*text, *[0] * (5 - len(text))] for text in texts], np.int64)
    graph = build_classifier_graph(weights, CONFIG, np.ascontiguousarray(HEAD.T), BIAS)
    found = _run(graph.SerializeToString(), {"input_ids": ids, "attention_mask": (ids > 0).astype(np.int64)})
    assert list(found) == ["branch"]
    for row, text in enumerate(texts):
        _, states = reference(weights, text)
        pooled = np.concatenate([states.mean(axis=0), states.max(axis=0)])
        np.testing.assert_allclose(found["branch"][row], HEAD @ pooled + BIAS, atol=1e-4)


def test_the_scales_of_the_encoder_in_8_bits_do_not_hang_on_the_branch(branch: Branch) -> None:
    def fixed(with_branch: Branch | None) -> dict[str, bytes]:
        graph = build_encoder_graph(random_weights(), CONFIG, with_branch)
        ranges = {
            node.input[1]: np.array([[-3.0] * rows, [3.0] * rows])
            for node in weighted_products(graph)
            for rows in [_rows(graph, node.input[1])]
        }
        tensors = quantize(graph, ranges).graph.initializer
        return {each.name: each.SerializeToString() for each in tensors if "branch" not in each.name}

    plain, found = fixed(None), fixed(branch)
    encoders = [name for name in plain if name.startswith("encoder.layer.") and name.endswith(".bytes")]
    assert len(encoders) == 6 * CONFIG.num_hidden_layers
    assert all(plain[name] == found[name] for name in encoders)


@pytest.mark.parametrize(
    "missing", ["encoder.layer.2.output.dense.weight", "encoder.layer.1.output.dense.bias"]
)
def test_a_branch_of_another_encoder_is_refused(content: bytes, missing: str) -> None:
    weights = {name: each for name, each in random_weights().items() if name != missing}
    with pytest.raises(SetupError, match="ticketmill models finetune"):
        read_branch(content, weights)


def test_what_is_no_branch_is_refused() -> None:
    with pytest.raises(SetupError, match="ticketmill models finetune"):
        read_branch(b"no npz", random_weights())


def _run(model: bytes, feed: dict[str, NDArray[np.int64]]) -> dict[str, NDArray[np.float32]]:
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    return dict(zip([each.name for each in session.get_outputs()], session.run(None, feed), strict=True))


def _rows(graph: object, name: str) -> int:
    (tensor,) = (each for each in graph.graph.initializer if each.name == name)  # type: ignore[attr-defined]
    return int(tensor.dims[0])
