"""What arrives on the queue, and what it points to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

SQS_MAX_BATCH = 10
"""Messages that one request to SQS receives, sends, extends, releases or deletes at the most.

See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html.
"""


@dataclass(frozen=True, slots=True)
class Message:
    """One message as received. `receipt` is what acknowledges it; `sent_at` is when it was enqueued."""

    message_id: str
    body: str
    receipt: str
    receive_count: int
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Extension:
    """The queue's answer to a heartbeat, by message ids. A message in neither set keeps its old expiry."""

    confirmed: frozenset[str]
    """Invisible to others for the time asked for, from now."""
    expired: frozenset[str]
    """Their receipts are void: others may receive them, or they are deleted."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An object that somebody dropped.

    `key` is what AWS means by the event. `fallback_key` is what a sender means that does not encode keys as
    AWS does; it is tried where no object has `key`. `force` enriches it even where its row says that this
    was done already.
    """

    bucket: str
    key: str
    fallback_key: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class ListedObject:
    """A dropped object as a listing tells of it; `last_modified` has whole seconds, as elsewhere."""

    key: str
    etag: str
    last_modified: datetime


@dataclass(frozen=True)
class RawObject:
    """One version of a dropped object. `last_modified` has the whole seconds that S3 gives."""

    bucket: str
    key: str
    version_id: str | None
    etag: str
    last_modified: datetime
    size_bytes: int
    body: bytes | None
    """None where the object is over the size limit and was not read."""

    @cached_property
    def content_hash(self) -> str:
        """128 bits of SHA-256 in hex: of the body, or of the ETag where the body was not read."""
        content = self.etag.encode() if self.body is None else self.body
        return hashlib.sha256(content).hexdigest()[:32]
