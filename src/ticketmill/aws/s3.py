"""The two buckets: what people drop, and the full enrichments."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ticketmill.aws import clients as aws
from ticketmill.aws.clients import Clients, error_code
from ticketmill.aws.object_store import JSON, ObjectStore, etag_of, version_id_of
from ticketmill.domain.keys import is_ticket_key
from ticketmill.domain.message import ListedObject, RawObject, StoredVersion, Upload
from ticketmill.domain.row import RawVersion

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectTypeDef

transient = partial(aws.transient, dependency="s3")

MAX_LISTED = 1000  # what one request lists at the most
_MISSING = frozenset({"NoSuchKey", "404"})  # HEAD has no body to name a code in, only the status


class S3RawTickets:
    """The bucket that people drop tickets into."""

    def __init__(self, clients: Clients, bucket: str) -> None:
        self._s3 = clients.s3
        self._objects = ObjectStore(clients.s3, clients.session, bucket)
        self._bucket = bucket

    def fetch(self, upload: Upload, max_bytes: int) -> RawObject | None:
        """The object as it stands now, None where there is none; over `max_bytes` without its body.

        Some senders do not encode the key: where the decoded one is missing, the raw one is tried once.
        Raises TransientFailure where S3 fails.
        """
        for key in dict.fromkeys((upload.key, upload.fallback_key)):
            found = self._get(key, max_bytes)
            if found is not None:
                return found
        return None

    def is_current(self, version: RawVersion) -> bool:
        """Whether `version` is what its key holds now. Raises TransientFailure where S3 fails."""
        with transient("asking S3 for the current version"):
            try:
                head = self._s3.head_object(Bucket=self._bucket, Key=version.key)
            except ClientError as error:
                if error_code(error) in _MISSING:
                    return False
                raise
        if version.version_id is not None:
            return version_id_of(head.get("VersionId")) == version.version_id
        return etag_of(head["ETag"]) == version.etag

    def walk(self, prefix: str, after: str = "") -> Iterator[ListedObject]:
        """The tickets under `prefix` whose keys come after `after`, in the order of their keys.

        A thousand a request, asked for as they are taken. Raises TransientFailure where S3 fails.
        """
        for found in self._list(prefix, after):
            if is_ticket_key(found["Key"]):
                last_modified = found["LastModified"].replace(microsecond=0)
                yield ListedObject(found["Key"], etag_of(found["ETag"]), last_modified)

    def keys(self, prefix: str = "", after: str = "") -> Iterator[str]:
        """Every key under `prefix` that comes after `after`, tickets or not. Raises TransientFailure where S3
        fails."""
        return (found["Key"] for found in self._list(prefix, after))

    def _list(self, prefix: str, after: str) -> Iterator[ObjectTypeDef]:
        while True:
            with transient("listing the raw bucket"):
                page = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix, StartAfter=after)
            for found in page.get("Contents", []):
                after = found["Key"]
                yield found
            if not page["IsTruncated"]:
                return

    def look(self, key: str) -> ListedObject | None:
        """The object at `key`, None where there is none. Raises TransientFailure where S3 fails."""
        with transient("looking for a ticket in S3"):
            try:
                head = self._s3.head_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if error_code(error) in _MISSING:
                    return None
                raise
        return ListedObject(key, etag_of(head["ETag"]), head["LastModified"].replace(microsecond=0))

    def put(self, key: str, body: bytes) -> None:
        """Drops a ticket. Raises TransientFailure where S3 fails."""
        with transient("dropping a ticket into S3"):
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=JSON)

    def stored_versions(self, prefix: str, limit: int) -> list[StoredVersion]:
        """Up to `limit` versions of objects under `prefix`, the newest of each key first. Raises
        TransientFailure where S3 fails."""
        with transient("listing the versions of a ticket in S3"):
            page = self._s3.list_object_versions(
                Bucket=self._bucket, Prefix=prefix, MaxKeys=min(limit, MAX_LISTED)
            )
        return [
            StoredVersion(
                each["Key"], version_id_of(each.get("VersionId")), each["LastModified"], each["Size"]
            )
            for each in page.get("Versions", [])
        ]

    def _get(self, key: str, max_bytes: int) -> RawObject | None:
        if answered := self._objects.get(key, max_bytes):
            return answered
        with transient("fetching a ticket from S3", in_its_words=True):
            try:
                found = self._s3.get_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if error_code(error) in _MISSING:
                    return None
                raise
            size_bytes = found["ContentLength"]
            # Its own context manager would hand out the bare stream, whose errors are not botocore's.
            # Closing it unread drops the connection, not the rest of the body.
            with closing(found["Body"]) as stream:
                body = stream.read() if size_bytes <= max_bytes else None
        return RawObject(
            bucket=self._bucket,
            key=key,
            version_id=version_id_of(found.get("VersionId")),
            etag=etag_of(found["ETag"]),
            last_modified=found["LastModified"],
            size_bytes=size_bytes,
            body=body,
        )


class S3EnrichedTickets:
    """The bucket of the full enrichments."""

    def __init__(self, clients: Clients, bucket: str) -> None:
        self._s3 = clients.s3
        self._objects = ObjectStore(clients.s3, clients.session, bucket)
        self._bucket = bucket

    def put(self, key: str, body: bytes) -> None:
        """Stores an enrichment. Raises TransientFailure where S3 fails."""
        if self._objects.put(key, body):
            return
        with transient("storing an enrichment in S3", in_its_words=True):
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=JSON)

    def get(self, key: str) -> bytes:
        """The enrichment at `key`. Raises TransientFailure where S3 fails or has none."""
        with transient("reading an enrichment from S3"):
            return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()

    def find(self, key: str) -> bytes | None:
        """The enrichment at `key`; None where there is none. Raises TransientFailure where S3 fails."""
        if (answered := self._objects.get(key, sys.maxsize)) and answered.body is not None:
            return answered.body
        with transient("reading an enrichment from S3"):
            try:
                return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            except ClientError as error:
                if error_code(error) in _MISSING:
                    return None
                raise

    def stored_versions(self, prefix: str, limit: int) -> list[StoredVersion]:
        """Up to `limit` enrichments under `prefix`. Raises TransientFailure where S3 fails."""
        with transient("listing the enrichments of a ticket in S3"):
            page = self._s3.list_objects_v2(
                Bucket=self._bucket, Prefix=prefix, MaxKeys=min(limit, MAX_LISTED)
            )
        return [
            StoredVersion(each["Key"], None, each["LastModified"], each["Size"])
            for each in page.get("Contents", [])
        ]
