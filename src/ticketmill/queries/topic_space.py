"""Vectors that are close if their tickets are about the same thing, however they are worded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ticketmill.arrays import Floats

REFERENCE_TICKETS = 4096
NEIGHBOURS = 10
FAR = 0.3
"""A reference ticket of this cosine or less, after centring, says nothing about a topic."""
SAME = 0.999
"""A ticket is no neighbour of itself, nor of its copies."""
_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class TopicSpace:
    """One step of mean shift: each vector moves to the mean of itself and its nearest reference tickets.

    The mean of all tickets is taken off first: it is what they share, and makes everything look alike. Two
    wordings of one topic have the same neighbours, so they come together; a ticket like no other stays where
    it is. Source: Fukunaga and Hostetler, The estimation of the gradient of a density function, 1975.
    """

    mean: Floats
    """(384,)"""
    reference: Floats
    """(tickets, 384): at most REFERENCE_TICKETS, centred, of length 1."""

    @classmethod
    def of(cls, vectors: Floats, seed: int = 0) -> TopicSpace:
        """The space of tickets: (n, 384), of length 1. A sample of the distinct ones is the reference."""
        mean = vectors.mean(axis=0)
        random = np.random.default_rng(seed)
        distinct = list({vector.tobytes(): at for at, vector in enumerate(vectors)}.values())
        drawn = np.sort(random.permutation(distinct)[:REFERENCE_TICKETS])
        return cls(mean, _unit(vectors[drawn] - mean))

    def place(self, vectors: Floats) -> Floats:
        """(n, 384) to (n, 384), both of length 1."""
        blocks = [self._place(vectors[at : at + _AT_ONCE]) for at in range(0, len(vectors), _AT_ONCE)]
        return np.concatenate(blocks) if blocks else vectors

    def _place(self, vectors: Floats) -> Floats:
        centred = _unit(vectors - self.mean)
        cosines = centred @ self.reference.T
        cosines[cosines > SAME] = 0
        nearest = np.argpartition(cosines, -NEIGHBOURS, axis=1)[:, -NEIGHBOURS:]
        weights = np.maximum(0, np.take_along_axis(cosines, nearest, axis=1) - FAR)
        shift = np.einsum("nk,nkd->nd", weights, self.reference[nearest], optimize=True)
        return _unit(centred * np.float32(1 - FAR) + shift)


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.float32(1e-9)), np.float32)
