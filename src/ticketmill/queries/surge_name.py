"""The name of a surge: the words that stand out in its tickets against those of the weeks before."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import numpy as np

from ticketmill.domain.keys import ticket_of_enriched_key
from ticketmill.queries.standout import WordCounts, name_of, standout
from ticketmill.queries.ticket_stream import BASELINE_S
from ticketmill.queries.vectors import Vectors

SAMPLE = 1000
"""Tickets of the 28 days before that a surge is compared with."""
MOST_READ = 200
"""Tickets of a surge whose texts are read: the first ones."""

Texts = Callable[[Iterable[str]], Mapping[str, str]]


def surge_name(ticket_ids: Sequence[str], first_s: float, vectors: Vectors, texts: Texts) -> str:
    """Two or three words; empty where none stands out. `texts` gives those of enriched keys."""
    keys = _keys_of(set(ticket_ids[:MOST_READ]), vectors)
    sample = _sample(first_s, vectors, set(keys))
    found = texts([*keys, *sample])
    own = [found[key] for key in keys if key in found]
    everything = own + [found[key] for key in sample if key in found]
    return name_of(standout(WordCounts.of(own), WordCounts.of(everything)), own)


def _keys_of(ticket_ids: Collection[str], vectors: Vectors) -> list[str]:
    """One key for each ticket: its last one."""
    found = {
        ticket_id: key for key in vectors.keys if (ticket_id := ticket_of_enriched_key(key)) in ticket_ids
    }
    return list(found.values())


def _sample(first_s: float, vectors: Vectors, own: Collection[str]) -> list[str]:
    times = vectors.times
    at = np.flatnonzero((times >= first_s - BASELINE_S) & (times < first_s))
    drawn = np.random.default_rng(0).permutation(at)[:SAMPLE]
    return [key for each in drawn if (key := vectors.keys[each]) not in own]
