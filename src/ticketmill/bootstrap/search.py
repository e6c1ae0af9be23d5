"""Builds the search index and what reads it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.queries.index_ports import IndexGenerations, VectorStore
    from ticketmill.queries.ticket_vectors import TicketVectors


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
    from ticketmill.domain.errors import SetupError

    if find_spec("lancedb") is None:
        raise SetupError("the search index needs the extra search: pip install 'ticketmill[search]'")
    clients, stack = connect_clients(settings)
    options = storage_options(clients)

    def open_store(prefix: str) -> LanceVectorStore:
        return LanceVectorStore(f"s3://{stack.enriched_bucket}/{prefix.rstrip('/')}", options, clients.s3)

    return S3IndexGenerations(clients.s3, stack.enriched_bucket, model, open_store)


def open_index(settings: Settings, model: str | None = None) -> VectorStore:
    """The index of an embedding model, that of the settings where none is named."""
    from ticketmill.queries.current_index import CurrentIndex

    return CurrentIndex(index_generations(settings, model or index_model(settings)))


def open_ticket_vectors(settings: Settings) -> TicketVectors:
    """The reader of the index of the settings."""
    from ticketmill.queries.ticket_vectors import TicketVectors

    return TicketVectors(open_index(settings))
