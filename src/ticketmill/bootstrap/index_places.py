"""Opens the search index at the place that TICKETMILL_INDEX names: one for each embedding model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ticketmill.domain.keys import INDEX_PREFIX, index_folder, vector_index

if TYPE_CHECKING:
    from ticketmill.queries.index_ports import IndexGenerations

S3_VECTORS = "s3vectors"


def index_at(place: str, model: str, approximate_from: int | None = None) -> IndexGenerations:
    """That of an embedding model."""
    kind, bucket, rest = _parts(place)
    if kind == S3_VECTORS:
        return _in_s3_vectors(bucket, vector_index(rest, model))
    if kind == "s3":
        return _on_s3(bucket, f"{rest}/{index_folder(model)}", approximate_from)
    return _in_folder(Path(place) / index_folder(model), approximate_from)


def indexes_at(place: str) -> list[IndexGenerations]:
    """Those of all embedding models that there is one of."""
    from ticketmill.aws.clients import connect
    from ticketmill.aws.index_generations import folders
    from ticketmill.aws.s3_vectors import index_names

    kind, bucket, rest = _parts(place)
    if kind == S3_VECTORS:
        return [_in_s3_vectors(bucket, each) for each in index_names(connect().s3vectors, bucket, f"{rest}-")]
    if kind == "s3":
        return [_on_s3(bucket, each) for each in folders(connect().s3, bucket, f"{rest}/{INDEX_PREFIX}")]
    return [_in_folder(each) for each in sorted((Path(place) / INDEX_PREFIX).glob("*/"))]


def _parts(place: str) -> tuple[str, str, str]:
    """As in `s3`, the bucket, and the prefix without a slash at its end; of a folder nothing."""
    kind, _, rest = place.rpartition("://")
    bucket, _, name = rest.partition("/")
    return kind, bucket, name.rstrip("/")


def _in_s3_vectors(bucket: str, index: str) -> IndexGenerations:
    from ticketmill.aws.clients import connect
    from ticketmill.aws.s3_vectors import S3VectorStore
    from ticketmill.queries.single_index import SingleIndex

    return SingleIndex(S3VectorStore(connect().s3vectors, bucket, index))


def _on_s3(bucket: str, folder: str, approximate_from: int | None = None) -> IndexGenerations:
    from ticketmill.aws.clients import connect
    from ticketmill.aws.index_generations import S3IndexGenerations
    from ticketmill.bootstrap.index_stores import opener

    clients = connect()
    return S3IndexGenerations(clients.s3, bucket, folder, opener(clients, bucket, approximate_from))


def _in_folder(folder: Path, approximate_from: int | None = None) -> IndexGenerations:
    from ticketmill.aws.folder_generations import FolderIndexGenerations
    from ticketmill.aws.lance_index import LanceVectorStore
    from ticketmill.bootstrap.index_stores import check_extra

    check_extra()
    return FolderIndexGenerations(
        folder, lambda each: LanceVectorStore(str(each), approximate_from=approximate_from)
    )
