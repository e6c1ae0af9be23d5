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
    from ticketmill.queries.index_ports import IndexGenerations, VectorStore
    from ticketmill.queries.similar import SimilarTickets
    from ticketmill.queries.ticket_vectors import TicketVectors
    from ticketmill.queries.tickets import TicketQueries
    from ticketmill.queries.word_search import WordSearch

APPROXIMATE_FROM = 100_000
HELD_OF_STORE = 100_000
"""Entries in memory where the store is asked for the nearest."""


@dataclass(frozen=True, slots=True)
class Search:
    """What people find tickets by, beside the filters."""

    words: WordSearch
    similar: SimilarTickets
    duplicates: DuplicateCandidates


def index_model(settings: Settings) -> str:
    """The embedding model whose vectors are asked for: that of the settings and this machine's bundle."""
    from ticketmill.encoder.bundle import read_manifest
    from ticketmill.indexed_ticket import embedding_model_of

    if settings.embedding != "onepass":
        return settings.embedding
    encoder = read_manifest(settings.bundle_dir).encoder
    return embedding_model_of({"encoder": f"{encoder.name}/{encoder.precision}"})


def index_generations(settings: Settings, model: str) -> IndexGenerations:
    """The index of an embedding model, old and new. SetupError where the extra `search` is not installed."""
    from ticketmill.aws.index_generations import S3IndexGenerations
    from ticketmill.aws.lance_index import LanceVectorStore
    from ticketmill.aws.lance_storage import storage_options
    from ticketmill.bootstrap.adapters import connect_clients
    from ticketmill.queries.single_index import SingleIndex

    if settings.index is not None:
        return SingleIndex(_store_at(settings.index, settings, model))
    _check_extra()
    clients, stack = connect_clients(settings)
    options, approximate_from = storage_options(clients), _approximate_from(settings)

    def open_store(prefix: str) -> LanceVectorStore:
        location = f"s3://{stack.enriched_bucket}/{prefix.rstrip('/')}"
        return LanceVectorStore(location, options, clients.s3, approximate_from)

    return S3IndexGenerations(clients.s3, stack.enriched_bucket, model, open_store)


def _store_at(place: str, settings: Settings, model: str) -> VectorStore:
    """The entries of a model at the place that TICKETMILL_INDEX names."""
    from ticketmill.aws.clients import connect
    from ticketmill.aws.lance_index import LanceVectorStore
    from ticketmill.aws.lance_storage import storage_options
    from ticketmill.aws.s3_vectors import S3VectorStore
    from ticketmill.domain.keys import index_folder, vector_index

    kind, _, rest = place.rpartition("://")
    if kind == "s3vectors":
        bucket, _, index = rest.partition("/")
        return S3VectorStore(connect().s3vectors, bucket, vector_index(index, model))
    _check_extra()
    location, approximate_from = (
        f"{place.rstrip('/')}/{index_folder(model).rstrip('/')}",
        _approximate_from(settings),
    )
    if kind == "s3":
        clients = connect()
        return LanceVectorStore(location, storage_options(clients), clients.s3, approximate_from)
    return LanceVectorStore(location, approximate_from=approximate_from)


def _check_extra() -> None:
    from ticketmill.domain.errors import SetupError

    if not can_search():
        raise SetupError("the search index needs the extra search: pip install 'ticketmill[search]'")


def _approximate_from(settings: Settings) -> int | None:
    """Where the store is asked for the nearest, it has an approximate index from so many entries on."""
    return APPROXIMATE_FROM if settings.index_search == "store" else None


def open_index(settings: Settings, model: str | None = None) -> VectorStore:
    """The index of an embedding model, that of the settings where none is named."""
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
