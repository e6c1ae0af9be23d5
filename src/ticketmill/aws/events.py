"""What an SQS body says: S3's notifications by every way they come, a bare ticket id, a backfill request.

Notifications come straight, through SNS (in its envelope or raw) or through EventBridge. Keys are URL-encoded
in a notification (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html)
and plain in an EventBridge event (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html).
MinIO and Ceph send S3's notifications under names of their own
(https://github.com/minio/minio/tree/master/docs/bucket/notifications,
https://docs.ceph.com/en/latest/radosgw/s3-notification-compatibility/).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote_plus, unquote, unquote_plus

from pydantic import ValidationError

from ticketmill.domain.backfill import Selection
from ticketmill.domain.keys import PROBE_PREFIX, is_macos_metadata, raw_key
from ticketmill.domain.message import Announcement, BackfillRequest, Ignored, Upload, Uploads
from ticketmill.domain.ticket_id import known_as

MAX_KEY_BYTES = 1024  # of UTF-8, by S3's rules
# S3 sends one record a message. Thousands would fill a worker's memory, again with every delivery.
MAX_RECORDS = 100
MAX_RUN_CHARS = 128

_S3_SOURCES = frozenset({"aws:s3", "minio:s3", "ceph:s3"})
_OWN_FIELD = "ticketmill"
"""The field of a record of ours that S3 does not have."""


def decode(body: str, raw_bucket: str) -> Announcement:
    """What a message says about `raw_bucket`.

    A record that is not ours does not hide the others: it is skipped, and `Uploads.skipped` says why.
    Raises ValueError, never quoting content, where nothing in the body can be read.
    """
    document = _json_object(body, "the message")
    if document.get("Type") == "Notification" and isinstance(document.get("Message"), str):
        document = _json_object(document["Message"], "the SNS notification")
    if document.get("Event") == "s3:TestEvent":
        return Ignored("test_event")
    if "backfill" in document:
        return _backfill_request(document)
    if isinstance(document.get("Records"), list):
        return _from_records(document["Records"], raw_bucket)
    if "detail-type" in document:
        upload = _from_eventbridge(document)
        return _announced([] if upload is None else [_checked(upload, raw_bucket)])
    if "ticket_id" in document:
        return _announced([_from_ticket_id(document, raw_bucket)])
    raise ValueError("expected an S3 event or a ticket_id, found a JSON object of another kind")


def encode_backfill(request: BackfillRequest) -> str:
    """The body that `decode` reads as `request`."""
    selection = request.selection.model_dump(mode="json", exclude_defaults=True)
    link = {name: value for name in ("run", "token") if (value := getattr(request, name))}
    return json.dumps({"backfill": selection, **link})


def encode_upload(bucket: str, key: str, force: bool = False) -> str:
    """A body that announces the object at `key` as S3 does, where nobody uploaded it just now.

    A bare ticket id would not do: it finds `tickets/<id>.json` only.
    """
    found = {"bucket": {"name": bucket}, "object": {"key": quote_plus(key, safe="/")}}
    record: dict[str, Any] = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Backfill", "s3": found}
    if force:
        record[_OWN_FIELD] = {"force": True}
    return json.dumps({"Records": [record]})


def _from_records(records: list[Any], raw_bucket: str) -> Announcement:
    if len(records) > MAX_RECORDS:
        raise ValueError(f"expected at most {MAX_RECORDS} records, found {len(records)}")
    uploads: list[Upload] = []
    skipped: list[str] = []
    for record in records:
        try:
            upload = _from_record(record)
            if upload is not None:
                uploads.append(_checked(upload, raw_bucket))
        except ValueError as error:
            skipped.append(str(error))
    if skipped and len(skipped) == len(records):
        raise ValueError(skipped[0])
    return _announced(uploads, skipped)


def _announced(uploads: Iterable[Upload], skipped: Iterable[str] = ()) -> Announcement:
    """`uploads`, but for the objects that no worker should look at; Ignored where nothing is left to do."""
    named = tuple(dict.fromkeys(uploads))
    wanted = tuple(each for each in named if not _is_no_ticket(each.key))
    told = tuple(skipped)
    if wanted or told:
        return Uploads(wanted, told)
    return Ignored("no_ticket" if named else "other_event", tuple(each.key for each in named))


def _is_no_ticket(key: str) -> bool:
    return key.startswith(PROBE_PREFIX) or is_macos_metadata(key)


def _json_object(text: str, name: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"expected JSON in {name}, found something else") from None
    if not isinstance(document, dict):
        raise ValueError(f"expected a JSON object in {name}, found JSON of another type")
    return document


def _backfill_request(document: Mapping[str, Any]) -> BackfillRequest:
    run, token = document.get("run", ""), document.get("token", "")
    if not all(isinstance(each, str) and len(each) <= MAX_RUN_CHARS for each in (run, token)):
        raise ValueError(f"expected run and token of at most {MAX_RUN_CHARS} characters, found another")
    try:
        return BackfillRequest(Selection.model_validate(document["backfill"]), run, token)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        told = [": ".join(filter(None, (".".join(map(str, each["loc"])), each["msg"]))) for each in faults]
        raise ValueError(f"expected a backfill of what we know, found another: {'; '.join(told)}") from None


def _from_record(record: Any) -> Upload | None:
    """The upload in one record of a notification; None for an event of another kind."""
    match record:
        case {
            "eventSource": str(source),
            "eventName": str(event),
            "s3": {"bucket": {"name": str(bucket)}, "object": {"key": str(key)}},
        } if source in _S3_SOURCES:
            if not event.removeprefix("s3:").startswith("ObjectCreated:"):
                return None
            own = record.get(_OWN_FIELD)
            force = isinstance(own, dict) and own.get("force") is True
            return Upload(bucket, key=unquote_plus(key), fallback_key=key, force=force)
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
    names = known_as(ticket_id) if isinstance(ticket_id, str) else ()
    if not names:
        raise ValueError("expected a ticket_id that can name a ticket, found another")
    key = raw_key(names[0])
    return Upload(bucket=raw_bucket, key=key, fallback_key=key)


def _checked(upload: Upload, raw_bucket: str) -> Upload:
    if upload.bucket != raw_bucket:
        raise ValueError(f"expected an event of bucket {raw_bucket}, found one of another bucket")
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
