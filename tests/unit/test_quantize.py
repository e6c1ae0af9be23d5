"""The 8-bit form of a small encoder against its float32 form."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from ticketmill.encoder.build.graph import EncoderConfig, build_encoder_graph
from ticketmill.encoder.build.quantize import quantize, weighted_products

HIDDEN, INNER, WORDS, LAYERS = 16, 24, 50, 2
CONFIG = EncoderConfig(
    hidden_size=HIDDEN,
    num_hidden_layers=LAYERS,
    num_attention_heads=2,
    intermediate_size=INNER,
    vocab_size=WORDS,
    max_position_embeddings=12,
    layer_norm_eps=1e-12,
    hidden_act="gelu",
)
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
IDS = np.array([[3, 8, 13, 21, 34], [2, 7, 1, 0, 0]])


def some_weights(outlier: float) -> dict[str, NDArray[np.float32]]:
    """Random weights; one channel of every normalization is `outlier` times as large as the rest."""
    rng = np.random.default_rng(7)
    stretch = np.ones(HIDDEN)
    stretch[5] = outlier
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (WORDS, HIDDEN),
        "embeddings.position_embeddings.weight": (12, HIDDEN),
        "embeddings.token_type_embeddings.weight": (2, HIDDEN),
    }
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}"
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            shapes[f"{prefix}.attention.{part}.weight"] = (HIDDEN, HIDDEN)
        shapes[f"{prefix}.intermediate.dense.weight"] = (INNER, HIDDEN)
        shapes[f"{prefix}.output.dense.weight"] = (HIDDEN, INNER)
    weights = {name: rng.normal(scale=0.3, size=shape) for name, shape in shapes.items()}
    weights |= {name.replace(".weight", ".bias"): np.zeros(shape[0]) for name, shape in shapes.items()}
    norms = ["embeddings"]
    norms += [
        f"encoder.layer.{layer}{part}" for layer in range(LAYERS) for part in (".attention.output", ".output")
    ]
    for norm in norms:
        weights |= {f"{norm}.LayerNorm.weight": stretch, f"{norm}.LayerNorm.bias": np.zeros(HIDDEN)}
    return {name: value.astype(np.float32) for name, value in weights.items()}


def run(model: object, outputs: list[str] | None = None) -> list[NDArray[np.float32]]:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])  # type: ignore[attr-defined]
    return list(session.run(outputs, {"input_ids": IDS, "attention_mask": MASK}))


def ranges_of(model: object) -> dict[str, NDArray[np.float32]]:
    from onnx import ModelProto, TensorProto, helper

    shown = ModelProto()
    shown.CopyFrom(model)
    products = weighted_products(shown)
    for value in dict.fromkeys(node.input[0] for node in products):
        shown.graph.output.append(helper.make_tensor_value_info(value, TensorProto.FLOAT, None))
    found = {
        node.input[1]: run(shown, [node.input[0]])[0].reshape(-1, len_of(node.input[1])) for node in products
    }
    return {name: np.stack([states.min(axis=0), states.max(axis=0)]) for name, states in found.items()}


def len_of(weight: str) -> int:
    return INNER if weight.endswith("output.dense.weight") and "attention" not in weight else HIDDEN


@pytest.mark.parametrize("outlier", [1.0, 20.0])
def test_8_bits_say_nearly_what_float32_says_even_where_a_channel_sticks_out(outlier: float) -> None:
    model = build_encoder_graph(some_weights(outlier), CONFIG)
    exact, rounded = run(model, ["embedding"])[0], run(quantize(model, ranges_of(model)), ["embedding"])[0]
    assert (exact * rounded).sum(axis=1).min() > 0.999
    assert not np.array_equal(exact, rounded)


def test_every_product_with_a_weight_is_of_8_bits() -> None:
    model = build_encoder_graph(some_weights(1.0), CONFIG)
    quantized = quantize(model, ranges_of(model))
    assert len(weighted_products(model)) == 6 * LAYERS
    assert weighted_products(quantized) == []


def test_the_vectors_of_the_words_take_16_bits_a_number() -> None:
    model = build_encoder_graph(some_weights(1.0), CONFIG)
    quantized = quantize(model, ranges_of(model))
    sizes = {tensor.name: len(tensor.raw_data) for tensor in quantized.graph.initializer}
    assert sizes["words.half"] == CONFIG.vocab_size * CONFIG.hidden_size * 2
    assert "words" not in sizes


def test_the_same_weights_and_ranges_give_the_same_bytes_and_leave_the_model_as_it_was() -> None:
    model = build_encoder_graph(some_weights(1.0), CONFIG)
    before, ranges = model.SerializeToString(deterministic=True), ranges_of(model)
    first, second = (quantize(model, ranges).SerializeToString(deterministic=True) for _ in range(2))
    assert first == second
    assert model.SerializeToString(deterministic=True) == before


def test_a_text_reads_the_same_whatever_stands_beside_it() -> None:
    model = build_encoder_graph(some_weights(20.0), CONFIG)
    quantized = quantize(model, ranges_of(model)).SerializeToString()
    session = ort.InferenceSession(quantized, providers=["CPUExecutionProvider"])
    together = session.run(["embedding"], {"input_ids": IDS, "attention_mask": MASK})[0]
    alone = session.run(["embedding"], {"input_ids": IDS[1:, :3], "attention_mask": MASK[1:, :3]})[0]
    assert np.abs(together[1] - alone[0]).max() < 1e-5
