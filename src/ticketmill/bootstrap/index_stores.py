"""Opens the stores of the search index, with all their generations."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from ticketmill.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from ticketmill.aws.clients import Clients
    from ticketmill.aws.lance_index import LanceVectorStore
    from ticketmill.deploy.stack import Stack
    from ticketmill.queries.index_ports import IndexGenerations

APPROXIMATE_FROM = 100_000
"""Where the store is asked for the nearest, it has an approximate index from so many entries on."""


def index_generations(settings: Settings, model: str) -> IndexGenerations:
    """The index of an embedding model, old and new. SetupError where the extra `search` is not installed."""
    from ticketmill.aws.index_generations import S3IndexGenerations
    from ticketmill.bootstrap.adapters import connect_clients
    from ticketmill.bootstrap.index_places import index_at
    from ticketmill.domain.keys import index_folder

    approximate_from = APPROXIMATE_FROM if settings.index_search == "store" else None
    if settings.index is not None:
        return index_at(settings.index, model, approximate_from)
    check_extra()
    clients, stack = connect_clients(settings)
    open_store = opener(clients, stack.enriched_bucket, approximate_from)
    return S3IndexGenerations(clients.s3, stack.enriched_bucket, index_folder(model), open_store)


def all_indexes(clients: Clients, stack: Stack, place: str | None = None) -> list[IndexGenerations]:
    """The index of each embedding model that there is one of; of `place`, too, which TICKETMILL_INDEX names.

    SetupError as `index_generations`.
    """
    from ticketmill.aws.index_generations import S3IndexGenerations, folders
    from ticketmill.bootstrap.index_places import indexes_at
    from ticketmill.domain.keys import INDEX_PREFIX

    elsewhere = [] if place is None else indexes_at(place)
    found = folders(clients.s3, stack.enriched_bucket, INDEX_PREFIX)
    open_store = opener(clients, stack.enriched_bucket) if found else None
    here = [
        S3IndexGenerations(clients.s3, stack.enriched_bucket, each, open_store)
        for each in found
        if open_store
    ]
    return [*here, *elsewhere]


def opener(
    clients: Clients, bucket: str, approximate_from: int | None = None
) -> Callable[[str], LanceVectorStore]:
    """Opens the store whose objects' keys begin so."""
    from ticketmill.aws.lance_index import LanceVectorStore
    from ticketmill.aws.lance_storage import storage_options

    check_extra()
    options = storage_options(clients)

    def open_store(prefix: str) -> LanceVectorStore:
        location = f"s3://{bucket}/{prefix.rstrip('/')}"
        return LanceVectorStore(location, options, clients.s3, approximate_from)

    return open_store


def check_extra() -> None:
    """SetupError where the extra `search` is not installed."""
    from ticketmill.domain.errors import SetupError

    if find_spec("lancedb") is None:
        raise SetupError("the search index needs the extra search: pip install 'ticketmill[search]'")
