"""The 8-bit form of a small encoder against its float32 form."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from ticketmill.encoder.build.graph import EncoderConfig, build_encoder_graph
from ticketmill.encoder.build.quantize import PAIR_LIMIT, quantize, quantize_weights, weighted_products

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


def weights_with_outliers(inputs: int, outputs: int) -> NDArray[np.float32]:
    weights = np.random.default_rng(11).standard_t(df=3, size=(inputs, outputs)).astype(np.float32)
    weights[:, 0] = 1.0  # every pair of this output would be over the limit
    weights[:, 1] = -1.0
    weights[:, 2] = 0.0
    return weights


@pytest.mark.parametrize("inputs", [1, 2, 7, 384])
def test_no_two_neighbouring_products_leave_16_bits(inputs: int) -> None:
    rounded, _ = quantize_weights(weights_with_outliers(inputs, 50))
    pairs = np.concatenate([rounded, np.zeros((inputs % 2, 50), np.int8)]).astype(int).reshape(-1, 2, 50)
    # the activations, 0 to 255, that bring a sum furthest: 255 where the weight has the sign, 0 elsewhere
    highest, lowest = 255 * np.maximum(pairs, 0).sum(axis=1), 255 * np.minimum(pairs, 0).sum(axis=1)
    assert highest.max() <= np.iinfo(np.int16).max
    assert lowest.min() >= np.iinfo(np.int16).min


def test_bytes_are_nearer_to_the_weights_than_7_bits_are() -> None:
    weights = np.random.default_rng(3).normal(size=(384, 100)).astype(np.float32)
    rounded, scale = quantize_weights(weights)
    seven_bits = np.abs(weights).max(axis=0) / 64
    of_seven_bits = np.rint(weights / seven_bits) * seven_bits
    assert np.square(rounded * scale - weights).sum() < 0.6 * np.square(of_seven_bits - weights).sum()


def test_weights_that_are_all_alike_or_zero_keep_their_value() -> None:
    rounded, scale = quantize_weights(weights_with_outliers(8, 3))
    assert np.allclose(rounded * scale, [1.0, -1.0, 0.0])
    assert np.abs(rounded[:, 0]).max() == PAIR_LIMIT // 2


def product_of_bytes(rounded: NDArray[np.int8]) -> ort.InferenceSession:
    """A session of one product with `rounded`: bytes in, the sums of the products out."""
    from onnx import TensorProto, helper, numpy_helper

    one = numpy_helper.from_array(np.float32(1), "one")
    zero = numpy_helper.from_array(np.uint8(0), "zero")
    graph = helper.make_graph(
        [
            helper.make_node(
                "MatMulIntegerToFloat",
                ["states", "weights", "one", "one", "zero"],
                ["sums"],
                domain="com.microsoft",
            )
        ],
        "product",
        [helper.make_tensor_value_info("states", TensorProto.UINT8, [None, len(rounded)])],
        [helper.make_tensor_value_info("sums", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(rounded, "weights"), one, zero],
    )
    model = helper.make_model(
        graph,
        ir_version=10,
        opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)],
    )
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("inputs", [16, 384, 1536])
@pytest.mark.parametrize("rows", [1, 2, 5, 64])
def test_this_processor_computes_the_exact_sums(inputs: int, rows: int) -> None:
    """Extreme activations, for which other weights would saturate on a processor without VNNI."""
    rounded, _ = quantize_weights(weights_with_outliers(inputs, 48))
    states = np.random.default_rng(5).choice([0, 255], size=(rows, inputs)).astype(np.uint8)
    states[0] = 255
    (sums,) = product_of_bytes(rounded).run(None, {"states": states})
    assert np.array_equal(sums, states.astype(np.int32) @ rounded.astype(np.int32))
