"""The encoder: one forward pass over texts gives everything that the tasks need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ticketmill.arrays import Floats
from ticketmill.encoder.bundle import ENCODER, TOKENIZER, Bundle
from ticketmill.encoder.token_batch import TokenBatch, special_tokens
from ticketmill.encoder.tokenizer import read_pieces, windows

# Padded tokens in one micro-batch. Small on purpose: activations then stay in the processor's caches.
# 4,096 took twice the time for the same texts, and 170 MB more memory.
TOKEN_BUDGET = 256

# onnxruntime's fused addition and normalization is slower than the two separate operations
SLOW_FUSIONS = ["SkipLayerNormFusion"]


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """The encoder's output for one text. n is the number of tokens in all windows.

    Every window has its own [CLS] and [SEP]; n includes them.
    """

    embedding: Floats
    """(384,): the mean of `token_states`, normalized to length 1. Zeros for a text without tokens."""
    layers: Floats
    """(7, 384): the mean over the tokens of the embeddings and of each of the 6 layers. Not normalized."""
    token_states: Floats
    """(n, 384): the last layer. May be a view that keeps the micro-batch alive."""
    offsets: NDArray[np.int32]
    """(n, 2): start and end of each token in the text, in characters. (0, 0) for [CLS] and [SEP]."""
    tokens: int
    """Tokens of the text that were encoded, without [CLS] and [SEP]."""
    truncated: bool
    """Whether the text continues after the last encoded token."""
    windows: int
    """Number of windows. 0 for a text without tokens."""
    branch: Floats | None = None
    """(labels,): the scores of the branch, in log odds. None where the encoder has no branch."""


class EncoderOutput(NamedTuple):
    """The model's output for a padded batch of B texts of at most S tokens."""

    layers: Floats
    """(B, 7, 384)"""
    token_states: Floats
    """(B, S, 384)"""
    embedding: Floats
    """(B, 384)"""
    branch: Floats | None = None
    """(B, labels), of an encoder with a branch"""


class _Window(NamedTuple):
    """Word pieces of the text with the index `text`."""

    text: int
    ids: list[int]
    offsets: list[tuple[int, int]]


