"""What arrives on the queue, what it says, and what it points to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from ticketmill.domain.backfill import Selection

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
class StoredVersion:
    """A version of a stored object."""

    key: str
    version_id: str | None
    at: datetime
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """One version of an object, or the marker that it was deleted."""

    key: str
    version_id: str
    size_bytes: int
    is_delete_marker: bool = False


@dataclass(frozen=True, slots=True)
class Uploads:
    """A message that announces uploads. `skipped` says, for each record that is not ours, what it lacks."""

    uploads: tuple[Upload, ...]
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BackfillRequest:
    """A message that asks for a backfill.

    A long backfill is a run of messages: each one asks for the part after its predecessor's. `run` names the
    run and `token` this one message, also when it is delivered twice or redriven; both are empty in a message
    that somebody else sent.
    """

    selection: Selection
    run: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True)
class Ignored:
    """A message that asks for nothing. `keys` are objects that it names all the same, such as our probes."""

    reason: str
    keys: tuple[str, ...] = ()


Announcement = Uploads | BackfillRequest | Ignored
"""What a message says."""


@dataclass(frozen=True, slots=True)
class ListedObject:
    """A dropped object as a listing describes it; `last_modified` has whole seconds, as elsewhere."""

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
