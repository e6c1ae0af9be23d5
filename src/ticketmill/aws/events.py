"""What can be on the queue: S3's notifications by every way they come, a ticket's bare id, our own commands.

Notifications come straight, through SNS (in its envelope or raw) or through EventBridge. Keys are URL-encoded
in a notification (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html)
and plain in an EventBridge event (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote_plus, unquote, unquote_plus

from pydantic import ValidationError

from ticketmill.domain.backfill import Selection
from ticketmill.domain.keys import PROBE_PREFIX, raw_key
from ticketmill.domain.message import Upload
from ticketmill.domain.ticket import is_usable_id

BACKFILL = "backfill"

MAX_KEY_BYTES = 1024  # of UTF-8, by S3's rules
# S3 sends one record a message. Thousands would be a worker's whole memory, and again with every delivery.
MAX_RECORDS = 100


def read_uploads(body: str, raw_bucket: str) -> list[Upload]:
    """The uploads to `raw_bucket` that a message body announces.

    None for S3's test event, for events of other kinds than a created object, for our own probes and
    commands.
    Raises ValueError, never quoting content, where the body is nothing that we know or names another bucket.
    """
    return [upload for upload in announced(body, raw_bucket) if not upload.key.startswith(PROBE_PREFIX)]


def announced(body: str, raw_bucket: str) -> list[Upload]:
    """All that `read_uploads` knows, our probes among them."""
    document = _decode(body, "the message")
    if document.get("Type") == "Notification" and isinstance(document.get("Message"), str):
        document = _decode(document["Message"], "the SNS notification")
    if document.get("Event") == "s3:TestEvent":
        return []
    if BACKFILL in document:
        _selection(document)
        return []
    if isinstance(document.get("Records"), list):
        if len(document["Records"]) > MAX_RECORDS:
            raise ValueError(f"expected at most {MAX_RECORDS} records, found {len(document['Records'])}")
        uploads = [_from_record(record) for record in document["Records"]]
    elif "detail-type" in document:
        uploads = [_from_eventbridge(document)]
    elif "ticket_id" in document:
        uploads = [_from_ticket_id(document, raw_bucket)]
    else:
        raise ValueError("expected an S3 event or a ticket_id, found a JSON object of another kind")
    return [_checked(upload, raw_bucket) for upload in uploads if upload is not None]


def read_command(body: str) -> Selection | None:
    """What a message like `{"backfill": {"missing": true}}` asks for; None for any other message.

    Raises ValueError where it asks for something that we do not know.
    """
    document = _decode(body, "the message")
    return _selection(document) if BACKFILL in document else None


def command(selection: Selection) -> str:
    """The message that `read_command` reads as `selection`."""
    return json.dumps({BACKFILL: selection.model_dump(mode="json", exclude_defaults=True)})


def announcement(bucket: str, key: str) -> str:
    """A message that announces the object at `key` as S3 does, where nobody uploaded it just now.

    A bare ticket id would not do: it finds `tickets/<id>.json` alone.
    """
    found = {"bucket": {"name": bucket}, "object": {"key": quote_plus(key, safe="/")}}
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Backfill", "s3": found}
    return json.dumps({"Records": [record]})


def _decode(text: str, name: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"expected JSON in {name}, found something else") from None
    if not isinstance(document, dict):
        raise ValueError(f"expected a JSON object in {name}, found JSON of another type")
    return document


def _selection(document: Mapping[str, Any]) -> Selection:
    try:
        return Selection.model_validate(document[BACKFILL])
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        told = [": ".join(filter(None, (".".join(map(str, each["loc"])), each["msg"]))) for each in faults]
        raise ValueError(f"expected a backfill of what we know, found another: {'; '.join(told)}") from None


def _from_record(record: Any) -> Upload | None:
    """The upload in one record of a notification; None for an event of another kind."""
    match record:
        case {
            "eventSource": "aws:s3",
            "eventName": str(event),
            "s3": {"bucket": {"name": str(bucket)}, "object": {"key": str(fallback_key)}},
        }:
            if not event.startswith("ObjectCreated:"):
                return None
            return Upload(bucket=bucket, key=unquote_plus(fallback_key), fallback_key=fallback_key)
        case {"eventSource": str(), "eventName": str()}:
            raise ValueError("expected records of S3 with bucket and key, found a record of another kind")
        case _:
            raise ValueError("expected records with eventSource and eventName, found one without")


def _from_eventbridge(event: Mapping[str, Any]) -> Upload | None:
    match event:
        case {
            "source": "aws.s3",
            "detail-type": str(kind),
            "detail": {"bucket": {"name": str(bucket)}, "object": {"key": str(key)}},
        }:
            # Plain from AWS, percent-encoded from LocalStack; a plus is a plus from both. What AWS says goes
            # first: the decoded spelling of a plain key may be another object's.
            upload = Upload(bucket=bucket, key=key, fallback_key=unquote(key))
            return upload if kind == "Object Created" else None
        case _:
            raise ValueError("expected an EventBridge event of S3 with bucket and key, found another")


def _from_ticket_id(document: Mapping[str, Any], raw_bucket: str) -> Upload:
    ticket_id = document["ticket_id"]
    if len(document) > 1:
        raise ValueError(
            f"expected ticket_id alone, found {len(document) - 1} more fields: "
            "the ticket itself belongs in the bucket"
        )
    if not isinstance(ticket_id, str) or not is_usable_id(ticket_id):
        raise ValueError("expected a ticket_id that can name a ticket, found another")
    key = raw_key(ticket_id)
    return Upload(bucket=raw_bucket, key=key, fallback_key=key)


def _checked(upload: Upload, raw_bucket: str) -> Upload:
    if upload.bucket != raw_bucket:
        raise ValueError("expected an event of the raw bucket, found one of another bucket")
    if not _can_be_key(upload.key):
        raise ValueError(f"expected a key of 1 to {MAX_KEY_BYTES} bytes of UTF-8, found none")
    # Encoding makes a key longer, and of one that is too long S3 does not say that it is missing but that the
    # request is wrong, which would look like a fault of S3.
    return upload if _can_be_key(upload.fallback_key) else replace(upload, fallback_key=upload.key)


def _can_be_key(key: str) -> bool:
    try:
        return 1 <= len(key.encode()) <= MAX_KEY_BYTES
    except UnicodeEncodeError:  # half an emoji, in a `\ud83d` escape
        return False
