"""Sources and results of bulk runs in S3."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ticketmill.aws import clients as aws
from ticketmill.aws.clients import error_code
from ticketmill.aws.object_store import etag_of
from ticketmill.domain.bulk import Source
from ticketmill.domain.errors import SetupError, TransientFailure

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef

transient = partial(aws.transient, dependency="s3")

_WILD = re.compile(r"\*\*/|\*\*|\*|\?")
_OF_WILD = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
_NOT_AS_IT_WAS = frozenset({"PreconditionFailed", "412", "NoSuchKey", "404", "InvalidRange"})


class S3Inputs:
    """The objects that a key, a prefix or a pattern with `*` or `**` names."""

    def __init__(self, s3: S3Client, bucket: str, pattern: str, suffixes: tuple[str, ...]) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._pattern = pattern
        self._suffixes = suffixes

    def find(self) -> list[Source]:
        """The objects, in the order of their keys. SetupError where there is none."""
        wild = _WILD.search(self._pattern)
        prefix = self._pattern[: wild.start()] if wild else self._pattern
        found = [
            _source(self._bucket, each)
            for each in _listed(self._s3, self._bucket, prefix)
            if self._is_meant(each["Key"])
        ]
        if not found:
            ends = ", ".join(self._suffixes)
            raise SetupError(f"no object at s3://{self._bucket}/{self._pattern} that ends in {ends}")
        return found

    def read(self, source: Source, start: int, stop: int) -> bytes:
        """The bytes of an object, if its ETag is still the same."""
        if stop <= start:
            return b""
        key = source.name.removeprefix(f"s3://{self._bucket}/")
        with transient(f"reading {source.name}"):
            try:
                answer = self._s3.get_object(
                    Bucket=self._bucket, Key=key, Range=f"bytes={start}-{stop - 1}", IfMatch=source.stamp
                )
                # asked again here: not every emulator knows the condition
                if etag_of(answer["ETag"]) == source.stamp:
                    return answer["Body"].read()
            except ClientError as error:
                if error_code(error) not in _NOT_AS_IT_WAS:
                    raise
        raise TransientFailure(f"{source.name} changed while the run was on", "input_changed")

    def _is_meant(self, key: str) -> bool:
        if not key.endswith(self._suffixes):
            return False
        if _WILD.search(self._pattern):
            return key_pattern(self._pattern).fullmatch(key) is not None
        folder = self._pattern if self._pattern.endswith("/") or not self._pattern else f"{self._pattern}/"
        return key == self._pattern or key.startswith(folder)


class S3Outputs:
    """The objects right under a prefix."""

    def __init__(self, s3: S3Client, bucket: str, prefix: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._prefix = prefix.strip("/")

    @property
    def location(self) -> str:
        """As in `s3://BUCKET/PREFIX`."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def names(self) -> Iterator[str]:
        """The names of the objects."""
        folder = self._key("")
        for each in _listed(self._s3, self._bucket, folder, delimiter="/"):
            yield each["Key"].removeprefix(folder)

    def get(self, name: str) -> bytes:
        """The content of an object."""
        with transient(f"reading {name} from S3"):
            return self._s3.get_object(Bucket=self._bucket, Key=self._key(name))["Body"].read()

    def put(self, name: str, body: bytes) -> None:
        """Stores an object by one request: all of it or nothing."""
        with transient(f"storing {name} in S3"):
            self._s3.put_object(Bucket=self._bucket, Key=self._key(name), Body=body)

    def delete(self, name: str) -> None:
        """Deletes an object."""
        with transient(f"deleting {name} in S3"):
            self._s3.delete_object(Bucket=self._bucket, Key=self._key(name))

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name


def _listed(s3: S3Client, bucket: str, prefix: str, delimiter: str = "") -> Iterator[ObjectTypeDef]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter=delimiter)
    with transient(f"listing s3://{bucket}/{prefix}"):
        for page in pages:
            yield from page.get("Contents", [])


def _source(bucket: str, found: ObjectTypeDef) -> Source:
    etag = etag_of(found["ETag"])
    return Source(f"s3://{bucket}/{found['Key']}", found["Size"], etag, etag)


def key_pattern(pattern: str) -> re.Pattern[str]:
    """What matches the keys of a pattern: `*` and `?` stay within a folder, `**` does not."""
    parts, at = [], 0
    for wild in _WILD.finditer(pattern):
        parts += [re.escape(pattern[at : wild.start()]), _OF_WILD[wild[0]]]
        at = wild.end()
    return re.compile("".join([*parts, re.escape(pattern[at:])]), re.DOTALL)
