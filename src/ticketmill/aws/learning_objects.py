"""The objects of learning: datasets, cached features and learned models in the enriched bucket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ticketmill.aws import clients as aws
from ticketmill.aws.clients import error_code
from ticketmill.domain.errors import TransientFailure

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

transient = partial(aws.transient, dependency="s3")

MAX_DELETED = 1000  # what one request deletes at the most


class S3LearningObjects:
    """Every method raises TransientFailure where S3 fails."""

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def get(self, key: str) -> bytes | None:
        """The object at `key`; None where there is none."""
        with transient("reading an object of learning from S3"):
            try:
                return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            except ClientError as error:
                if error_code(error) == "NoSuchKey":
                    return None
                raise

    def put(self, key: str, body: bytes) -> None:
        """Stores an object."""
        with transient("storing an object of learning in S3"):
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=body)

    def keys(self, prefix: str) -> Iterator[str]:
        """Every key under `prefix`, in order; a thousand a request, asked for as they are taken."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        with transient("listing the objects of learning in S3"):
            for page in pages:
                yield from (found["Key"] for found in page.get("Contents", []))

    def delete(self, keys: Iterable[str]) -> None:
        """Deletes objects with every version of theirs; those that are not there are no fault."""
        for key in keys:
            versions = list(self._versions(key))
            for start in range(0, len(versions), MAX_DELETED):
                self._delete(versions[start : start + MAX_DELETED])

    def _versions(self, key: str) -> Iterator[ObjectIdentifierTypeDef]:
        """The versions and the delete markers of one key: listing tells those of longer keys, too."""
        pages = self._s3.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=key)
        with transient("listing the versions of an object in S3"):
            for page in pages:
                found: list[Any] = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
                for each in found:
                    if each["Key"] == key:
                        yield {"Key": key, "VersionId": each["VersionId"]}

    def _delete(self, versions: list[ObjectIdentifierTypeDef]) -> None:
        with transient("deleting an object of learning from S3"):
            answer = self._s3.delete_objects(Bucket=self._bucket, Delete={"Objects": versions, "Quiet": True})
        for failed in answer.get("Errors", [])[:1]:
            code = failed.get("Code", "Unknown")
            raise TransientFailure(f"deleting an object of learning from S3: {code}", code)
