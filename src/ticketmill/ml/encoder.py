"""The encoder: texts in, one pass through the model, everything that can be read off that pass out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from ticketmill.domain.errors import SetupError
from ticketmill.ml.bundle import ENCODER, TOKENIZER, Bundle

# Padded tokens that one run of the session may hold. Small on purpose: what passes between two layers then
# stays in the processor's caches. 4,096 took twice the time for the same texts, and 170 MB more memory.
TOKEN_BUDGET = 256

# A text is tokenized from its beginning, by windows of characters that grow until the limit is surely
# reached: 256 tokens of prose are some 1,200 characters, so that the first window nearly always does.
FIRST_WINDOW = 4096
WINDOW_GROWTH = 4

# What a window cuts off can change no token that ends this many characters before the cut, other than
# those of the word that is cut: the longest token matched across words, [MASK], has 6 characters.
CUT_MARGIN = 8

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """What one pass of the encoder says about one text of n tokens, [CLS] and [SEP] among them."""

    embedding: NDArray[np.float32]
    """(384,): the mean of `token_states`, of length 1; all zeros for a text without tokens."""
    layers: NDArray[np.float32]
    """(7, 384): the mean over the tokens after the embeddings and after each of the 6 layers, not scaled."""
    token_states: NDArray[np.float32]
    """(n, 384): the last layer; a view into the micro-batch, which lives as long as this does."""
    offsets: NDArray[np.int32]
    """(n, 2): where each token begins and ends in the text, in characters; (0, 0) for [CLS] and [SEP]."""
    tokens: int
    """Tokens of the text that were read: without [CLS] and [SEP], and without what was cut off."""
    truncated: bool
    """Whether the text goes on after the last token read."""


class EncoderOutput(NamedTuple):
    """What the session answers for a padded batch of B texts of at most S tokens."""

    layers: NDArray[np.float32]
    """(B, 7, 384)"""
    token_states: NDArray[np.float32]
    """(B, S, 384)"""
    embedding: NDArray[np.float32]
    """(B, 384)"""


class _Pieces(NamedTuple):
    """A text as word pieces, without [CLS] and [SEP], cut to the limit."""

    ids: list[int]
    offsets: list[tuple[int, int]]
    truncated: bool


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
        """`threads`: how many cores one run may use, at least 1."""
        if threads < 1:
            raise ValueError("threads must be at least 1")
        self._section = bundle.manifest.encoder
        self._tokenizer = Tokenizer.from_file(str(bundle.path(TOKENIZER)))
        # the published file cuts and pads to 128 tokens
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._cls, self._sep, self._pad = (self._special(token) for token in ("[CLS]", "[SEP]", "[PAD]"))
        self._session = ort.InferenceSession(
            str(bundle.path(ENCODER)), _session_options(threads), providers=["CPUExecutionProvider"]
        )

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """One Encoded for each text, in the order given.

        Texts may be of any length; what comes after 254 word pieces is not read. A text without a single
        word piece (empty, blank, control characters) gives zeros. Lone surrogates count as unreadable
        characters. Memory grows with the number of texts, by 1.5 kB a token: pass some hundreds at a time.
        """
        pieces = self._pieces(texts)
        encoded = [self._nothing() for _ in texts]
        readable = [index for index, piece in enumerate(pieces) if piece.ids]
        for group in micro_batches([len(pieces[index].ids) + 2 for index in readable], TOKEN_BUDGET):
            batch = [readable[position] for position in group]
            output = self.encode_tokens(*self._padded([pieces[index].ids for index in batch]))
            for row, index in enumerate(batch):
                encoded[index] = _encoded(pieces[index], output, row)
        return encoded

    def encode_tokens(self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]) -> EncoderOutput:
        """The bare model, on ids and mask of shape (B, S): 1 for a token, 0 for padding on the right."""
        feed = {"input_ids": input_ids, "attention_mask": attention_mask}
        return EncoderOutput(*self._session.run(list(EncoderOutput._fields), feed))

    def _special(self, token: str) -> int:
        found = self._tokenizer.token_to_id(token)
        if found is None:
            raise SetupError(f"the bundle's {TOKENIZER} has no {token}: it is not that of a BertModel")
        return found

    def _pieces(self, texts: Sequence[str]) -> list[_Pieces]:
        limit = self._section.max_tokens - 2
        pieces = [_Pieces([], [], truncated=False)] * len(texts)
        pending, window = [index for index, text in enumerate(texts) if text], FIRST_WINDOW
        while pending:
            # one character for another: offsets keep their meaning
            heads = [_SURROGATE.sub("\ufffd", texts[index][:window]) for index in pending]
            undecided = []
            for index, head, encoding in zip(
                pending, heads, self._tokenizer.encode_batch(heads, add_special_tokens=False), strict=True
            ):
                if len(head) == len(texts[index]) or _settled(encoding, len(head), limit):
                    ids, offsets = encoding.ids, encoding.offsets
                    pieces[index] = _Pieces(ids[:limit], offsets[:limit], truncated=len(ids) > limit)
                else:
                    undecided.append(index)
            pending, window = undecided, window * WINDOW_GROWTH
        return pieces

    def _padded(self, rows: list[list[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
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
        )


def _session_options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # without the arena, every run takes its memory from the system anew: slower, and more of it at the peak
    options.enable_cpu_mem_arena = True
    # threads that wait for work would spin on the core that the rest of the worker needs
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _settled(encoding: Encoding, characters: int, limit: int) -> bool:
    """Whether the first `limit` tokens stay the same, and others follow, however the cut text goes on."""
    words = encoding.word_ids
    return (
        len(words) > limit
        and words[limit - 1] != words[-1]
        and encoding.offsets[limit - 1][1] <= characters - CUT_MARGIN
    )


def _encoded(pieces: _Pieces, output: EncoderOutput, row: int) -> Encoded:
    offsets = np.zeros((len(pieces.ids) + 2, 2), dtype=np.int32)
    offsets[1:-1] = pieces.offsets
    return Encoded(
        embedding=output.embedding[row],
        layers=output.layers[row],
        token_states=output.token_states[row, : len(offsets)],
        offsets=offsets,
        tokens=len(pieces.ids),
        truncated=pieces.truncated,
    )