def micro_batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Groups the indexes of `lengths` so that no group, padded to its longest, holds more than `budget`.

    Lengths are in tokens and positive. Groups are sorted by length, longest first; equal lengths keep their
    order. A length above the budget gets its own group.
    """
    groups: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        # the first of a group is its longest
        if groups and lengths[groups[-1][0]] * (len(groups[-1]) + 1) <= budget:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups


class Encoder:
    """Turns texts into vectors with the encoder of one bundle. Thread-safe.

    Creating one reads the model: about 0.25 s and 140 MB, which grow to about 180 MB in use. Raises
    SetupError when the tokenizer in the bundle is not that of a BertModel.
    """

    def __init__(self, bundle: Bundle, threads: int, max_windows: int | None = None) -> None:
        """`threads` is the number of micro-batches that run at the same time, each on one core.

        `max_windows` lowers the bundle's limit of windows a text. Two cores with one micro-batch each do
        1.4 times what both do on one micro-batch after the other.
        """
        if threads < 1:
            raise ValueError("threads must be at least 1")
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="encode")
        self._section = bundle.manifest.encoder
        self._max_windows = max_windows or self._section.max_windows
        self._tokenizer = Tokenizer.from_file(str(bundle.path(TOKENIZER)))
        # the published file cuts and pads to 128 tokens
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._special = special_tokens(self._tokenizer)
        self._session = ort.InferenceSession(
            str(bundle.path(ENCODER)),
            session_options(),
            providers=["CPUExecutionProvider"],
            disabled_optimizers=SLOW_FUSIONS,
        )
        self._outputs = [output.name for output in self._session.get_outputs()]

    @property
    def most_tokens(self) -> int:
        """The most tokens of one text that are encoded, including [CLS] and [SEP] of every window."""
        return self._section.max_tokens * self._max_windows

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """One Encoded for each text, in the order given.

        Texts may have any length. They are encoded in windows of up to 254 word pieces; text after the last
        window is ignored. A text without word pieces (empty, blank, control characters) gives zeros. Lone
        surrogates count as unreadable characters. Memory grows by 1.5 kB a token, up to 3 MB a text: pass
        some dozens of texts at a time.
        """
        found, truncated = self._windows(texts)
        parts: list[list[Encoded]] = [[] for _ in texts]
        # micro-batches are sorted by length: the windows of a text come back in any order
        encoded: dict[int, Encoded] = {}
        groups = _batches(found)
        batches = [self._special.batch([found[index].ids for index in group]) for group in groups]
        for group, output in zip(groups, self.encode_batches(batches), strict=True):
            for row, index in enumerate(group):
                encoded[index] = _encoded(found[index], output, row)
        for index, window in enumerate(found):
            parts[window.text].append(encoded.pop(index))
        # reversed, so that pop() frees the windows of a text as soon as they are joined
        parts.reverse()
        return [self._joined(parts.pop(), cut) for cut in truncated]

    def token_batches(self, texts: Sequence[str]) -> Iterator[TokenBatch]:
        """The batches that `encode` passes to `encode_tokens` for `texts`."""
        found, _ = self._windows(texts)
        for group in _batches(found):
            yield self._special.batch([found[index].ids for index in group])

    def encode_batches(self, batches: Sequence[TokenBatch]) -> Iterator[EncoderOutput]:
        """The bare model on batches as `token_batches` gives them: one output each, in order."""
        if len(batches) == 1:
            return iter([self.encode_tokens(*batches[0])])
        return self._threads.map(lambda batch: self.encode_tokens(*batch), batches)

    def encode_tokens(self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]) -> EncoderOutput:
        """The bare model, on ids and mask of shape (B, S): 1 for a token, 0 for padding on the right."""
        feed = {"input_ids": input_ids, "attention_mask": attention_mask}
        return EncoderOutput(*self._session.run(self._outputs, feed))

    def _windows(self, texts: Sequence[str]) -> tuple[list[_Window], list[bool]]:
        """The windows of all texts, in order, and for each text whether it was truncated."""
        size, most = self._section.max_tokens - 2, self._max_windows
        found: list[_Window] = []
        truncated: list[bool] = []
        for index, (text, read) in enumerate(
            zip(texts, read_pieces(self._tokenizer, texts, size * most), strict=True)
        ):
            end = 0
            for start, end in windows(text, read.offsets, size, most):
                found.append(_Window(index, read.ids[start:end], read.offsets[start:end]))
            truncated.append(read.truncated or end < len(read.ids))
        return found, truncated

    def _joined(self, parts: list[Encoded], truncated: bool) -> Encoded:
        """Joins the windows of one text, weighted by their numbers of tokens."""
        if not parts:
            return self._nothing()
        if len(parts) == 1:
            return replace(parts[0], truncated=truncated)
        weights = np.array([len(part.offsets) for part in parts], dtype=np.float32)
        layers = np.tensordot(weights / weights.sum(), np.stack([part.layers for part in parts]), axes=1)
        return Encoded(
            embedding=layers[-1] / np.linalg.norm(layers[-1]),
            layers=layers,
            token_states=np.concatenate([part.token_states for part in parts]),
            offsets=np.concatenate([part.offsets for part in parts]),
            tokens=sum(part.tokens for part in parts),
            truncated=truncated,
            windows=len(parts),
            branch=_mean_of_branches(parts, weights / weights.sum()),
        )

    def _nothing(self) -> Encoded:
        dimensions, layers = self._section.dimensions, self._section.layers + 1
        return Encoded(
            embedding=np.zeros(dimensions, dtype=np.float32),
            layers=np.zeros((layers, dimensions), dtype=np.float32),
            token_states=np.zeros((0, dimensions), dtype=np.float32),
            offsets=np.zeros((0, 2), dtype=np.int32),
            tokens=0,
            truncated=False,
            windows=0,
            branch=None
            if self._section.branch_labels is None
            else np.zeros(self._section.branch_labels, np.float32),
        )


def branches_of(encoded: Sequence[Encoded]) -> Floats | None:
    """(texts, labels): the branch's scores, where the encoder has a branch."""
    scores = [each.branch for each in encoded if each.branch is not None]
    return np.stack(scores) if scores else None


def _mean_of_branches(parts: Sequence[Encoded], shares: Floats) -> Floats | None:
    scores = [part.branch for part in parts if part.branch is not None]
    return np.tensordot(shares, np.stack(scores), axes=1) if scores else None


def session_options() -> ort.SessionOptions:
    """One thread a session: micro-batches run side by side instead."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # without the arena every run allocates from the system: slower, with a higher peak
    options.enable_cpu_mem_arena = True
    return options


def _batches(found: Sequence[_Window]) -> list[list[int]]:
    return micro_batches([len(window.ids) + 2 for window in found], TOKEN_BUDGET)


def _encoded(window: _Window, output: EncoderOutput, row: int) -> Encoded:
    offsets = np.zeros((len(window.ids) + 2, 2), dtype=np.int32)
    offsets[1:-1] = window.offsets
    return Encoded(
        embedding=output.embedding[row],
        layers=output.layers[row],
        token_states=output.token_states[row, : len(offsets)],
        offsets=offsets,
        tokens=len(window.ids),
        truncated=False,
        windows=1,
        branch=None if output.branch is None else output.branch[row],
    )
