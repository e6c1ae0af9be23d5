"""What AWS's documentation says to the same questions. Nobody asks AWS itself here."""

from __future__ import annotations

_S3 = "https://docs.aws.amazon.com/AmazonS3/latest/userguide"
_SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest"
_DYNAMODB = "https://docs.aws.amazon.com/amazondynamodb/latest"
_SNS = "https://docs.aws.amazon.com/sns/latest/dg"

_STRUCTURE = f"{_S3}/notification-content-structure.html"


def _said(answer: str, page: str) -> str:
    return f"[{answer}]({page})"


AWS = {
    "key of `tickets/a b+ü/c.json` in the event, straight": _said(
        "`tickets/a+b%2B%C3%BC/c.json`", _STRUCTURE
    ),
    "the same through EventBridge": _said(
        "`tickets/a b+ü/c.json`: no encoding is named", f"{_S3}/ev-events.html"
    ),
    "events of one upload through EventBridge": _said("`Object Created`", f"{_S3}/EventBridge.html"),
    "envelope of SNS": _said(
        "`Notification`, none if raw", f"{_SNS}/sns-large-payload-raw-message-delivery.html"
    ),
    "`sequencer`, one key uploaded three times": _said("grows", _STRUCTURE),
    "`eventVersion`": _said("`2.x`: only the major part may be compared", _STRUCTURE),
    "`versionId` in the event": _said("yes", _STRUCTURE),
    "`s3:TestEvent` when a notification is set": _said(
        "yes", f"{_S3}/how-to-enable-disable-notification-intro.html"
    ),
    "CloudFormation sets the bucket's notification": _said(
        "yes",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/"
        "aws-properties-s3-bucket-notificationconfiguration.html",
    ),
    "a message received too often becomes a dead letter": _said(
        "yes", f"{_SQS}/SQSDeveloperGuide/sqs-dead-letter-queues.html"
    ),
    "`StartMessageMoveTask`": _said("yes", f"{_SQS}/APIReference/API_StartMessageMoveTask.html"),
    "URL of a queue": _said(
        "`https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`",
        f"{_SQS}/SQSDeveloperGuide/sqs-queue-message-identifiers.html",
    ),
    "get of a key that is not there": _said(
        "`NoSuchKey`; `AccessDenied` to who may not list the bucket",
        "https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html",
    ),
    "get of a key of 1,025 bytes": _said(
        "`KeyTooLongError`", "https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"
    ),
    "`tickets/../secret.json` is": _said("a name", f"{_S3}/object-keys.html"),
    "the item that a condition failed on": _said("yes", f"{_DYNAMODB}/APIReference/API_PutItem.html"),
    "attributes of an index that repeats `facets`, filtered by a member": _said(
        "`facets`, `position`, `shard`, `ticket_id`", f"{_DYNAMODB}/developerguide/GSI.html"
    ),
    "query of an index that is not there": _said(
        "a `ValidationException`: no message is named", f"{_DYNAMODB}/APIReference/CommonErrors.html"
    ),
}
