"""Measures the ranges of the encoder's activations over tickets: they fix the scales of int8."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from ticketmill.arrays import Floats, npz_bytes
from ticketmill.domain.errors import SetupError
from ticketmill.encoder.build.quantize import weighted_products
from ticketmill.encoder.bundle import ENCODER, Bundle
from ticketmill.encoder.encoder import Encoder
from ticketmill.encoder.token_batch import TokenBatch

if TYPE_CHECKING:
    import onnx

Halves = NDArray[np.float16]


def measure_ranges(bundle: Bundle, texts: Sequence[str], threads: int) -> bytes:
    """The calibration over `texts`, by the float32 encoder of `bundle`: see `quantize.read_ranges`.

    Raises SetupError for a bundle of another precision.
    """
    import onnx

    if bundle.manifest.encoder.precision != "fp32":
        raise SetupError("only an encoder of the precision fp32 can be calibrated")
    model = onnx.load(str(bundle.path(ENCODER)))
    return npz_bytes(ranges_of(model, Encoder(bundle, threads).token_batches(texts), threads))


def ranges_of(model: onnx.ModelProto, batches: Iterable[TokenBatch], threads: int) -> dict[str, Halves]:
    """By weight, the least and the greatest value that each channel takes of what is multiplied with it.

    `model` computes in float32; it gains outputs.
    """
    from onnx import TensorProto, helper

    products = weighted_products(model)
    values = list(dict.fromkeys(node.input[0] for node in products))
    for value in values:
        model.graph.output.append(helper.make_tensor_value_info(value, TensorProto.FLOAT, None))
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    reach: dict[str, list[Floats]] = {value: [] for value in values}
    for ids, mask in batches:
        read = mask.astype(bool)
        found = session.run(values, {"input_ids": ids, "attention_mask": mask})
        for value, states in zip(values, found, strict=True):
            of_tokens = states[read]
            reach[value] += [of_tokens.min(axis=0), of_tokens.max(axis=0)]
    return {
        node.input[1]: np.stack(
            [np.min(reach[node.input[0]], axis=0), np.max(reach[node.input[0]], axis=0)]
        ).astype(np.float16)
        for node in products
    }
