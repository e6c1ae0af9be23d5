"""A batch of texts as words and hashed n-grams, by NumPy over code points: no loop over characters.

Every hash is a polynomial in the code points, modulo 2**64: the same on every machine and in every version
of Python. The shipped heads are tables indexed by these hashes.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

# Words are read up to this many characters: the first page says what a ticket is about, and a pasted log must
# not cost more than a ticket.
MAX_CHARS = 4000
BUCKET_BITS = 16
CHAR_NGRAMS = (3, 4, 5)

SPACE, WORD, DIGIT, SHOUT, SIGN = range(5)

_WORDS = re.compile(r"\S+")
_LONGEST_WORD = 64
_KNOWN = 0x3000
_ASTRAL = 0x10000
_UPPER_BELOW = 0x2000
_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_HALF = np.uint64(32)
_TO_BUCKET = np.uint64(64 - BUCKET_BITS)

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Number = TypeVar("Number", np.int64, np.uint64)


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """The words and signs of n texts, T in total, in the order of the texts."""

    texts: Sequence[str]
    """The n texts, as they are."""
    text: Ints
    """(T,): the token's text."""
    start: Ints
    """(T,): where it begins in that text, in characters."""
    end: Ints
    """(T,)"""
    hashes: Hashes
    """(T,): of its characters in lower case; 3 or more digits count as one 0."""
    kind: NDArray[np.uint8]
    """(T,): WORD, DIGIT (nothing but digits), SHOUT (! and ?) or SIGN."""
    codes: NDArray[np.uint32]
    """(C,): the tokens' code points in lower case; every run of space is one blank."""
    owner: Ints
    """(C,): the text of each of `codes`."""
    upper: NDArray[np.bool_]
    """(T,): whether it is a word of at least three letters, all capitals."""

    def span(self, first: int, last: int) -> str:
        """The original text from token `first` to token `last`."""
        return self.texts[int(self.text[first])][int(self.start[first]) : int(self.end[last])]


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Hashed n-grams of n texts: text `text[i]` has those of bucket `bucket[i]` `count[i]` times."""

    text: Ints
    bucket: Ints
    count: Ints


def read_tokens(texts: Sequence[str]) -> Tokens:
    """Words ([letters, digits, apostrophes]), runs of ! and ?, and all other signs one by one."""
    plain = [beginning(text) for text in texts]
    joined = "".join(f"{text}\n" for text in plain)
    raw = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.array([len(text) + 1 for text in plain], np.int64)
    begins = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
    owner = np.repeat(np.arange(len(texts)), lengths)
    codes, kind = _folded(raw)
    kept = np.flatnonzero(_says_something(kind))
    is_upper = (codes != raw)[kept] & (raw[kept] < _UPPER_BELOW)
    codes, kind, owner = codes[kept], kind[kept], owner[kept]
    group = np.where(kind == DIGIT, WORD, kind)
    opens = np.ones(len(codes), np.bool_)
    opens[1:] = (group[1:] != group[:-1]) | (group[1:] == SIGN)
    bounds = np.flatnonzero(opens)
    sizes = np.diff(bounds, append=len(codes))
    position = np.minimum(np.arange(len(codes)) - np.repeat(bounds, sizes), _LONGEST_WORD - 1)
    hashes = _mixed(_sums(codes.astype(np.uint64) * _powers()[position], bounds))
    digits = _sums((kind == DIGIT).astype(np.int64), bounds)
    uppers = _sums(is_upper.astype(np.int64), bounds)
    real = np.flatnonzero(group[bounds] != SPACE)
    first, size = bounds[real], sizes[real]
    whose = owner[first]
    return Tokens(
        texts=texts,
        text=whose,
        start=kept[first] - begins[whose],
        # up to the next kept character: only digits are dropped right after a token, and they belong to it
        end=kept[first + size] - begins[whose],
        hashes=hashes[real],
        kind=np.where(digits[real] == size, DIGIT, group[first]).astype(np.uint8),
        codes=codes,
        owner=owner,
        upper=(uppers[real] == size) & (size >= 3),
    )


def beginning(text: str) -> str:
    """The text up to `MAX_CHARS` characters, a run of space counted as one: blanked parts cost nothing."""
    if len(text) <= MAX_CHARS:
        return text
    seen = 0
    for word in _WORDS.finditer(text):
        seen += word.end() - word.start() + 1
        if seen > MAX_CHARS:
            return text[: max(word.end() - (seen - MAX_CHARS), 0)]
    return text


def ngram_hashes(tokens: Tokens, hashes: Hashes | None = None) -> tuple[tuple[Ints, Hashes], ...]:
    """For one, two and three tokens in a row: the indexes of the first tokens, and the hashes.

    `hashes` (T,) replace the tokens' own hashes.
    """
    single = tokens.hashes if hashes is None else hashes
    pair = np.flatnonzero(tokens.text[1:] == tokens.text[:-1])
    triple = np.flatnonzero(tokens.text[2:] == tokens.text[:-2])
    return (
        (np.arange(len(single)), single),
        (pair, joined_hashes(single[pair], single[pair + 1])),
        (triple, joined_hashes(joined_hashes(single[triple], single[triple + 1]), single[triple + 2])),
    )


def joined_hashes(left: Hashes, right: Hashes) -> Hashes:
    """The hash of a sequence of two."""
    return _mixed(left * _BASE + right)


def buckets_of(hashes: Hashes) -> Ints:
    """Hashes to 0 … 65535: their leading bits."""
    return (hashes >> _TO_BUCKET).astype(np.int64)


def word_counts(tokens: Tokens) -> Counts:
    """Single tokens and pairs of neighbours, hashed and counted by text."""
    (_, single), (pair, joined), _ = ngram_hashes(tokens)
    return _counted(
        np.concatenate([tokens.text, tokens.text[pair]]), buckets_of(np.concatenate([single, joined]))
    )


def char_counts(tokens: Tokens) -> Counts:
    """Runs of 3 to 5 characters within words, including the blanks around a word."""
    codes = np.where((tokens.codes >= 0x30) & (tokens.codes <= 0x39), 0x30, tokens.codes).astype(np.uint64)
    # a blank also precedes the first word
    codes = np.concatenate([np.array([0x20], np.uint64), codes])
    owner = np.concatenate([tokens.owner[:1], tokens.owner])
    blanks = np.concatenate([[0], np.cumsum(codes == 0x20)])
    texts, buckets = [], []
    longest = len(codes) - CHAR_NGRAMS[0] + 1
    rolling = codes[: max(longest, 0) + CHAR_NGRAMS[0] - 1]
    for size in range(2, CHAR_NGRAMS[-1] + 1):
        rolling = rolling[:-1] * _BASE + codes[size - 1 :]
        if size in CHAR_NGRAMS and len(rolling):
            starts = np.arange(len(rolling))
            inside = np.flatnonzero(blanks[starts + size - 1] == blanks[starts + 1])
            texts.append(owner[inside + 1])
            buckets.append(buckets_of(_mixed(rolling[inside] + np.uint64(size))))
    if not texts:
        return _counted(np.zeros(0, np.int64), np.zeros(0, np.int64))
    return _counted(np.concatenate(texts), np.concatenate(buckets))


def line_counts(tokens: Tokens) -> Counts:
    """Whole lines by their words alone, hashed and counted by text: templates and forms say them alike."""
    words = np.flatnonzero(tokens.kind == WORD)
    text, line = tokens.text[words], _lines_of(tokens)[words]
    opens = np.ones(len(words), np.bool_)
    opens[1:] = (text[1:] != text[:-1]) | (line[1:] != line[:-1])
    bounds = np.flatnonzero(opens)
    position = np.arange(len(words)) - np.repeat(bounds, np.diff(bounds, append=len(words)))
    weighted = tokens.hashes[words] * _powers()[np.minimum(position, _LONGEST_WORD - 1)]
    return _counted(text[bounds], buckets_of(_mixed(_sums(weighted, bounds))))


def _lines_of(tokens: Tokens) -> Ints:
    """(T,): how many line breaks precede each token in its text."""
    lines = np.zeros(len(tokens.text), np.int64)
    firsts = np.searchsorted(tokens.text, np.arange(len(tokens.texts) + 1))
    for text, first, last in zip(tokens.texts, firsts[:-1], firsts[1:], strict=True):
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        lines[first:last] = np.searchsorted(np.flatnonzero(codes == ord("\n")), tokens.start[first:last])
    return lines


def _counted(text: Ints, bucket: Ints) -> Counts:
    keys = np.sort((text << BUCKET_BITS) | bucket)
    opens = np.ones(len(keys), np.bool_)
    opens[1:] = keys[1:] != keys[:-1]
    bounds = np.flatnonzero(opens)
    unique = keys[bounds]
    return Counts(unique >> BUCKET_BITS, unique & ((1 << BUCKET_BITS) - 1), np.diff(bounds, append=len(keys)))


def _folded(raw: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """Code points in lower case, and the kind of each. The first digit of three or more becomes 0."""
    lower, kinds = _tables()
    known = np.minimum(raw, _KNOWN - 1)
    codes = np.where(raw < _KNOWN, lower[known], raw)
    kind = np.where(raw < _KNOWN, kinds[known], np.where(raw < _ASTRAL, WORD, SIGN)).astype(np.uint8)
    digit = kind == DIGIT
    long_run = digit[:-2] & digit[1:-1] & digit[2:]
    opens = np.flatnonzero(long_run & ~np.concatenate([[False], digit[:-3]])[: len(long_run)])
    codes[opens] = ord("0")
    return codes, kind


def _says_something(kind: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """All except repeated blanks, and the digits after the first of three or more."""
    kept = np.ones(len(kind), np.bool_)
    blank, digit = kind == SPACE, kind == DIGIT
    kept[1:] &= ~(blank[1:] & blank[:-1])
    # a digit goes if it is the second, or a later one, of three in a row
    three = digit[:-2] & digit[1:-1] & digit[2:]
    kept[1:-1] &= ~three
    kept[2:] &= ~three
    return kept


def _sums(values: NDArray[Number], bounds: Ints) -> NDArray[Number]:
    """Sums of `values` from each bound to the next, modulo their range."""
    if not len(bounds):
        return values[:0]
    return np.asarray(np.add.reduceat(values, bounds), values.dtype)


def _mixed(hashes: Hashes) -> Hashes:
    """Every bit of a hash spread over all of them (the finaliser of MurmurHash3, shortened)."""
    hashes = (hashes ^ (hashes >> _HALF)) * _MIX
    return hashes ^ (hashes >> _HALF)


@functools.cache
def _powers() -> Hashes:
    return np.cumprod(np.full(_LONGEST_WORD, _BASE), dtype=np.uint64)


@functools.cache
def _tables() -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """For the code points below 0x3000: in lower case, and their kind."""
    lower = np.arange(_KNOWN, dtype=np.uint32)
    kinds = np.full(_KNOWN, SIGN, np.uint8)
    # the alphabets of Europe: stable in Unicode for decades
    for code in range(0x250, 0x530):
        kinds[code] = WORD
    for code in (*range(0x41, 0x5B), *range(0x61, 0x7B), *range(0xC0, 0x250)):
        kinds[code] = WORD
    for code in range(_KNOWN):
        small = chr(code).lower()
        if kinds[code] == WORD and len(small) == 1 and ord(small) < _KNOWN:
            lower[code] = ord(small)
    kinds[0x530:0x2000] = WORD
    kinds[ord("0") : ord("9") + 1] = DIGIT
    kinds[[ord("!"), ord("?")]] = SHOUT
    kinds[[0xD7, 0xF7]] = SIGN  # times, divided by
    for apostrophe in "'\u2018\u2019":
        kinds[ord(apostrophe)], lower[ord(apostrophe)] = WORD, ord("'")
    for blank in (*range(0x21), 0x7F, 0x85, 0xA0, *range(0x2000, 0x2010), 0x2028, 0x2029, 0x202F):
        kinds[blank], lower[blank] = SPACE, ord(" ")
    return lower, kinds
