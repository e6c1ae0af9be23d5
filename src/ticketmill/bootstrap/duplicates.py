"""Builds what ranks the likely duplicates of tickets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.arrays import Floats
    from ticketmill.encoder.cache import TextEncoder
    from ticketmill.encoder.encoder import Encoder
    from ticketmill.learning.duplicate_reports import Report
    from ticketmill.queries.duplicate_candidates import DuplicateCandidates
    from ticketmill.queries.duplicates import Candidates
    from ticketmill.queries.shared_words import SharedWords
    from ticketmill.queries.tickets import TicketQueries

CHUNK = 64
"""Texts that are encoded at once: their token states take 3 MB a text at most."""


def open_duplicate_candidates(settings: Settings, tickets: TicketQueries) -> DuplicateCandidates:
    """What proposes duplicates. SetupError where the extra `search` is not installed."""
    from ticketmill.bootstrap.search import open_ticket_vectors
    from ticketmill.queries.shared_words import SharedWords

    return make_duplicate_candidates(settings, tickets, SharedWords(open_ticket_vectors(settings)))


def make_duplicate_candidates(
    settings: Settings, tickets: TicketQueries, shared: SharedWords
) -> DuplicateCandidates:
    """The same over an index that is open."""
    from ticketmill.bootstrap.entities import make_mask
    from ticketmill.queries.duplicate_candidates import DuplicateCandidates
    from ticketmill.queries.duplicate_pool import DuplicatePool
    from ticketmill.queries.text_sample import TextSample

    pool = DuplicatePool(shared.vectors, TextSample(shared.vectors))
    return DuplicateCandidates(pool, tickets, shared, make_mask(settings).text)


def load_encoder(settings: Settings) -> Encoder:
    """The encoder of the bundle. SetupError where there is none."""
    from ticketmill.encoder.bundle import load_bundle
    from ticketmill.encoder.encoder import Encoder

    return Encoder(load_bundle(settings.bundle_dir), settings.threads)


def encode_reports(
    encoder: TextEncoder, reports: Sequence[Report], advance: Callable[[int], None]
) -> Candidates:
    """Reports with their embeddings, each encoded twice: its text without templates, and its subject.

    `advance` is told how many texts are encoded.
    """
    import numpy as np

    from ticketmill.queries.duplicates import Candidates, encoded_text, without_templates

    subjects = [each.subject for each in reports]
    bodies = without_templates([each.body for each in reports])
    texts = [encoded_text(subject, body) for subject, body in zip(subjects, bodies, strict=True)]
    vectors = np.stack(list(_embeddings(encoder, [*texts, *subjects], advance)))
    return Candidates(subjects, bodies, np.split(vectors, 2))


def _embeddings(
    encoder: TextEncoder, texts: Sequence[str], advance: Callable[[int], None]
) -> Iterator[Floats]:
    for start in range(0, len(texts), CHUNK):
        chunk = texts[start : start + CHUNK]
        yield from (each.embedding for each in encoder.encode(chunk))
        advance(len(chunk))
