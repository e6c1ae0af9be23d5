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


class S3IndexGenerations:
    """Those of one embedding model. Every method raises TransientFailure where S3 fails."""

    def __init__(
        self, s3: S3Client, bucket: str, model: str, open_store: Callable[[str], LanceVectorStore]
    ) -> None:
        """`open_store` opens the store whose objects' keys begin with what it is given."""
        self._s3 = s3
        self._bucket = bucket
        self._model = model
        self._open_store = open_store
        self._stores: dict[str, LanceVectorStore] = {}

    def current(self) -> str:
        """The name of the generation that is searched."""
        return self._pointer()[0]

    def store(self, generation: str) -> LanceVectorStore:
        """The entries of a generation."""
        if generation not in self._stores:
            self._stores[generation] = self._open_store(generation_folder(self._model, generation))
        return self._stores[generation]

    def names(self) -> list[str]:
        """All that there are, in the order of their age."""
        prefix = generation_folder(self._model, "").rstrip("/") + "/"
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix, Delimiter="/"
        )
        with transient("listing the generations of the search index"):
            found = [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", [])]
        names = [each.removeprefix(prefix).rstrip("/") for each in found]
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
                    Key=generation_pointer(self._model),
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
        return versions.delete(list(versions.under(generation_folder(self._model, generation))))

    def _pointer(self) -> tuple[str, str | None]:
        """The generation that is named, and the ETag of the object; without one the first, and None."""
        with transient("reading which generation of the search index is searched"):
            try:
                found = self._s3.get_object(Bucket=self._bucket, Key=generation_pointer(self._model))
                return json.loads(found["Body"].read())["generation"], found["ETag"]
            except ClientError as error:
                if error_code(error) in _MISSING:
                    return FIRST_GENERATION, None
                raise
