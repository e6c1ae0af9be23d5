"""Makes LanceDB's table so that of many makers one wins, and none erases what another wrote.

LanceDB's own way is not atomic: a maker that is late commits an overwrite
(https://github.com/lance-format/lance/issues/4451). So an empty table is made in a folder of its own. Then
its files are put. The last is the first manifest, on condition that there is none: it is the table.
"""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from ticketmill.aws.clients import error_code, transient

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MADE_ALREADY = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})


def make_table(location: str, name: str, schema: Any, s3: S3Client | None) -> None:
    """Makes an empty table where there is none. `location`: a folder, or `s3://BUCKET/PREFIX`."""
    with _empty_table(name, schema) as made:
        manifests = sorted(made.glob("*/_versions/*.manifest"))
        others = [path for path in sorted(made.rglob("*")) if path.is_file() and path not in manifests]
        for path in [*others, *manifests]:
            relative = path.relative_to(made).as_posix()
            if s3 is None:
                _link(path, Path(location) / relative)
            else:
                _put(s3, f"{location}/{relative}", path.read_bytes())


@contextmanager
def _empty_table(name: str, schema: Any) -> Iterator[Path]:
    import lancedb

    with tempfile.TemporaryDirectory(prefix="ticketmill-index-") as folder:
        lancedb.connect(folder).create_table(name, schema=schema)
        yield Path(folder)


def _link(source: Path, target: Path) -> None:
    """Copies a file in one step, where there is none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.parent / f".{uuid.uuid4().hex}"
    try:
        beside.write_bytes(source.read_bytes())
        with suppress(FileExistsError):
            os.link(beside, target)
    finally:
        beside.unlink(missing_ok=True)


def _put(s3: S3Client, address: str, content: bytes) -> None:
    parts = urlsplit(address)
    with transient("making the search index", dependency="s3"):
        try:
            s3.put_object(Bucket=parts.netloc, Key=parts.path[1:], Body=content, IfNoneMatch="*")
        except ClientError as error:
            if error_code(error) not in _MADE_ALREADY:
                raise
