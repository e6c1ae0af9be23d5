"""Many vectors in a third of the memory: found by the signs of their numbers, then ranked by 10 bits of each.

The first step compares the question, at 4 bits a number, with the signs alone: 48 bytes a vector of 384. It
keeps one vector in 50. The second step takes the cosines of those from int8, and the third those of the best
with two bits more. The idea is that of RaBitQ (Gao and Long 2024, https://arxiv.org/abs/2405.12497), without
its random rotation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Bools, Floats

Positions = NDArray[np.intp]

BLOCK = 65_536
"""Entries whose arrays are made together: growing copies nothing, and what readers see stays."""
KEPT_SHARE = 50
"""Of so many vectors the first step keeps one: then recall@10 is .99 even of random vectors."""
MIN_KEPT = 8000
MIN_RANKED = 100
"""So many of the second step get to the third."""
QUESTION_BITS = 4
RANKED_AT_ONCE = 1024
SCORED_AT_ONCE = 16_384
"""What fits into the processor's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    codes: NDArray[np.int8]
    """(entries, dimensions)"""
    scales: Floats
    """(entries,): the vector is its codes times that."""
    rest: NDArray[np.uint8]
    """(entries, dimensions / 4): two bits a number, in which quarter of its code's step it is."""
    signs: NDArray[np.uint64]
    """(words, entries): a bit a number, set where it is above zero."""
    set_bits: NDArray[np.int16]
    """(entries,)"""


