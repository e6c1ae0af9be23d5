"""The ONNX graph against BERT written out in NumPy, on a tiny encoder with random weights."""

from __future__ import annotations

import math

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from ticketmill.domain.errors import SetupError
from ticketmill.encoder.build.graph import EncoderConfig, build_encoder_graph

Array = NDArray[np.float64]

CONFIG = EncoderConfig(
    hidden_size=12,
    num_hidden_layers=3,
    num_attention_heads=3,
    intermediate_size=20,
    vocab_size=50,
    max_position_embeddings=16,
    layer_norm_eps=1e-12,
    hidden_act="gelu",
)


def random_weights(config: EncoderConfig = CONFIG) -> dict[str, NDArray[np.float32]]:
    rng = np.random.default_rng(7)
    hidden, inner = config.hidden_size, config.intermediate_size
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (config.vocab_size, hidden),
        "embeddings.position_embeddings.weight": (config.max_position_embeddings, hidden),
        "embeddings.token_type_embeddings.weight": (2, hidden),
        "embeddings.LayerNorm.weight": (hidden,),
        "embeddings.LayerNorm.bias": (hidden,),
    }
    for index in range(config.num_hidden_layers):
        layer = f"encoder.layer.{index}"
        linears = {
            f"{layer}.attention.self.query": (hidden, hidden),
            f"{layer}.attention.self.key": (hidden, hidden),
            f"{layer}.attention.self.value": (hidden, hidden),
            f"{layer}.attention.output.dense": (hidden, hidden),
            f"{layer}.intermediate.dense": (inner, hidden),
            f"{layer}.output.dense": (hidden, inner),
        }
        for name, shape in linears.items():
            shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
        for name in (f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"):
            shapes |= {f"{name}.weight": (hidden,), f"{name}.bias": (hidden,)}
    return {name: rng.normal(0, 0.7, shape).astype(np.float32) for name, shape in shapes.items()}


def reference(weights: dict[str, NDArray[np.float32]], ids: list[int]) -> tuple[Array, Array]:
    """The mean of every layer, (layers + 1, hidden), and the last states, (tokens, hidden), of one text."""
    w = {name: value.astype(np.float64) for name, value in weights.items()}
    heads, size = CONFIG.num_attention_heads, CONFIG.hidden_size // CONFIG.num_attention_heads
    erf = np.vectorize(math.erf)

    def linear(name: str, x: Array) -> Array:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(name: str, x: Array) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt(x.var(-1, keepdims=True) + CONFIG.layer_norm_eps)
        return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]

    x = w["embeddings.word_embeddings.weight"][ids]
    x = x + w["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm("embeddings.LayerNorm", x + w["embeddings.token_type_embeddings.weight"][0])
    means = [x.mean(0)]
    for index in range(CONFIG.num_hidden_layers):
        layer = f"encoder.layer.{index}"
        query, key, value = (
            linear(f"{layer}.attention.self.{part}", x).reshape(len(ids), heads, size).swapaxes(0, 1)
            for part in ("query", "key", "value")
        )
        scores = np.exp(query @ key.swapaxes(1, 2) / math.sqrt(size))
        mixed = (scores / scores.sum(-1, keepdims=True)) @ value
        mixed = mixed.swapaxes(0, 1).reshape(len(ids), -1)
        x = norm(f"{layer}.attention.output.LayerNorm", linear(f"{layer}.attention.output.dense", mixed) + x)
        wide = linear(f"{layer}.intermediate.dense", x)
        wide = wide * (1 + erf(wide / math.sqrt(2))) / 2
        x = norm(f"{layer}.output.LayerNorm", linear(f"{layer}.output.dense", wide) + x)
        means.append(x.mean(0))
    return np.stack(means), x


@pytest.fixture(scope="module")
def weights() -> dict[str, NDArray[np.float32]]:
    return random_weights()


@pytest.fixture(scope="module")
def session(weights: dict[str, NDArray[np.float32]]) -> ort.InferenceSession:
    model = build_encoder_graph(weights, CONFIG)
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def run(session: ort.InferenceSession, rows: list[list[int]]) -> dict[str, NDArray[np.float32]]:
    longest = max(map(len, rows))
    # padding with a real word: nothing but the mask may keep it out
    feed = {
        "input_ids": np.array([row + [9] * (longest - len(row)) for row in rows]),
        "attention_mask": np.array([[1] * len(row) + [0] * (longest - len(row)) for row in rows]),
    }
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, feed), strict=True))


@pytest.mark.parametrize("ids", [[1, 2], [4, 8, 15, 16, 23, 42], list(range(16))], ids=len)
def test_the_graph_computes_what_bert_does(
    ids: list[int], session: ort.InferenceSession, weights: dict[str, NDArray[np.float32]]
) -> None:
    found = run(session, [ids])
    layers, states = reference(weights, ids)
    assert set(found) == {"layers", "token_states", "embedding"}
    np.testing.assert_allclose(found["layers"][0], layers, atol=2e-5)
    np.testing.assert_allclose(found["token_states"][0], states, atol=2e-5)
    np.testing.assert_allclose(found["embedding"][0], layers[-1] / np.linalg.norm(layers[-1]), atol=2e-5)


def test_the_result_of_a_text_does_not_depend_on_its_neighbours(session: ort.InferenceSession) -> None:
    rows = [[1, 2], [4, 8, 15, 16, 23, 42], [7], list(range(16))]
    together = run(session, rows)
    for index, row in enumerate(rows):
        alone = run(session, [row])
        np.testing.assert_allclose(together["embedding"][index], alone["embedding"][0], atol=1e-5)
        np.testing.assert_allclose(together["layers"][index], alone["layers"][0], atol=1e-5)
        np.testing.assert_allclose(
            together["token_states"][index, : len(row)], alone["token_states"][0], atol=1e-5
        )


def test_the_same_weights_give_the_same_bytes(weights: dict[str, NDArray[np.float32]]) -> None:
    first, second = (
        build_encoder_graph(weights, CONFIG).SerializeToString(deterministic=True) for _ in range(2)
    )
    assert first == second


def test_a_missing_weight_is_refused_by_its_name(weights: dict[str, NDArray[np.float32]]) -> None:
    missing = "encoder.layer.1.output.dense.bias"
    with pytest.raises(SetupError, match=missing):
        build_encoder_graph({name: weights[name] for name in weights if name != missing}, CONFIG)


def test_a_config_of_another_size_is_refused(weights: dict[str, NDArray[np.float32]]) -> None:
    other = CONFIG.model_copy(update={"intermediate_size": 21})
    with pytest.raises(SetupError, match=r"intermediate\.dense\.weight is \(20, 12\)"):
        build_encoder_graph(weights, other)
