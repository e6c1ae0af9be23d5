"""The generations of a search index in the bucket: `index/MODEL/GENERATION/`, and the object that names one.

A rebuild fills a new generation, and then the object `current` names it. Readers and writers look at it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ticketmill.aws import clients as aws
from ticketmill.aws.clients import error_code
from ticketmill.aws.versions import S3ObjectVersions
from ticketmill.domain.keys import FIRST_GENERATION, generation_folder, generation_pointer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from ticketmill.aws.lance_index import LanceVectorStore

transient = partial(aws.transient, dependency="s3")

_MISSING = frozenset({"NoSuchKey", "404"})
_FORESTALLED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})


def folders(s3: S3Client, bucket: str, prefix: str) -> list[str]:
    """What begins keys under `prefix` up to the next slash: of `index/` the folders of all models."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
    with transient("listing the search index"):
        return [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", [])]


class S3IndexGenerations:
    """Those of one embedding model. Every method raises TransientFailure where S3 fails."""

    def __init__(
        self, s3: S3Client, bucket: str, folder: str, open_store: Callable[[str], LanceVectorStore]
    ) -> None:
        """`folder` begins all keys of the index; `open_store` opens the store whose keys begin so."""
        self._s3 = s3
        self._bucket = bucket
        self._folder = folder
        self._open_store = open_store
        self._stores: dict[str, LanceVectorStore] = {}

    def current(self) -> str:
        """The name of the generation that is searched."""
        return self._pointer()[0]

    def store(self, generation: str) -> LanceVectorStore:
        """The entries of a generation."""
        if generation not in self._stores:
            self._stores[generation] = self._open_store(generation_folder(self._folder, generation))
        return self._stores[generation]

    def names(self) -> list[str]:
        """All that there are, in the order of their age."""
        found = folders(self._s3, self._bucket, self._folder)
        names = [each.removeprefix(self._folder).rstrip("/") for each in found]
        return sorted(names, key=lambda name: (name != FIRST_GENERATION, name))

    def switch(self, before: str, to: str) -> bool:
        """Has `to` searched instead of `before`. False, and nothing changed, where another came first."""
        current, etag = self._pointer()
        if current != before:
            return False
        unchanged: Any = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
        with transient("switching the generation of the search index"):
            try:
                self._s3.put_object(
                    Bucket=self._bucket,
                    Key=generation_pointer(self._folder),
                    Body=json.dumps({"generation": to}).encode(),
                    ContentType="application/json",
                    **unchanged,
                )
            except ClientError as error:
                if error_code(error) not in _FORESTALLED:
                    raise
                return False
        return True

    def delete(self, generation: str) -> int:
        """Deletes all objects of a generation with all versions; how many it were."""
        self._stores.pop(generation, None)
        versions = S3ObjectVersions(self._s3, self._bucket)
        return versions.delete(list(versions.under(generation_folder(self._folder, generation))))

    def size(self, generation: str) -> tuple[int, int]:
        """The number of objects of a generation, and their bytes together."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=generation_folder(self._folder, generation)
        )
        with transient("listing the objects of the search index"):
            sizes = [each["Size"] for page in pages for each in page.get("Contents", [])]
        return len(sizes), sum(sizes)

    def _pointer(self) -> tuple[str, str | None]:
        """The generation that is named, and the ETag of the object; without one the first, and None."""
        with transient("reading which generation of the search index is searched"):
            try:
                found = self._s3.get_object(Bucket=self._bucket, Key=generation_pointer(self._folder))
                return json.loads(found["Body"].read())["generation"], found["ETag"]
            except ClientError as error:
                if error_code(error) in _MISSING:
                    return FIRST_GENERATION, None
                raise
