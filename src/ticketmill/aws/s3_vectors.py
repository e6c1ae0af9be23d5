"""The search index in Amazon S3 Vectors, for many millions of tickets.

The service has no version and no full text. One entry of ours, VERSION, stands for the version: each change
writes it anew. Every listing reads through the whole index, 1 MB a page. So this store is for searches by
`nearest`, and not for readers who hold all vectors in memory.

Limits: https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-limitations.html
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import numpy as np
from botocore.exceptions import ClientError

from ticketmill.arrays import Floats
from ticketmill.aws.clients import error_code, transient
from ticketmill.batching import grouped
from ticketmill.domain.errors import SetupError
from ticketmill.domain.keys import enriched_prefix
from ticketmill.indexed_ticket import Hit, IndexedTicket

VERSION = "#version"
"""The key of the entry whose metadata is another after each change. No ticket has it."""
PUT_AT_ONCE = 499
"""One less than the service takes: the version comes along. 128 KB are charged for a put at least."""
PUT_BYTES = 12 << 20
"""The service takes 20 MiB."""
DELETED_AT_ONCE = 500
READ_AT_ONCE = 100
LISTED_AT_ONCE = 1000


def index_names(client: Any, bucket: str, prefix: str) -> list[str]:
    """The names of the indexes of a vector bucket that begin so."""
    with transient("listing the search index", dependency="s3vectors"):
        pages = client.get_paginator("list_indexes").paginate(vectorBucketName=bucket, prefix=prefix)
        return [each["indexName"] for page in pages for each in page["indexes"]]


class S3VectorStore:
    """Entries in one index of a vector bucket. The index is made by the first put, the bucket by a person."""

    def __init__(self, client: Any, bucket: str, index: str) -> None:
        """`client`: botocore's, of `s3vectors`."""
        self._client = client
        self._bucket = bucket
        self._names = {"vectorBucketName": bucket, "indexName": index}

    def put(self, entries: Sequence[IndexedTicket]) -> None:
        """Adds entries. One that is there already is written again: entries of one key are the same."""
        now = datetime.now(UTC).timestamp()
        different = {each.enriched_key: each for each in entries}
        vectors = (_vector(each, now) for each in different.values())
        for some in grouped(vectors, lambda each: len(json.dumps(each)), PUT_BYTES, PUT_AT_ONCE):
            self._put(some)

    def delete(self, keys: Collection[str]) -> None:
        """Deletes entries by their keys; those that are not there are no fault."""
        with self._requests("deleting from the search index"):
            for some in grouped(keys, lambda _key: 1, DELETED_AT_ONCE):
                self._client.delete_vectors(**self._names, keys=some)
            if keys and (known := self._get([VERSION], returnData=True)):
                self._client.put_vectors(**self._names, vectors=[_version(len(known[0]["data"]["float32"]))])

    def keys_of(self, ticket_id: str) -> list[str]:
        """The keys of all entries of a ticket. Reads through all keys: the service knows no prefixes."""
        return [key for key in self._keys() if key.startswith(enriched_prefix(ticket_id))]

    def scan(self, since: datetime | None = None) -> Iterator[Sequence[IndexedTicket]]:
        """All entries, without their texts; with `since` those that were put at that time or later."""
        for page in self._pages(returnData=True, returnMetadata=True):
            yield [_entry(each) for each in page if _is_since(each, since)]

    def keys(self, since: datetime | None = None) -> Iterator[Sequence[tuple[str, datetime]]]:
        """The keys of all entries and when their tickets were received; `since` as of `scan`."""
        for page in self._pages(returnMetadata=True):
            yield [(each["key"], _received_at(each)) for each in page if _is_since(each, since)]

    def texts(self, keys: Iterable[str]) -> Mapping[str, str]:
        """The texts of some entries by their keys."""
        found: dict[str, str] = {}
        with self._requests("reading the search index"):
            for some in grouped(keys, lambda _key: 1, READ_AT_ONCE):
                for each in self._get(some, returnMetadata=True):
                    found[each["key"]] = each["metadata"].get("text", "")
        return found

    def entries(self, keys: Iterable[str]) -> list[IndexedTicket]:
        """Some entries, without their texts, in any order; those that are not there are left out."""
        found: list[IndexedTicket] = []
        with self._requests("reading the search index"):
            for some in grouped(keys, lambda _key: 1, READ_AT_ONCE):
                found += map(_entry, self._get(some, returnData=True, returnMetadata=True))
        return found

    def count(self) -> int:
        """How many entries there are. Reads through all keys."""
        return sum(1 for _ in self._keys())

    def version(self) -> str:
        """Another text after every change."""
        version = ""
        with self._requests("reading the search index"):
            for each in self._get([VERSION], returnMetadata=True):
                version = str(each["metadata"]["version"])
        return version

    def nearest(
        self, vector: Floats, most: int, since: datetime | None = None, until: datetime | None = None
    ) -> list[Hit]:
        """Up to `most` entries by cosine, the nearest first, received from `since` on and before `until`.

        The service's search is approximate.
        """
        # the version has no time of receipt, and so meets no bound
        bounds: list[dict[str, Any]] = [{"received_at": {"$exists": True}}]
        bounds += [{"received_at": {"$gte": since.timestamp()}}] if since is not None else []
        bounds += [{"received_at": {"$lt": until.timestamp()}}] if until is not None else []
        asked = {
            **self._names,
            "queryVector": {"float32": vector.astype(float).tolist()},
            "topK": most,
            "filter": {"$and": bounds} if len(bounds) > 1 else bounds[0],
            "returnDistance": True,
        }
        hits: list[Hit] = []
        with self._requests("searching the index"):
            for page in self._client.get_paginator("query_vectors").paginate(**asked):
                hits += [Hit(each["key"], 1 - each["distance"]) for each in page["vectors"]]
        return hits

    def search_text(
        self,
        words: str,  # noqa: ARG002
        most: int,  # noqa: ARG002
        since: datetime | None = None,  # noqa: ARG002
        until: datetime | None = None,  # noqa: ARG002
    ) -> list[Hit] | None:
        """None: the service has no full text."""
        return None

    def compact(self) -> None:
        """Nothing: the service does it."""

    def _put(self, vectors: list[dict[str, Any]]) -> None:
        dimensions = len(vectors[0]["data"]["float32"])
        put = {**self._names, "vectors": [*vectors, _version(dimensions)]}
        made = False
        with self._requests("writing to the search index"):
            self._client.put_vectors(**put)
            made = True
        if not made:
            with self._requests("making the search index"):
                self._make(dimensions)
            with transient("writing to the search index", dependency="s3vectors"):
                self._client.put_vectors(**put)

    def _make(self, dimensions: int) -> None:
        try:
            self._client.create_index(
                **self._names,
                dataType="float32",
                dimension=dimensions,
                distanceMetric="cosine",
                metadataConfiguration={"nonFilterableMetadataKeys": ["text", "written_at"]},
            )
        except ClientError as error:
            if error_code(error) != "ConflictException":  # another writer made it
                raise

    def _get(self, keys: Sequence[str], **wanted: bool) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._client.get_vectors(**self._names, keys=list(keys), **wanted)[
            "vectors"
        ]
        return found

    def _keys(self) -> Iterator[str]:
        return (each["key"] for page in self._pages() for each in page)

    def _pages(self, **wanted: bool) -> Iterator[list[dict[str, Any]]]:
        with self._requests("reading the search index"):
            pages = self._client.get_paginator("list_vectors").paginate(
                **self._names, **wanted, maxResults=LISTED_AT_ONCE
            )
            for page in pages:
                yield [each for each in page["vectors"] if each["key"] != VERSION]

    @contextmanager
    def _requests(self, doing: str) -> Iterator[None]:
        """Nothing is there where the index was not made yet. A bucket that nobody made is a SetupError."""
        with transient(doing, dependency="s3vectors"):
            try:
                yield
            except ClientError as error:
                if error_code(error) != "NotFoundException":
                    raise
                self._check_bucket()

    def _check_bucket(self) -> None:
        try:
            self._client.get_vector_bucket(vectorBucketName=self._bucket)
        except ClientError as error:
            if error_code(error) != "NotFoundException":
                raise
            raise SetupError(
                f"there is no vector bucket {self._bucket}; make it: "
                f"aws s3vectors create-vector-bucket --vector-bucket-name {self._bucket}"
            ) from None


def _vector(entry: IndexedTicket, now: float) -> dict[str, Any]:
    metadata = {"received_at": entry.received_at.timestamp(), "written_at": now}
    return {
        "key": entry.enriched_key,
        "data": {"float32": entry.vector.astype(float).tolist()},
        "metadata": {**metadata, "text": entry.text} if entry.text else metadata,
    }


def _version(dimensions: int) -> dict[str, Any]:
    """The service takes no vector of zeros where it compares by cosine."""
    vector = {"float32": [1.0] + [0.0] * (dimensions - 1)}
    return {"key": VERSION, "data": vector, "metadata": {"version": uuid.uuid4().hex}}


def _entry(stored: Mapping[str, Any]) -> IndexedTicket:
    vector = np.array(stored["data"]["float32"], np.float32)
    return IndexedTicket(stored["key"], _received_at(stored), vector, "")


def _received_at(stored: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(stored["metadata"]["received_at"], UTC)


def _is_since(stored: Mapping[str, Any], since: datetime | None) -> bool:
    return since is None or bool(stored["metadata"]["written_at"] >= since.timestamp())