class CompressedVectors:
    """Vectors of length 1 by position. Readers need no lock; one thread may add."""

    def __init__(self, dimensions: int) -> None:
        self._dimensions = dimensions
        self._words = -(-dimensions // 64)
        self._blocks: list[_Block] = []
        self._entries = 0

    def __len__(self) -> int:
        return self._entries

    @property
    def shape(self) -> tuple[int, int]:
        """(entries, dimensions)"""
        return self._entries, self._dimensions

    def __getitem__(self, positions: int | slice | Sequence[int] | NDArray[Any]) -> Floats:
        """(dimensions,) for a number, else (positions, dimensions); off by 0.1% of the largest at most."""
        if isinstance(positions, int | np.integer):
            row: Floats = self[[int(positions)]][0]
            return row
        if isinstance(positions, slice):
            positions = np.arange(*positions.indices(len(self)))
        wanted = np.asarray(positions)
        if wanted.dtype == np.bool_:
            wanted = np.flatnonzero(wanted)
        wanted = np.where(wanted < 0, wanted + len(self), wanted).astype(np.intp)
        rows = np.empty((len(wanted), self._dimensions), np.float32)
        for number, block in enumerate(self._blocks):
            here = np.flatnonzero(wanted // BLOCK == number)
            inside = wanted[here] - number * BLOCK
            rows[here] = self._rows(block, inside)
        return rows

    def mean(self) -> Floats:
        """(dimensions,)"""
        starts = range(0, len(self), SCORED_AT_ONCE)
        sums = [self[start : start + SCORED_AT_ONCE].sum(axis=0) for start in starts]
        return np.asarray(np.sum(sums, axis=0) / max(1, len(self)), np.float32)

    def add(self, vectors: Floats) -> None:
        """`vectors`: (new entries, dimensions), of length 1."""
        while len(vectors):
            at = len(self) % BLOCK
            if at == 0:
                self._blocks.append(_empty_block(self._dimensions, self._words))
            some, vectors = vectors[: BLOCK - at], vectors[BLOCK - at :]
            block, here = self._blocks[-1], slice(at, at + len(some))
            scales = np.maximum(np.abs(some).max(axis=1), np.float32(1e-30)) / np.float32(127)
            steps = some / scales[:, None]
            codes = np.rint(steps)
            block.codes[here] = codes
            block.rest[here] = _quarters(steps - codes, block.rest.shape[1])
            block.scales[here] = scales
            block.signs[:, here] = _packed(some > 0, self._words)
            block.set_bits[here] = (some > 0).sum(axis=1)
            self._entries += len(some)

    def nearest(self, question: Floats, most: int, mask: Bools | None = None) -> tuple[Positions, Floats]:
        """Positions and cosines of up to `most` entries, the nearest first; of those in `mask` alone."""
        entries = len(self) if mask is None else len(mask)
        allowed = None if mask is None else np.flatnonzero(mask)
        count = entries if allowed is None else len(allowed)
        kept = max(MIN_KEPT, 20 * most, count // KEPT_SHARE)
        if count <= kept:
            candidates = np.arange(entries) if allowed is None else allowed
        else:
            scores = self._sign_scores(question, entries)
            candidates = (
                _highest(scores, kept) if allowed is None else allowed[_highest(scores[allowed], kept)]
            )
        cosines = self._cosines(candidates, question)
        best = candidates[np.sort(np.argsort(-cosines, kind="stable")[: max(MIN_RANKED, 4 * most)])]
        cosines = self[best] @ question
        order = np.argsort(-cosines, kind="stable")[:most]
        return best[order], cosines[order]

    def _sign_scores(self, question: Floats, entries: int) -> NDArray[np.int32]:
        """(entries,): what ranks as the products of the question and the vectors' signs do.

        A number of the question is about step · (level - 7.5), with a level of 4 bits. Its product with the
        signs ranks as twice the sum of the levels where a bit is set, less 15 for each such bit.
        """
        largest = np.abs(question).max()
        step = largest / (2**QUESTION_BITS - 1) * 2 if largest > 0 else 1.0
        levels = np.rint((question + largest) / step).astype(np.uint8)
        planes = [
            _packed((levels[None] >> bit & 1).astype(np.bool_), self._words) for bit in range(QUESTION_BITS)
        ]
        scores = np.empty(entries, np.int32)
        for start in range(0, entries, SCORED_AT_ONCE):
            block, at = self._blocks[start // BLOCK], start % BLOCK
            here = slice(at, at + min(SCORED_AT_ONCE, entries - start))
            signs = block.signs[:, here]
            sums = np.zeros(signs.shape[1], np.int32)
            for bit, plane in enumerate(planes):
                counts = np.zeros(signs.shape[1], np.uint16)
                for word, asked in zip(signs, plane[:, 0], strict=True):
                    counts += np.bitwise_count(word & asked)
                sums += counts.astype(np.int32) << bit
            scores[start : start + len(sums)] = 2 * sums - (2**QUESTION_BITS - 1) * block.set_bits[here]
        return scores

    def _rows(self, block: _Block, inside: Positions) -> Floats:
        """(positions, dimensions)"""
        rest = block.rest[inside]
        quarters = np.stack([rest >> shift & 3 for shift in (0, 2, 4, 6)], axis=2).reshape(
            len(inside), 4 * rest.shape[1]
        )
        steps = block.codes[inside] + quarters[:, : self._dimensions] * np.float32(0.25) - np.float32(0.375)
        return np.asarray(steps * block.scales[inside, None], np.float32)

    def _cosines(self, positions: Positions, question: Floats) -> Floats:
        """(positions,): `positions` ascend."""
        cosines = np.empty(len(positions), np.float32)
        bounds = np.searchsorted(positions, np.arange(len(self._blocks) + 1) * BLOCK)
        for number, block in enumerate(self._blocks):
            for start in range(bounds[number], bounds[number + 1], RANKED_AT_ONCE):
                some = slice(start, min(start + RANKED_AT_ONCE, bounds[number + 1]))
                inside = positions[some] - number * BLOCK
                codes = block.codes[inside].astype(np.float32)
                # not @: BLAS would start threads for each of these small products
                cosines[some] = np.einsum("ed,d->e", codes, question) * block.scales[inside]
        return cosines


def _empty_block(dimensions: int, words: int) -> _Block:
    return _Block(
        codes=np.empty((BLOCK, dimensions), np.int8),
        scales=np.empty(BLOCK, np.float32),
        rest=np.empty((BLOCK, -(-dimensions // 4)), np.uint8),
        signs=np.empty((words, BLOCK), np.uint64),
        set_bits=np.empty(BLOCK, np.int16),
    )


def _quarters(rests: Floats, width: int) -> NDArray[np.uint8]:
    """(entries, width): four numbers of -0.5 to 0.5 a byte, each by the quarter that it is in."""
    quarters = np.zeros((len(rests), width * 4), np.uint8)
    quarters[:, : rests.shape[1]] = np.clip((rests + 0.5) * 4, 0, 3)
    by_four = quarters.reshape(len(rests), width, 4)
    packed: NDArray[np.uint8] = (by_four << np.array([0, 2, 4, 6], np.uint8)).sum(axis=2, dtype=np.uint8)
    return packed


def _packed(bits: Bools, words: int) -> NDArray[np.uint64]:
    """(words, entries) of (entries, dimensions)."""
    packed = np.zeros((len(bits), words * 8), np.uint8)
    by_eight = np.packbits(bits, axis=1)
    packed[:, : by_eight.shape[1]] = by_eight
    return np.ascontiguousarray(packed.view(np.uint64).T)


def _highest(scores: NDArray[np.int32], most: int) -> Positions:
    """Where the `most` highest scores are, and those that equal the last of them."""
    lowest = scores.min()
    at_least = np.cumsum(np.bincount(scores - lowest)[::-1])[::-1]
    return np.flatnonzero(scores >= lowest + np.flatnonzero(at_least >= most)[-1])
