"""Near-duplicates among texts: pairs that share most of their runs of five characters.

MinHash finds candidates in time that grows with the number of texts, the exact Jaccard index decides. No text
is encoded for it. The same texts give the same pairs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

SHINGLE_CHARS = 5
MAX_CHARS = 4000
"""Of a text. Two that agree so far are near-duplicates."""
HASHES = 64
BANDS = 16
"""Of four hashes each: a pair of index .7 is a candidate in 99 of 100 cases, one of .3 in 12."""
NEIGHBOURS = 8
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
    distinct = list(first.values())
    shingles = [_shingles(plain[at]) for at in distinct]
    if len(distinct) > 1:
        pairs += [
            (distinct[one], distinct[other])
            for one, other in sorted(_candidates(_signatures(shingles)))
            if _jaccard(shingles[one], shingles[other]) >= similar
        ]
    return pairs


def normalised(text: str) -> str:
    """Lower case, with one space between words, and nothing else."""
    return _SEPARATORS.sub(" ", text.lower()).strip()


def _shingles(text: str) -> Hashes:
    """Distinct hashes of all runs of five characters of a text with letters."""
    codes = np.frombuffer(f" {text} ".encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    codes = np.pad(codes, (0, max(0, SHINGLE_CHARS - len(codes))))
    count = len(codes) - SHINGLE_CHARS + 1
    hashes = np.zeros(count, np.uint64)
    for at in range(SHINGLE_CHARS):
        hashes = hashes * _PRIME + codes[at : at + count]
    hashes = (hashes ^ (hashes >> np.uint64(31))) * _MIX
    return np.unique(hashes ^ (hashes >> np.uint64(29)))


def _signatures(shingles: Sequence[Hashes]) -> Hashes:
    """(texts, HASHES): the smallest of each text's shingles by each of the hash functions."""
    random = np.random.default_rng(0)
    factors = random.integers(0, 2**63, HASHES, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    offsets = random.integers(0, 2**63, HASHES, dtype=np.uint64)
    return np.stack([(each[:, None] * factors + offsets).min(axis=0) for each in shingles])


def _candidates(signatures: Hashes) -> set[tuple[int, int]]:
    """Pairs that agree in all hashes of a band."""
    return {pair for band in np.split(signatures, BANDS, axis=1) for pair in _equal_rows(band)}


def _equal_rows(band: Hashes) -> Iterator[tuple[int, int]]:
    _, which = np.unique(band, axis=0, return_inverse=True)
    order = np.argsort(which.ravel(), kind="stable")
    edges = np.flatnonzero(np.diff(which.ravel()[order])) + 1
    for crowd in np.split(order, edges):
        for at in range(1, len(crowd)):
            for other in crowd[max(0, at - NEIGHBOURS) : at]:
                yield int(other), int(crowd[at])


def _jaccard(one: Hashes, other: Hashes) -> float:
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)
