"""The objects of learning: datasets, cached features and learned models in the enriched bucket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ticketmill.aws import clients as aws
from ticketmill.aws.clients import error_code
from ticketmill.aws.versions import S3ObjectVersions

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

transient = partial(aws.transient, dependency="s3")


class S3LearningObjects:
    """Every method raises TransientFailure where S3 fails."""

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._versions = S3ObjectVersions(s3, bucket)

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
            # listing tells the versions of longer keys, too
            self._versions.delete([each for each in self._versions.under(key) if each.key == key])
