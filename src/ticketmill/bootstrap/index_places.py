"""Opens the search index at the place that TICKETMILL_INDEX names: one store for each embedding model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ticketmill.queries.single_index import SingleIndex

if TYPE_CHECKING:
    from ticketmill.aws.lance_index import LanceVectorStore

S3_VECTORS = "s3vectors"


def index_at(place: str, model: str, approximate_from: int | None = None) -> SingleIndex:
    """That of an embedding model."""
    from ticketmill.domain.keys import index_folder, vector_index

    kind, names = _parts(place)
    if kind != S3_VECTORS:
        return SingleIndex(_lance(f"{place.rstrip('/')}/{index_folder(model)}", approximate_from))
    bucket, index = names
    return _in_s3_vectors(bucket, vector_index(index, model))


def indexes_at(place: str) -> list[SingleIndex]:
    """Those of all embedding models that there is one of."""
    from ticketmill.aws.clients import connect
    from ticketmill.aws.index_generations import folders
    from ticketmill.aws.s3_vectors import index_names
    from ticketmill.domain.keys import INDEX_PREFIX

    kind, (bucket, rest) = _parts(place)
    if kind == S3_VECTORS:
        names = index_names(connect().s3vectors, bucket, f"{rest}-")
        return [_in_s3_vectors(bucket, name) for name in names]
    if kind == "s3":
        found = folders(connect().s3, bucket, f"{rest.strip('/')}/{INDEX_PREFIX}")
        return [SingleIndex(_lance(f"s3://{bucket}/{each}")) for each in found]
    parent = Path(place) / INDEX_PREFIX
    return [SingleIndex(_lance(str(each))) for each in sorted(parent.iterdir())] if parent.is_dir() else []


def _parts(place: str) -> tuple[str, tuple[str, str]]:
    """As in `s3`, and `BUCKET` and `PREFIX`; of a folder nothing."""
    kind, _, rest = place.rpartition("://")
    bucket, _, name = rest.partition("/")
    return kind, (bucket, name)


def _in_s3_vectors(bucket: str, index: str) -> SingleIndex:
    from ticketmill.aws.clients import connect
    from ticketmill.aws.s3_vectors import S3VectorStore

    return SingleIndex(S3VectorStore(connect().s3vectors, bucket, index))


def _lance(location: str, approximate_from: int | None = None) -> LanceVectorStore:
    from ticketmill.aws.clients import connect
    from ticketmill.aws.lance_index import LanceVectorStore
    from ticketmill.aws.lance_storage import storage_options
    from ticketmill.bootstrap.index_stores import check_extra

    check_extra()
    if not location.startswith("s3://"):
        return LanceVectorStore(location.rstrip("/"), approximate_from=approximate_from)
    clients = connect()
    return LanceVectorStore(location.rstrip("/"), storage_options(clients), clients.s3, approximate_from)
