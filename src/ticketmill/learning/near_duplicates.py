"""Near-duplicates among texts: pairs that share most of their runs of five characters.

MinHash finds candidates in time that grows with the number of texts, the exact Jaccard index decides. No text
is encoded for it. The same texts give the same pairs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SHINGLE_CHARS = 5
MAX_CHARS = 4000
"""Of a text. Two that agree so far are near-duplicates."""
HASHES = 64
BANDS = 16
"""Of four hashes each: a pair of index .7 is a candidate in 99 of 100 cases, one of .3 in 12."""
TEXTS_AT_ONCE = 1000
NEIGHBOURS = 32
"""In a crowd of equal hashes each text is compared with so many before it: they are joined all the same."""
SIMILAR = 0.7
"""Jaccard index from which two texts are near-duplicates."""

Hashes = NDArray[np.uint64]

_SEPARATORS = re.compile(r"[^\w]+")
_PRIME = np.uint64(0x100000001B3)
_MIX = np.uint64(0x9E3779B97F4A7C15)


def near_duplicates(texts: Sequence[str], similar: float = SIMILAR) -> list[tuple[int, int]]:
    """Pairs of indexes of near-duplicates, in order. Texts without letters and digits have none."""
    plain = [normalised(text)[:MAX_CHARS] for text in texts]
    first: dict[str, int] = {}
    pairs = [(first.setdefault(text, at), at) for at, text in enumerate(plain) if text]
    pairs = [pair for pair in pairs if pair[0] != pair[1]]
    distinct = np.array(list(first.values()), np.intp)
    if len(distinct) < 2:
        return pairs
    shingles = [
        _shingles([plain[at] for at in distinct[start : start + TEXTS_AT_ONCE]])
        for start in range(0, len(distinct), TEXTS_AT_ONCE)
    ]
    likely = _candidates(np.concatenate([_signatures(each) for each in shingles]), similar)
    of_text = [hashes for each in shingles for hashes in np.split(each.hashes, each.starts[1:])]
    return pairs + [
        (int(distinct[one]), int(distinct[other]))
        for one, other in likely
        if _jaccard(of_text[one], of_text[other]) >= similar
    ]


def normalised(text: str) -> str:
    """Lower case, with one space between words, and nothing else."""
    return _SEPARATORS.sub(" ", text.lower()).strip()


class _Shingles(NamedTuple):
    """The hashes of all runs of five characters of several texts, one text after the other."""

    hashes: Hashes
    starts: NDArray[np.intp]
    """Where each text begins in `hashes`."""


def _shingles(texts: Sequence[str]) -> _Shingles:
    padded = [f"  {text}  " for text in texts]
    joined = "".join(padded).encode("utf-32-le", "surrogatepass")
    codes = np.frombuffer(joined, np.uint32).astype(np.uint64)
    ends = np.cumsum([len(each) for each in padded])
    count = len(codes) - SHINGLE_CHARS + 1
    hashes = np.zeros(count, np.uint64)
    for at in range(SHINGLE_CHARS):
        hashes = hashes * _PRIME + codes[at : at + count]
    hashes = (hashes ^ (hashes >> np.uint64(31))) * _MIX
    within = np.ones(count, np.bool_)
    for at in range(1, SHINGLE_CHARS):
        within[ends[:-1] - at] = False  # a run that begins in one text and ends in the next
    lengths = np.diff(ends, prepend=0) - SHINGLE_CHARS + 1
    return _Shingles((hashes ^ (hashes >> np.uint64(29)))[within], np.cumsum(lengths) - lengths)


def _signatures(shingles: _Shingles) -> Hashes:
    """(texts, HASHES): the smallest of each text's shingles by each of the hash functions."""
    random = np.random.default_rng(0)
    factors = random.integers(0, 2**63, HASHES, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    offsets = random.integers(0, 2**63, HASHES, dtype=np.uint64)
    smallest = [
        np.minimum.reduceat(shingles.hashes * factor + offset, shingles.starts)
        for factor, offset in zip(factors, offsets, strict=True)
    ]
    return np.stack(smallest, axis=1)


def _candidates(signatures: Hashes, similar: float) -> list[tuple[int, int]]:
    """Pairs that agree in all hashes of a band, and in about as many hashes as pairs of that index do."""
    found = {pair for band in np.split(signatures, BANDS, axis=1) for pair in _equal_rows(band)}
    if not found:
        return []
    pairs = np.array(sorted(found), np.intp)
    agreed = (signatures[pairs[:, 0]] == signatures[pairs[:, 1]]).mean(axis=1)
    # three standard errors below: fewer than one in a hundred is missed
    slack = 3 * np.sqrt(similar * (1 - similar) / HASHES)
    return [(int(one), int(other)) for one, other in pairs[agreed >= similar - slack]]


def _equal_rows(band: Hashes) -> Iterator[tuple[int, int]]:
    rows = np.ascontiguousarray(band).view(np.dtype((np.void, band.shape[1] * band.itemsize))).ravel()
    order = np.argsort(rows, kind="stable")
    equal = np.concatenate([[False], rows[order][1:] == rows[order][:-1], [False]])
    starts = np.flatnonzero(equal[1:] & ~equal[:-1])
    ends = np.flatnonzero(equal[:-1] & ~equal[1:])
    for start, end in zip(starts, ends, strict=True):
        crowd = order[start : end + 1]
        for at in range(1, len(crowd)):
            for other in crowd[max(0, at - NEIGHBOURS) : at]:
                yield int(other), int(crowd[at])


def _jaccard(one: Hashes, other: Hashes) -> float:
    left, right = set(one.tolist()), set(other.tolist())
    return len(left & right) / len(left | right)
