"""Builds the search index and what reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.arrays import Floats
    from ticketmill.pipeline.enricher import Enricher
    from ticketmill.queries.duplicate_candidates import DuplicateCandidates
    from ticketmill.queries.index_ports import VectorStore
    from ticketmill.queries.similar import SimilarTickets
    from ticketmill.queries.ticket_vectors import TicketVectors
    from ticketmill.queries.tickets import TicketQueries
    from ticketmill.queries.word_search import WordSearch

HELD_OF_STORE = 100_000
"""Entries in memory where the store is asked for the nearest."""


@dataclass(frozen=True, slots=True)
class Search:
    """What people find tickets by, beside the filters."""

    words: WordSearch
    similar: SimilarTickets
    duplicates: DuplicateCandidates


def index_model(settings: Settings) -> str:
    """The embedding model whose vectors are asked for: that of the settings and this machine's bundle.

    SetupError where it is a named model that this machine does not have.
    """
    from ticketmill.bootstrap.enricher import located_models
    from ticketmill.encoder.bundle import read_manifest
    from ticketmill.indexed_ticket import embedding_model_of

    if settings.embedding != "onepass":
        return located_models(settings)["embedding"].name
    encoder = read_manifest(settings.bundle_dir).encoder
    return embedding_model_of({"encoder": f"{encoder.name}/{encoder.precision}"})


def open_index(settings: Settings, model: str | None = None) -> VectorStore:
    """The index of an embedding model, that of the settings where none is named."""
    from ticketmill.bootstrap.index_stores import index_generations
    from ticketmill.queries.current_index import CurrentIndex

    return CurrentIndex(index_generations(settings, model or index_model(settings)))


def open_ticket_vectors(settings: Settings) -> TicketVectors:
    """The reader of the index of the settings."""
    from ticketmill.queries.ticket_vectors import TicketVectors

    held = HELD_OF_STORE if settings.index_search == "store" else None
    return TicketVectors(open_index(settings), held=held)


def can_search() -> bool:
    """Whether the extra `search` is installed."""
    return find_spec("lancedb") is not None


def open_search(settings: Settings, queries: TicketQueries, encode: Callable[[str], Floats]) -> Search:
    """Search over the index of the settings. `encode` makes the embedding of a question."""
    from ticketmill.bootstrap.duplicates import make_duplicate_candidates
    from ticketmill.queries.word_search import WordSearch

    vectors = open_ticket_vectors(settings)
    similar = _similar(settings, queries, vectors)
    duplicates = make_duplicate_candidates(settings, queries, similar.shared)
    return Search(WordSearch(vectors, queries, encode), similar, duplicates)


def open_similar(settings: Settings, queries: TicketQueries) -> SimilarTickets:
    """What finds similar tickets in the index of the settings. It loads no model."""
    return _similar(settings, queries, open_ticket_vectors(settings))


def _similar(settings: Settings, queries: TicketQueries, vectors: TicketVectors) -> SimilarTickets:
    from ticketmill.bootstrap.entities import make_mask
    from ticketmill.queries.shared_words import SharedWords
    from ticketmill.queries.similar import SimilarTickets

    return SimilarTickets(vectors, queries, SharedWords(vectors), make_mask(settings).text)


def question_encoder(settings: Settings) -> Callable[[str], Floats]:
    """Makes the embeddings of questions as those of tickets are made. It loads a model when it is called."""
    from ticketmill.bootstrap.duplicates import load_encoder
    from ticketmill.bootstrap.enricher import load_enricher
    from ticketmill.text.reading import read_text

    if settings.embedding != "onepass":
        return partial(embedding_of, load_enricher(settings))
    encoder = load_encoder(settings)
    return lambda words: encoder.encode([read_text(words).text])[0].embedding


def embedding_of(enricher: Enricher, words: str) -> Floats:
    """The embedding that a ticket of these words would get. TransientFailure where its model fails."""
    import numpy as np

    from ticketmill.domain.errors import TransientFailure
    from ticketmill.domain.ticket import Ticket
    from ticketmill.text.reading import read_text

    if enricher.served["embedding"].model.startswith("onepass"):
        return enricher.encoder.encode([read_text(words).text])[0].embedding
    encoded = enricher.encode([Ticket(ticket_id="question", body=words)])
    (found,) = enricher.served["embedding"].stage(encoded)
    vector = getattr(found, "prediction", found)
    if vector is None:
        raise TransientFailure("the model of the embeddings failed on the question", "embedding", "embedding")
    return np.asarray(vector, np.float32)
