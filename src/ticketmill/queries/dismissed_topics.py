"""Whether a surge is about the topic of one that a person dismissed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from ticketmill.arrays import Floats
from ticketmill.domain.keys import ticket_of_enriched_key
from ticketmill.domain.surge import SurgeRecord
from ticketmill.queries.ticket_stream import Arrival
from ticketmill.queries.vectors import Vectors

SAME_TOPIC = 0.75
"""Cosine of two middles from which on they are of one topic. Of the intents of BANKING77 the middles of ten
tickets and of ten others reach it in 19 of 20 cases. Some neighbouring intents reach it too."""
MORE_SURPRISING = 1e-3
"""A surge of a dismissed topic raises an alarm where its p is at most so much of the dismissed one's."""


def dismissed_like(
    arrivals: Sequence[Arrival], p: float, dismissed: Sequence[SurgeRecord], vectors: Vectors
) -> str | None:
    """The id of the dismissed surge that tickets are like, and hardly more surprising than; None without one.

    Middles are compared after the mean of all tickets is taken off: it makes everything look alike.
    """
    asked = [each for each in dismissed if p > each.p * MORE_SURPRISING]
    if not asked or not len(vectors):
        return None
    mean = vectors.mean()
    middle = _middle(np.stack([each.vector for each in arrivals]), mean)
    wanted = {ticket_id for each in asked for ticket_id in each.tickets}
    of_ticket = _vectors_of(wanted, vectors)
    for each in asked:
        theirs = [of_ticket[ticket_id] for ticket_id in each.tickets if ticket_id in of_ticket]
        if theirs and float(middle @ _middle(np.stack(theirs), mean)) >= SAME_TOPIC:
            return each.surge_id
    return None


def _middle(vectors: Floats, mean: Floats) -> Floats:
    middle = (vectors - mean).mean(axis=0)
    return np.asarray(middle / max(float(np.linalg.norm(middle)), 1e-9), np.float32)


def _vectors_of(ticket_ids: Collection[str], vectors: Vectors) -> Mapping[str, Floats]:
    at = {
        ticket_id: position
        for position, key in enumerate(vectors.keys)
        if (ticket_id := ticket_of_enriched_key(key)) in ticket_ids
    }
    return dict(zip(at, vectors.matrix[list(at.values())], strict=True)) if at else {}
