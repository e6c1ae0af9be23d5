"""Splits texts into word pieces, lazily, and word pieces into the encoder's windows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tokenizers import Encoding, Tokenizer

from ticketmill.batching import grouped

# The tokenizer gets the first FIRST_STRETCH characters of a text, then STRETCH_GROWTH times as many, until
# the limit of pieces is reached. 2,032 pieces of prose are about 10,000 characters: one stretch is
# usually enough.
FIRST_STRETCH = 16_384
STRETCH_GROWTH = 4

# Characters that are tokenized at once. The tokenizer needs about 100 bytes for each of them.
HELD_CHARACTERS = 1 << 18

# A cut changes the tokens of the word that it cuts, and no other token that ends this many characters
# before it: the longest token that is matched across words, [MASK], has 6 characters.
CUT_MARGIN = 8

# A window ends where a sentence or line ends, if one does among its last pieces.
BORDER_PIECES = 64

_SURROGATE = re.compile("[\ud800-\udfff]")
_SENTENCE_END = re.compile(r"[.!?…][\"')\]]*\s|[。！？\n]")  # noqa: RUF001 - full stops of Chinese


class Pieces(NamedTuple):
    """A text as word pieces, without [CLS] and [SEP], cut to the limit; `offsets` are in characters."""

    ids: list[int]
    offsets: list[tuple[int, int]]
    truncated: bool


def read_pieces(
    tokenizer: Tokenizer, texts: Sequence[str], limit: int, first_stretch: int = FIRST_STRETCH
) -> list[Pieces]:
    """The first `limit` word pieces of each text, the same as if all of the text had been tokenized."""
    pieces = [Pieces([], [], truncated=False)] * len(texts)
    pending, stretch = [index for index, text in enumerate(texts) if text], first_stretch
    while pending:
        undecided: list[int] = []
        for group in _held_at_once(pending, texts, stretch):
            # one character for another: offsets keep their meaning
            heads = [_SURROGATE.sub("\ufffd", texts[index][:stretch]) for index in group]
            encodings = tokenizer.encode_batch(heads, add_special_tokens=False)
            for index, head, encoding in zip(group, heads, encodings, strict=True):
                if len(head) == len(texts[index]) or _is_final(encoding, len(head), limit):
                    ids, offsets = encoding.ids, encoding.offsets
                    pieces[index] = Pieces(ids[:limit], offsets[:limit], truncated=len(ids) > limit)
                else:
                    undecided.append(index)
        pending, stretch = undecided, stretch * STRETCH_GROWTH
    return pieces


def windows(text: str, offsets: Sequence[tuple[int, int]], size: int, most: int) -> list[tuple[int, int]]:
    """Cuts the pieces at `offsets` of `text` into up to `most` ranges of up to `size` pieces each.

    A range ends where a sentence or line ends, if one does among its last pieces.
    """
    ranges: list[tuple[int, int]] = []
    start = 0
    while start < len(offsets) and len(ranges) < most:
        end = min(start + size, len(offsets))
        if end < len(offsets):
            end = _border(text, offsets, max(start, end - BORDER_PIECES), end)
        ranges.append((start, end))
        start = end
    return ranges


def _border(text: str, offsets: Sequence[tuple[int, int]], first: int, last: int) -> int:
    """The last piece in `first` + 1 … `last` after the end of a sentence or line; `last` if there is none."""
    for piece in range(last, first, -1):
        if _SENTENCE_END.search(text, offsets[piece - 1][0], offsets[piece][0]):
            return piece
    return last


def _held_at_once(indexes: Sequence[int], texts: Sequence[str], stretch: int) -> Iterator[list[int]]:
    return grouped(indexes, lambda index: min(len(texts[index]), stretch), HELD_CHARACTERS)


def _is_final(encoding: Encoding, characters: int, limit: int) -> bool:
    """Whether there are over `limit` tokens, and the rest of the text cannot change the first `limit`."""
    words = encoding.word_ids
    return (
        len(words) > limit
        and words[limit - 1] != words[-1]
        and encoding.offsets[limit - 1][1] <= characters - CUT_MARGIN
    )
