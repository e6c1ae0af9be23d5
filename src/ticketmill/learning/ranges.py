"""Measures the ranges of the encoder's activations over tickets: they fix the scales of int8."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime as ort

from ticketmill.arrays import Floats, npz_bytes
from ticketmill.domain.errors import SetupError
from ticketmill.encoder.build.quantize import weighted_products
from ticketmill.encoder.bundle import ENCODER, Bundle
from ticketmill.encoder.encoder import Encoder


def measure_ranges(bundle: Bundle, texts: Sequence[str], threads: int) -> bytes:
    """The calibration over `texts`, by the float32 encoder of `bundle`: see `quantize.read_ranges`.

    Raises SetupError for a bundle of another precision.
    """
    import onnx
    from onnx import TensorProto, helper

    if bundle.manifest.encoder.precision != "fp32":
        raise SetupError("only an encoder of the precision fp32 can be calibrated")
    model = onnx.load(str(bundle.path(ENCODER)))
    products = weighted_products(model)
    values = list(dict.fromkeys(node.input[0] for node in products))
    for value in values:
        model.graph.output.append(helper.make_tensor_value_info(value, TensorProto.FLOAT, None))
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    reach: dict[str, list[Floats]] = {value: [] for value in values}
    for ids, mask in Encoder(bundle, threads).token_batches(texts):
        read = mask.astype(bool)
        found = session.run(values, {"input_ids": ids, "attention_mask": mask})
        for value, states in zip(values, found, strict=True):
            of_tokens = states[read]
            reach[value] += [of_tokens.min(axis=0), of_tokens.max(axis=0)]
    ranges = {
        node.input[1]: np.stack(
            [np.min(reach[node.input[0]], axis=0), np.max(reach[node.input[0]], axis=0)]
        ).astype(np.float16)
        for node in products
    }
    return npz_bytes(ranges)
