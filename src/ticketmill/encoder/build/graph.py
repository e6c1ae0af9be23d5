"""The encoder as an ONNX graph: BERT that also outputs the mean of every hidden layer, and a branch of it.

Only operators of the ONNX standard are emitted; onnxruntime fuses what it can. Its own fused operators
(com.microsoft Attention, SkipLayerNormalization, BiasGelu) are no faster on a CPU: within 5% either way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

from ticketmill.domain.errors import SetupError
from ticketmill.encoder.build.branch import PREFIX, Branch

if TYPE_CHECKING:
    import onnx

# Gelu entered the standard with opset 20; both numbers are fixed so that the same weights give the same
# bytes whatever version of onnx builds them.
OPSET = 20
IR_VERSION = 10

# Added to the attention scores of padding: e^-10000 is exactly 0 in float32, and unlike -inf it cannot
# turn into NaN.
MASKED_SCORE = -10_000.0

Weights = Mapping[str, NDArray[np.float32]]


class EncoderConfig(BaseModel):
    """The part of a BERT `config.json` that decides the arithmetic."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    hidden_size: PositiveInt
    num_hidden_layers: PositiveInt
    num_attention_heads: PositiveInt
    intermediate_size: PositiveInt
    vocab_size: PositiveInt
    max_position_embeddings: PositiveInt
    layer_norm_eps: PositiveFloat
    hidden_act: str = Field(pattern="^gelu$")
    position_embedding_type: str = Field(default="absolute", pattern="^absolute$")

    @model_validator(mode="after")
    def _heads_divide_hidden(self) -> EncoderConfig:
        if self.hidden_size % self.num_attention_heads:
            raise ValueError("num_attention_heads must divide hidden_size")
        return self


def build_encoder_graph(
    weights: Weights, config: EncoderConfig, branch: Branch | None = None
) -> onnx.ModelProto:
    """The ONNX model of a BERT encoder that outputs all its layers.

    Inputs, int64 of shape (batch, tokens): `input_ids`, and `attention_mask` with 1 for a token and 0 for
    padding on the right. Every row needs at least one token. Token types are all 0 and need no input.

    Outputs, float32:
        `layers`        (batch, 1 + num_hidden_layers, hidden_size): the mean over the tokens of each text,
                        after the embeddings and after each layer
        `token_states`  (batch, tokens, hidden_size): the last layer; ignore the rows of padding
        `embedding`     (batch, hidden_size): the last of `layers`, normalized to length 1
        `branch`        (batch, labels), with a branch alone: its scores

    `weights` are named and shaped as in `model.safetensors` of a Hugging Face BertModel.

    Raises SetupError when a weight is missing or has another shape than `config` says, and when the
    package `onnx` is absent.
    """
    try:
        from onnx import helper
    except ModuleNotFoundError as error:
        raise SetupError("building the encoder needs onnx: pip install 'ticketmill[build]'") from error
    return _Writer(weights, config, branch, helper).model()


def build_classifier_graph(
    weights: Weights, config: EncoderConfig, head: NDArray[np.float32], bias: NDArray[np.float32]
) -> onnx.ModelProto:
    """The ONNX model of a BERT encoder with the inputs of `build_encoder_graph` and one output: `branch`,
    (batch, labels), the scores that `head` (2 · hidden, labels) gives the last states, as in `Branch`.

    Raises SetupError as `build_encoder_graph` does.
    """
    branch = Branch(config.num_hidden_layers, 0, {}, head, bias)
    model = build_encoder_graph(weights, config, branch)
    (scores,) = (each for each in model.graph.output if each.name == "branch")
    del model.graph.output[:]
    model.graph.output.append(scores)
    return model


class _Writer:
    """Collects the nodes and constants of one graph.

    A value in the graph is known by its name; the methods take and return names. Shapes are given as
    comments: B texts, S tokens, H hidden size, A heads, D = H / A.
    """

    def __init__(self, weights: Weights, config: EncoderConfig, branch: Branch | None, helper: Any) -> None:
        self._weights = weights if branch is None else {**weights, **branch.weights}
        self._config = config
        self._branch = branch
        self._helper = helper
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def model(self) -> onnx.ModelProto:
        from onnx import TensorProto

        self._write()
        config, info = self._config, self._helper.make_tensor_value_info
        outputs = {
            "layers": ["batch", config.num_hidden_layers + 1, config.hidden_size],
            "token_states": ["batch", "tokens", config.hidden_size],
            "embedding": ["batch", config.hidden_size],
        }
        if self._branch is not None:
            outputs["branch"] = ["batch", len(self._branch.bias)]
        graph = self._helper.make_graph(
            self._nodes,
            "encoder",
            [info(name, TensorProto.INT64, ["batch", "tokens"]) for name in ("input_ids", "attention_mask")],
            [info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
            list(self._constants.values()),
        )
        model: onnx.ModelProto = self._helper.make_model(
            graph,
            producer_name="ticketmill",
            ir_version=IR_VERSION,
            opset_imports=[self._helper.make_opsetid("", OPSET)],
        )
        return model

    def _write(self) -> None:
        mask = self._op("Cast", "attention_mask", to=1)  # float32
        row = self._op("Unsqueeze", mask, self._ints("axis_1", 1))  # (B, 1, S)
        tokens = self._op("ReduceSum", row, self._ints("axis_2", 2), keepdims=1)  # (B, 1, 1)
        padding = self._op("Sub", self._constant("one", np.float32(1)), row)
        scores = self._op("Mul", padding, self._constant("masked_score", np.float32(MASKED_SCORE)))
        bias = self._op("Unsqueeze", scores, "axis_1")  # (B, 1, 1, S)

        def pooled(states: str) -> str:
            return self._op("Div", self._op("MatMul", row, states), tokens)  # (B, 1, H)

        states = self._embeddings()
        layers = [pooled(states)]
        for index in range(self._config.num_hidden_layers):
            if self._branch is not None and index == self._branch.first:
                self._write_branch(self._branch, states, bias, pooled)
            states = self._layer(f"encoder.layer.{index}", states, bias)
            layers.append(pooled(states))
        if self._branch is not None and self._branch.first == self._config.num_hidden_layers:
            self._write_branch(self._branch, states, bias, pooled)
        self._op("Identity", states, output="token_states")
        self._op("Concat", *layers, output="layers", axis=1)
        last = self._op("Squeeze", layers[-1], "axis_1")
        self._op("LpNormalization", last, output="embedding", axis=-1, p=2)

    def _write_branch(self, branch: Branch, states: str, bias: str, pooled: Callable[[str], str]) -> None:
        """The branch on the `states` that it begins at; `bias` is that of padding, (B, 1, 1, S)."""
        # under a name of its own, so that its scales in 8 bits leave those of the encoder's layer as they are
        states = self._op("Identity", states)
        for index in range(branch.layers):
            states = self._layer(f"{PREFIX}.layer.{index}", states, bias)
        column = self._op("Reshape", bias, self._ints("column", 0, -1, 1))  # (B, S, 1)
        greatest = self._op("ReduceMax", self._op("Add", states, column), self._ints("axis_1", 1), keepdims=1)
        both = self._op("Concat", pooled(states), greatest, axis=2)  # (B, 1, 2H)
        flat = self._op("Squeeze", both, "axis_1")
        # Gemm, so that it is no product that int8 rounds: it is small, and decides every label
        head = self._constant(f"{PREFIX}.head", branch.head)
        self._op("Gemm", flat, head, self._constant(f"{PREFIX}.bias", branch.bias), output="branch")

    def _embeddings(self) -> str:
        config = self._config
        word = self._weight("embeddings.word_embeddings.weight", config.vocab_size, config.hidden_size)
        position = self._weight(
            "embeddings.position_embeddings.weight", config.max_position_embeddings, config.hidden_size
        )
        # every token has type 0, so that its vector can be added to every position once and for all
        token_type = self._weight("embeddings.token_type_embeddings.weight", None, config.hidden_size)[0]
        words = self._op("Gather", self._constant("words", word), "input_ids")  # (B, S, H)
        length = self._op("Shape", "input_ids", start=1, end=2)
        positions = self._op(
            "Slice", self._constant("positions", position + token_type), self._ints("start", 0), length
        )  # (S, H)
        return self._layer_norm("embeddings.LayerNorm", self._op("Add", words, positions))

    def _layer(self, name: str, states: str, bias: str) -> str:
        config = self._config
        hidden, inner = config.hidden_size, config.intermediate_size
        attended = self._attention(f"{name}.attention.self", states, bias)
        attended = self._linear(f"{name}.attention.output.dense", attended, hidden, hidden)
        states = self._layer_norm(f"{name}.attention.output.LayerNorm", self._op("Add", attended, states))
        wide = self._op("Gelu", self._linear(f"{name}.intermediate.dense", states, hidden, inner))
        narrow = self._linear(f"{name}.output.dense", wide, inner, hidden)
        return self._layer_norm(f"{name}.output.LayerNorm", self._op("Add", narrow, states))

    def _attention(self, name: str, states: str, bias: str) -> str:
        hidden, heads = self._config.hidden_size, self._config.num_attention_heads
        size = hidden // heads
        # a 0 in the shape of a Reshape keeps that dimension
        split = self._ints("split_heads", 0, 0, heads, size)
        merge = self._ints("merge_heads", 0, 0, hidden)

        def projected(part: str, *perm: int) -> str:
            flat = self._linear(f"{name}.{part}", states, hidden, hidden)
            return self._op("Transpose", self._op("Reshape", flat, split), perm=perm)

        query = projected("query", 0, 2, 1, 3)  # (B, A, S, D)
        key = projected("key", 0, 2, 3, 1)  # (B, A, D, S)
        value = projected("value", 0, 2, 1, 3)  # (B, A, S, D)
        scale = self._constant("scale", np.float32(size**-0.5))
        scores = self._op("Mul", self._op("MatMul", query, key), scale)  # (B, A, S, S)
        shares = self._op("Softmax", self._op("Add", scores, bias), axis=-1)
        mixed = self._op("Transpose", self._op("MatMul", shares, value), perm=(0, 2, 1, 3))  # (B, S, A, D)
        return self._op("Reshape", mixed, merge)

    def _linear(self, name: str, states: str, inputs: int, outputs: int) -> str:
        # Hugging Face stores (outputs, inputs)
        matrix = self._weight(f"{name}.weight", outputs, inputs).T
        product = self._op("MatMul", states, self._constant(f"{name}.weight", matrix))
        return self._op("Add", product, self._constant(f"{name}.bias", self._weight(f"{name}.bias", outputs)))

    def _layer_norm(self, name: str, states: str) -> str:
        hidden = self._config.hidden_size
        scale = self._constant(f"{name}.weight", self._weight(f"{name}.weight", hidden))
        shift = self._constant(f"{name}.bias", self._weight(f"{name}.bias", hidden))
        return self._op("LayerNormalization", states, scale, shift, epsilon=self._config.layer_norm_eps)

    def _weight(self, name: str, *shape: int | None) -> NDArray[np.float32]:
        """The weight `name`, which must have this shape; None stands for any size."""
        if name not in self._weights:
            raise SetupError(f"the encoder's weights lack {name}: they are not those of a BertModel")
        found = self._weights[name]
        if len(found.shape) != len(shape) or any(
            wanted not in (None, size) for wanted, size in zip(shape, found.shape, strict=True)
        ):
            raise SetupError(f"the encoder's config.json does not fit its weights: {name} is {found.shape}")
        return found

    def _constant(self, name: str, value: NDArray[Any] | np.generic) -> str:
        from onnx import numpy_helper

        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def _ints(self, name: str, *values: int) -> str:
        return self._constant(name, np.array(values, dtype=np.int64))

    def _op(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        name = output or f"{kind}_{len(self._nodes)}"
        self._nodes.append(self._helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name
