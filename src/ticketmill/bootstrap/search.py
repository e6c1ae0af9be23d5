"""Builds the search index and what reads it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.queries.index_ports import VectorStore
    from ticketmill.queries.ticket_vectors import TicketVectors


def index_model(settings: Settings) -> str:
    """The embedding model whose vectors are asked for: that of the settings and this machine's bundle."""
    from ticketmill.encoder.bundle import read_manifest
    from ticketmill.indexed_ticket import embedding_model_of

    if settings.embedding != "onepass":
        return settings.embedding
    encoder = read_manifest(settings.bundle_dir).encoder
    return embedding_model_of({"encoder": f"{encoder.name}/{encoder.precision}"})


def open_index(settings: Settings) -> VectorStore:
    """The index of the settings' embedding model. SetupError where the extra `search` is not installed."""
    from ticketmill.aws.lance_index import LanceVectorStore
    from ticketmill.aws.lance_storage import storage_options
    from ticketmill.bootstrap.adapters import connect_clients
    from ticketmill.domain.errors import SetupError
    from ticketmill.domain.keys import index_folder

    if find_spec("lancedb") is None:
        raise SetupError("the search index needs the extra search: pip install 'ticketmill[search]'")
    clients, stack = connect_clients(settings)
    location = f"s3://{stack.enriched_bucket}/{index_folder(index_model(settings))}"
    return LanceVectorStore(location.rstrip("/"), storage_options(clients), clients.s3)


def open_ticket_vectors(settings: Settings) -> TicketVectors:
    """The reader of that index."""
    from ticketmill.queries.ticket_vectors import TicketVectors

    return TicketVectors(open_index(settings))
