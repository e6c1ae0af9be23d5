"""The objects of one bucket with every version, and their removal for good."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ticketmill.aws import clients as aws
from ticketmill.aws.clients import error_code
from ticketmill.domain.errors import TransientFailure
from ticketmill.domain.message import ObjectVersion

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

transient = partial(aws.transient, dependency="s3")

MAX_DELETED = 1000  # what one request deletes at the most
_MISSING = frozenset({"NoSuchKey", "NoSuchVersion"})


class S3ObjectVersions:
    """Every method raises TransientFailure where S3 fails."""

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def under(self, prefix: str) -> Iterator[ObjectVersion]:
        """The versions and the delete markers of the objects whose keys begin with `prefix`."""
        pages = self._s3.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix)
        with transient("listing the versions of objects in S3"):
            for page in pages:
                for each in page.get("Versions", []):
                    yield ObjectVersion(each["Key"], each["VersionId"], each["Size"])
                for marker in page.get("DeleteMarkers", []):
                    yield ObjectVersion(marker["Key"], marker["VersionId"], 0, is_delete_marker=True)

    def body(self, version: ObjectVersion) -> bytes | None:
        """What a version holds; None where it is gone."""
        with transient("reading a version of an object from S3"):
            try:
                found = self._s3.get_object(
                    Bucket=self._bucket, Key=version.key, VersionId=version.version_id
                )
                return found["Body"].read()
            except ClientError as error:
                if error_code(error) in _MISSING:
                    return None
                raise

    def delete(self, versions: Sequence[ObjectVersion]) -> int:
        """Deletes versions for good, and delete markers; how many objects' versions it were."""
        for start in range(0, len(versions), MAX_DELETED):
            named: list[Any] = [
                {"Key": each.key, "VersionId": each.version_id}
                for each in versions[start : start + MAX_DELETED]
            ]
            with transient("deleting versions of objects from S3"):
                answer = self._s3.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": named, "Quiet": True}
                )
            for failed in answer.get("Errors", [])[:1]:
                code = failed.get("Code", "Unknown")
                raise TransientFailure(f"deleting versions of objects from S3: {code}", code)
        return sum(not each.is_delete_marker for each in versions)
