"""The 8-bit encoder against the exact one, on the pinned texts; docs/quality.md has the whole corpus."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from make_golden import TEXTS
from numpy.typing import NDArray

from ticketmill.encoder.bundle import ENCODER, Bundle
from ticketmill.encoder.encoder import Encoder

MEAN_COSINE = 0.995
LOWEST_COSINE = 0.98


def test_the_shipped_bundle_is_of_8_bits(bundle: Bundle) -> None:
    assert bundle.manifest.encoder.precision == "int8"


def test_8_bits_keep_the_direction_of_the_pinned_texts(encoder: Encoder, exact_encoder: Encoder) -> None:
    texts = list(TEXTS.values())
    cosines = [
        float(rounded.embedding @ exact.embedding)
        for rounded, exact in zip(encoder.encode(texts), exact_encoder.encode(texts), strict=True)
        if exact.tokens
    ]
    assert np.mean(cosines) >= MEAN_COSINE
    assert min(cosines) >= LOWEST_COSINE


@pytest.mark.parametrize("name", ["word", "sentence", "german", "stack_trace"])
def test_what_stands_beside_a_text_does_not_change_its_vector(name: str, encoder: Encoder) -> None:
    (alone,) = encoder.encode([TEXTS[name]])
    together = dict(zip(TEXTS, encoder.encode(list(TEXTS.values())), strict=True))
    assert alone.embedding @ together[name].embedding == pytest.approx(1.0, abs=1e-3)


def weights_of_bytes(bundle: Bundle) -> dict[str, NDArray[np.int8]]:
    """The weights that the bundle holds as signed bytes, (inputs, outputs), by name."""
    model = onnx.load(str(bundle.path(ENCODER)))
    return {
        tensor.name: onnx.numpy_helper.to_array(tensor)
        for tensor in model.graph.initializer
        if tensor.data_type == onnx.TensorProto.INT8
    }


def test_no_product_of_the_bundle_saturates_on_any_processor(bundle: Bundle) -> None:
    """Without VNNI, the products of inputs 2i and 2i + 1 are added in 16 bits; activations are 0 to 255."""
    weights = weights_of_bytes(bundle)
    # the branch copies the upper half of the layers
    assert len(weights) == 6 * bundle.manifest.encoder.layers * 3 // 2
    for name, matrix in weights.items():
        pairs = matrix.astype(int).reshape(-1, 2, matrix.shape[1])
        assert 255 * np.maximum(pairs, 0).sum(axis=1).max() <= np.iinfo(np.int16).max, name
        assert 255 * np.minimum(pairs, 0).sum(axis=1).min() >= np.iinfo(np.int16).min, name


def test_slow_exact_sums_and_fast_ones_give_the_same_vectors(bundle: Bundle, encoder: Encoder) -> None:
    """Without VNNI the option makes onnxruntime add in 32 bits; elsewhere it changes nothing."""
    options = ort.SessionOptions()
    options.add_session_config_entry("session.x64quantprecision", "1")
    options.intra_op_num_threads = 1
    exact_sums = ort.InferenceSession(str(bundle.path(ENCODER)), options, providers=["CPUExecutionProvider"])
    for ids, mask in encoder.token_batches(list(TEXTS.values())):
        (embedding,) = exact_sums.run(["embedding"], {"input_ids": ids, "attention_mask": mask})
        assert encoder.encode_tokens(ids, mask).embedding == pytest.approx(embedding, abs=1e-5)
