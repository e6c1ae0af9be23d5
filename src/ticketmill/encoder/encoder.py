"""The encoder: texts in, one pass through the model, everything that can be read off that pass out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ticketmill.domain.errors import SetupError
from ticketmill.encoder.bundle import ENCODER, TOKENIZER, Bundle
from ticketmill.encoder.tokenizer import read_pieces, windows

# Padded tokens that one run of the session may hold. Small on purpose: what passes between two layers then
# stays in the processor's caches. 4,096 took twice the time for the same texts, and 170 MB more memory.
TOKEN_BUDGET = 256

# onnxruntime's fusion of addition and normalization is slower than the two of them
SLOW_FUSIONS = ["SkipLayerNormFusion"]


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """What the encoder says about one text, read in one window or more, with n tokens in all of them.

    Every window has a [CLS] and a [SEP] of its own, which are among the n.
    """

    embedding: NDArray[np.float32]
    """(384,): the mean of `token_states`, of length 1; all zeros for a text without tokens."""
    layers: NDArray[np.float32]
    """(7, 384): the mean over the tokens after the embeddings and after each of the 6 layers, not scaled."""
    token_states: NDArray[np.float32]
    """(n, 384): the last layer; may be a view into the micro-batch, which lives as long as this does."""
    offsets: NDArray[np.int32]
    """(n, 2): where each token begins and ends in the text, in characters; (0, 0) for [CLS] and [SEP]."""
    tokens: int
    """Tokens of the text that were read: without [CLS] and [SEP], and without what was cut off."""
    truncated: bool
    """Whether the text goes on after the last token read."""
    windows: int
    """How many windows it was read in; 0 for a text without tokens."""


class EncoderOutput(NamedTuple):
    """What the session answers for a padded batch of B texts of at most S tokens."""

    layers: NDArray[np.float32]
    """(B, 7, 384)"""
    token_states: NDArray[np.float32]
    """(B, S, 384)"""
    embedding: NDArray[np.float32]
    """(B, 384)"""


TokenBatch = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Token ids and mask, (B, S) each: 1 for a token, 0 for padding on the right."""


class _Window(NamedTuple):
    """Some pieces of the text at the place `text`."""

    text: int
    ids: list[int]
    offsets: list[tuple[int, int]]


def micro_batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Groups the indexes of `lengths` so that no group, padded to its longest, holds more than `budget`.

    Lengths are in tokens and positive. The longest come first, neighbours in a group are as equal as can be,
    and equal lengths keep their order. A length above the budget has a group of its own.
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
    """Turns texts into vectors with the encoder of one bundle. Threads may share it.

    Creating one reads the model: some 0.25 s and 140 MB, which grow to about 180 MB in use. Raises
    SetupError when the tokenizer in the bundle is not that of a BertModel.
    """

    def __init__(self, bundle: Bundle, threads: int) -> None:
        """`threads`: how many micro-batches may run at once, each on one core; at least 1.

        Two cores with a micro-batch each do 1.4 times what they do together on one after the other.
        """
        if threads < 1:
            raise ValueError("threads must be at least 1")
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="encode")
        self._section = bundle.manifest.encoder
        self._tokenizer = Tokenizer.from_file(str(bundle.path(TOKENIZER)))
        # the published file cuts and pads to 128 tokens
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._cls, self._sep, self._pad = (self._special(token) for token in ("[CLS]", "[SEP]", "[PAD]"))
        self._session = ort.InferenceSession(
            str(bundle.path(ENCODER)),
            _session_options(),
            providers=["CPUExecutionProvider"],
            disabled_optimizers=SLOW_FUSIONS,
        )

    @property
    def most_tokens(self) -> int:
        """The most tokens of one text that are read, [CLS] and [SEP] of every window among them."""
        return self._section.max_tokens * self._section.max_windows

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """One Encoded for each text, in the order given.

        Texts may be of any length: they are read in windows of up to 254 word pieces, and what comes after
        the last window is not read. A text without a single word piece (empty, blank, control characters)
        gives zeros. Lone surrogates count as unreadable characters. Memory grows with the number of texts,
        by 1.5 kB a token, up to 3 MB a text: pass some dozens at a time.
        """
        found, truncated = self._windows(texts)
        parts: list[list[Encoded]] = [[] for _ in texts]
        # micro-batches are by length: the windows of a text come back in any order
        encoded: dict[int, Encoded] = {}
        groups = _batches(found)
        batches = [self._padded([found[position].ids for position in group]) for group in groups]
        for group, output in zip(groups, self.encode_batches(batches), strict=True):
            for row, position in enumerate(group):
                encoded[position] = _encoded(found[position], output, row)
        for position, window in enumerate(found):
            parts[window.text].append(encoded.pop(position))
        # the windows of a text are let go as soon as they are joined
        parts.reverse()
        return [self._joined(parts.pop(), cut) for cut in truncated]

    def token_batches(self, texts: Sequence[str]) -> Iterator[TokenBatch]:
        """What `encode` passes to `encode_tokens` for `texts`, batch by batch."""
        found, _ = self._windows(texts)
        for group in _batches(found):
            yield self._padded([found[position].ids for position in group])

    def encode_batches(self, batches: Sequence[TokenBatch]) -> Iterator[EncoderOutput]:
        """The bare model on ids and masks as of `token_batches`: one output each, in order."""
        if len(batches) == 1:
            return iter([self.encode_tokens(*batches[0])])
        return self._threads.map(lambda batch: self.encode_tokens(*batch), batches)

    def encode_tokens(self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]) -> EncoderOutput:
        """The bare model, on ids and mask of shape (B, S): 1 for a token, 0 for padding on the right."""
        feed = {"input_ids": input_ids, "attention_mask": attention_mask}
        return EncoderOutput(*self._session.run(list(EncoderOutput._fields), feed))

    def _special(self, token: str) -> int:
        found = self._tokenizer.token_to_id(token)
        if found is None:
            raise SetupError(f"the bundle's {TOKENIZER} has no {token}: it is not that of a BertModel")
        return found

    def _windows(self, texts: Sequence[str]) -> tuple[list[_Window], list[bool]]:
        """The windows of all texts, in order, and for each text whether it goes on after its last."""
        size, most = self._section.max_tokens - 2, self._section.max_windows
        found: list[_Window] = []
        truncated: list[bool] = []
        for position, (text, read) in enumerate(
            zip(texts, read_pieces(self._tokenizer, texts, size * most), strict=True)
        ):
            end = 0
            for start, end in windows(text, read.offsets, size, most):
                found.append(_Window(position, read.ids[start:end], read.offsets[start:end]))
            truncated.append(read.truncated or end < len(read.ids))
        return found, truncated

    def _joined(self, parts: list[Encoded], truncated: bool) -> Encoded:
        """The windows of one text as one, each with the weight of its tokens."""
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
        )

    def _padded(self, rows: list[list[int]]) -> TokenBatch:
        """Token ids and mask, (B, S) each, with [CLS] and [SEP] around every row."""
        longest = max(map(len, rows)) + 2
        input_ids = np.full((len(rows), longest), self._pad, dtype=np.int64)
        attention_mask = np.zeros((len(rows), longest), dtype=np.int64)
        for row, ids in enumerate(rows):
            input_ids[row, : len(ids) + 2] = [self._cls, *ids, self._sep]
            attention_mask[row, : len(ids) + 2] = 1
        return input_ids, attention_mask

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
        )


def _session_options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # without the arena, every run takes its memory from the system anew: slower, and more of it at the peak
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
    )
