"""The encoder in 8 bits: every product with a weight becomes one of bytes, with scales fixed at the build.

The activations of a BertModel have a few channels ten times as large as the rest; one scale for all would
round those away. So every channel is first divided by a factor of its own that evens them out, and the
weights are multiplied by it: far less is lost in 8 bits.

Processors without VNNI add the products of two neighbouring inputs in 16 bits, and what does not fit there
is cut off. So no two neighbouring weights sum to more than `PAIR_LIMIT`: every processor computes the same.

The scales come from ranges that were measured once over tickets (`ticketmill models calibrate`), not from
the batch at hand: a text reads the same whatever stands beside it in a micro-batch.

The vectors of the words, two fifths of the model, are kept in 16 bits and widened as they are looked up.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ticketmill.domain.errors import SetupError

if TYPE_CHECKING:
    import onnx

CALIBRATION = "calibration.npz"
SHIPPED_CALIBRATION = Path(__file__).with_name("shipped") / CALIBRATION

# How much of the unevenness moves from the activations into the weights: 0 none, 1 all of it.
SMOOTHING = 0.75
# The factors are powers of 2 to the 1/4: rounded so, they are the same wherever a bundle is built.
FACTOR_STEPS = 4
ACTIVATION_LEVELS = 255
# Tried for every output; the one that leaves the least error stays. With 64, no pair is over the limit.
WEIGHT_LEVELS = range(64, 128, 7)
# Two products of an activation, 0 to 255, and a weight are added in 16 bits: 255 x 128 = 32,640 fits.
PAIR_LIMIT = 128

# onnxruntime's own operators: unsigned bytes times signed bytes plus bias, straight to float32
RUNTIME_DOMAIN = "com.microsoft"

Floats = NDArray[np.float32]
Ranges = Mapping[str, NDArray[np.floating[Any]]]


def weighted_products(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """The MatMul nodes whose right side is a weight, in order; its name is their second input."""
    constants = {tensor.name for tensor in model.graph.initializer}
    return [node for node in model.graph.node if node.op_type == "MatMul" and node.input[1] in constants]


def read_ranges(content: bytes) -> dict[str, Floats]:
    """The ranges in the bytes of a calibration: by weight, (2, inputs), the least and the greatest value
    that each channel of what is multiplied with it took."""
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return {name: stored[name].astype(np.float32) for name in stored.files}


def quantize(model: onnx.ModelProto, ranges: Ranges) -> onnx.ModelProto:
    """A copy of `model` whose weighted products are of 8-bit integers.

    Every product must be followed by the addition of its bias, as `build_encoder_graph` writes it. Raises
    SetupError when `ranges` lack a weight of the model or have another shape than its inputs.
    """
    import onnx

    quantized = onnx.ModelProto()
    quantized.CopyFrom(model)
    _Rewriter(quantized, ranges).rewrite()
    return quantized


class _Rewriter:
    def __init__(self, model: onnx.ModelProto, ranges: Ranges) -> None:
        from onnx import helper, numpy_helper

        self._model = model
        self._ranges = ranges
        self._helper: Any = helper
        self._numpy: Any = numpy_helper
        products = weighted_products(model)
        names = {node.input[1] for node in products}
        self._weights: dict[str, Floats] = {
            tensor.name: numpy_helper.to_array(tensor)
            for tensor in model.graph.initializer
            if tensor.name in names
        }
        self._products = {node.name for node in products}
        looked_up = {node.input[0] for node in model.graph.node if node.op_type == "Gather"}
        self._tables: dict[str, Floats] = {
            tensor.name: numpy_helper.to_array(tensor)
            for tensor in model.graph.initializer
            if tensor.name in looked_up and tensor.data_type == self._helper.TensorProto.FLOAT
        }
        names |= set(self._tables)
        self._sharing: dict[str, list[str]] = {}
        for node in products:
            self._sharing.setdefault(node.input[0], []).append(node.input[1])
        self._nodes: list[Any] = []
        self._constants = [tensor for tensor in model.graph.initializer if tensor.name not in names]
        self._divisors: dict[str, Floats] = {}

    def rewrite(self) -> None:
        graph = self._model.graph
        additions = {value: node for node in graph.node if node.op_type == "Add" for value in node.input}
        absorbed: set[str] = set()
        for node in list(graph.node):
            if node.name in self._products:
                addition = additions[node.output[0]]
                (bias,) = (value for value in addition.input if value != node.output[0])
                self._product(node.input[0], node.input[1], bias, addition.output[0])
                absorbed.add(addition.name)
            elif node.op_type == "Gather" and node.input[0] in self._tables:
                self._look_up(node)
            elif node.name not in absorbed:
                self._nodes.append(node)
        # copies, for what a graph is emptied of is gone
        nodes, constants = (
            [_copied(node) for node in self._nodes],
            [_copied(each) for each in self._constants],
        )
        del graph.node[:], graph.initializer[:]
        graph.node.extend(nodes)
        graph.initializer.extend(constants)
        self._model.opset_import.append(self._helper.make_opsetid(RUNTIME_DOMAIN, 1))

    def _look_up(self, node: onnx.NodeProto) -> None:
        table = self._constant(f"{node.input[0]}.half", self._tables[node.input[0]].astype(np.float16))
        self._node("Gather", [table, node.input[1]], f"{node.output[0]}.half")
        self._node("Cast", [f"{node.output[0]}.half"], node.output[0], to=self._helper.TensorProto.FLOAT)

    def _product(self, states: str, weight: str, bias: str, output: str) -> None:
        if states not in self._divisors:
            self._divisors[states] = self._quantize_states(states)
        matrix = self._weights[weight] * self._divisors[states][:, np.newaxis]
        rounded, scale = quantize_weights(matrix)
        inputs = [
            f"{states}.bytes",
            self._constant(f"{weight}.bytes", rounded),
            f"{states}.scale",
            self._constant(f"{weight}.scale", scale),
            f"{states}.zero",
            "",  # the weights' zero is 0
            bias,
        ]
        self._node("MatMulIntegerToFloat", inputs, output, domain=RUNTIME_DOMAIN)

    def _quantize_states(self, states: str) -> Floats:
        """Writes the nodes that turn `states` into bytes; what each channel was divided by before."""
        sharing = self._sharing[states]
        low, high = self._range(sharing[0])
        divisors = _divisors(np.maximum(np.abs(low), np.abs(high)), [self._weights[name] for name in sharing])
        least, greatest = min(0.0, float((low / divisors).min())), max(0.0, float((high / divisors).max()))
        scale = np.float32((greatest - least) / ACTIVATION_LEVELS or 1.0)
        zero = np.uint8(np.clip(np.rint(-least / scale), 0, ACTIVATION_LEVELS))
        factors = self._constant(f"{states}.factors", (1 / divisors).astype(np.float32))
        self._node("Mul", [states, factors], f"{states}.even")
        constants = [self._constant(f"{states}.scale", scale), self._constant(f"{states}.zero", zero)]
        self._node("QuantizeLinear", [f"{states}.even", *constants], f"{states}.bytes")
        return divisors

    def _range(self, weight: str) -> tuple[Floats, Floats]:
        found = self._ranges.get(weight)
        inputs = len(self._weights[weight])
        if found is None or found.shape != (2, inputs):
            raise SetupError(f"the calibration does not fit the encoder: {weight} needs (2, {inputs}) ranges")
        low, high = found.astype(np.float32)
        return low, high

    def _constant(self, name: str, value: NDArray[Any] | np.generic) -> str:
        self._constants.append(self._numpy.from_array(np.ascontiguousarray(value).reshape(value.shape), name))
        return name

    def _node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self._nodes.append(self._helper.make_node(kind, inputs, [output], name=output, **attributes))


def quantize_weights(matrix: Floats) -> tuple[NDArray[np.int8], Floats]:
    """`matrix`, (inputs, outputs), as signed bytes and the scale of each output.

    Weights of inputs 2i and 2i + 1 that have the same sign sum to `PAIR_LIMIT` at most.
    """
    largest = np.abs(matrix).max(axis=0)
    largest[largest == 0] = 1
    least_error = np.full(largest.shape, np.inf)
    rounded, scale = np.zeros(matrix.shape, np.int8), np.ones(largest.shape, np.float32)
    for levels in WEIGHT_LEVELS:
        tried_scale = largest / np.float32(levels)
        tried = _rounded_pairs(matrix / tried_scale)
        error = np.square(tried * tried_scale - matrix).sum(axis=0)
        better = error < least_error
        least_error[better], scale[better] = error[better], tried_scale[better]
        rounded[:, better] = tried[:, better]
    return rounded, scale


def _rounded_pairs(scaled: Floats) -> Floats:
    """`scaled`, (inputs, outputs), in whole numbers, with pairs over the limit moved towards 0 alike."""
    inputs, outputs = scaled.shape
    pairs = np.zeros((inputs + inputs % 2, outputs), np.float32)
    pairs[:inputs] = scaled
    pairs = pairs.reshape(-1, 2, outputs)
    sums = pairs.sum(axis=1, keepdims=True)
    # a little below the limit, so that rounding both up does not pass it; unlike signs never reach it
    excess = np.maximum(np.abs(sums) - np.float32(PAIR_LIMIT - 0.01), 0) * np.sign(sums)
    return np.asarray(np.rint(pairs - excess / 2).reshape(-1, outputs)[:inputs], np.float32)


def _divisors(largest: Floats, weights: list[Floats]) -> Floats:
    """A factor for each channel, 1 in the middle, from the largest activation and weight there.

    Channels that hardly moved over the calibration count like the median one: other texts may move them.
    """
    tiny = 1e-6
    # in float64: in float32, processors differ in the last digit of a logarithm, and could round differently
    reach = np.maximum(largest, max(float(np.median(largest)), tiny)).astype(np.float64)
    heaviest = np.maximum(np.max([np.abs(weight).max(axis=1) for weight in weights], axis=0), tiny)
    exponents = SMOOTHING * np.log2(reach) - (1 - SMOOTHING) * np.log2(heaviest.astype(np.float64))
    steps = np.rint((exponents - exponents.mean()) * FACTOR_STEPS)
    return np.asarray(np.exp2(steps / FACTOR_STEPS), np.float32)


def _copied(message: Any) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy
