"""How named models are run: precision, threads, batches. The one place that knows how torch is set up."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, Literal, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray

from ticketmill.domain.errors import SetupError
from ticketmill.encoder.encoder import micro_batches
from ticketmill.models.transformers.store import Located

log = logging.getLogger(__name__)

Precision = Literal["fp32", "bf16", "int8"]
Floats = NDArray[np.float32]
Item = TypeVar("Item")
Result = TypeVar("Result")

# Padded tokens of one run: more than a core's cache holds anyway, few enough that memory stays bounded.
TOKEN_BUDGET = 2048


def resolve_precision(asked: str, heavy: bool) -> Precision:
    """What `auto` is on this processor, for a `heavy` model (one that runs many times a ticket) or another.

    int8 is the fastest where the processor adds up products of bytes, but moves what is said a little; bf16
    moves nothing worth a word, and gains less.
    """
    if asked != "auto":
        return cast("Precision", asked)
    if heavy and torch.cpu._is_vnni_supported():
        return "int8"
    multiplies = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bf16" if multiplies else "fp32"


def load_tokenizer(located: Located) -> Any:
    """The tokenizer of a model, one that knows places in the text."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(
        str(located.directory), local_files_only=True, trust_remote_code=False
    )
    if not tokenizer.is_fast:
        raise SetupError(f"{located.name}: its tokenizer has no fast form (tokenizer.json)")
    return tokenizer


def load_model(auto_class: Any, located: Located, precision: Precision) -> Any:
    """The model of `located` as `auto_class` has it: from safetensors alone, and no code of its own."""
    model = auto_class.from_pretrained(
        str(located.directory),
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        dtype=torch.bfloat16 if precision == "bf16" else torch.float32,
    ).eval()
    return quantized(model) if precision == "int8" else model


def quantized(model: Any) -> Any:
    """`model` with its linear layers in int8: a scale for each output, those of what goes in as it runs."""
    with warnings.catch_warnings():
        # to move into a package of its own, one day; the version of torch is pinned
        warnings.simplefilter("ignore")
        each = {torch.nn.Linear: torch.ao.quantization.per_channel_dynamic_qconfig}
        return torch.ao.quantization.quantize_dynamic(model, each)


def resident_mb(model: Any) -> float:
    """Megabytes of the weights that `model` holds; what several layers share counts once."""
    plain = {tensor.data_ptr(): tensor.nbytes for tensor in chain(model.parameters(), model.buffers())}
    packed = (module.weight() for module in model.modules() if callable(getattr(module, "weight", None)))
    return float(sum(plain.values()) + sum(each.numel() * each.element_size() for each in packed)) / 1e6


def by_length(
    items: Sequence[Item], lengths: Sequence[int], run: Callable[[list[Item]], Sequence[Result]], budget: int
) -> list[Result]:
    """What `run` says of `items`, in order, in batches of like length whose padded sizes are in `budget`."""
    results: dict[int, Result] = {}
    for group in micro_batches([max(length, 1) for length in lengths], budget):
        results.update(zip(group, run([items[position] for position in group]), strict=True))
    return [results[position] for position in range(len(items))]


def as_floats(tensor: Any) -> Floats:
    """A tensor of any precision as an array."""
    return np.asarray(tensor.float().numpy(), np.float32)
