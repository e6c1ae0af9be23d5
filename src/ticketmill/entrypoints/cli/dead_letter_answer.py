"""Dead letters and what is known of them, in words and for programs; nothing of a ticket's text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ticketmill.domain.row import TicketRow
    from ticketmill.operations.dead_letter import DeadLetter, Finding


def listed(letter: DeadLetter) -> dict[str, Any]:
    """One message as `dlq list --json` shows it."""
    message = letter.message
    return {
        "message_id": message.message_id,
        "reason": letter.reason,
        "tickets": [{"ticket_id": each.ticket_id, "key": each.upload.key} for each in letter.findings],
        **_delivery_fields(letter),
        "receive_count": message.receive_count,
        "sent_at": message.sent_at.isoformat(),
        "age_s": round(_age(letter).total_seconds()),
    }


def table_row(letter: DeadLetter) -> tuple[object, ...]:
    """One message as `dlq list` shows it."""
    ids = "\n".join(each.ticket_id for each in letter.findings)
    keys = "\n".join(each.upload.key for each in letter.findings)
    if letter.delivery is not None:
        ids, keys = letter.delivery.event.ticket_id, letter.delivery.key
    message = letter.message
    return message.message_id, letter.reason, ids, keys, message.receive_count, _in_words(_age(letter))


def explanation(letter: DeadLetter) -> dict[str, Any]:
    """One message as `dlq explain --json` shows it."""
    return {
        **listed(letter),
        "problem": letter.problem,
        "skipped": letter.skipped,
        "backfill": letter.request
        and letter.request.selection.model_dump(mode="json", exclude_defaults=True),
        "next": letter.next_step,
        "uploads": [
            {
                "bucket": each.upload.bucket,
                "key": each.upload.key,
                "ticket_id": each.ticket_id,
                "reason": each.reason,
                "refusal": each.refusal and str(each.refusal),
                "row": each.row and row_fields(each.row),
            }
            for each in letter.findings
        ],
    }


def row_fields(row: TicketRow) -> dict[str, Any]:
    """What a row says of its uploads, and nothing of the ticket's text."""
    wanted = {"ticket_id", "status", "revision", "raw", "rejection", "failure", "processed_at"}
    return row.model_dump(mode="json", include=wanted)


def explanation_lines(letter: DeadLetter) -> list[tuple[str, object]]:
    """One message as `dlq explain` shows it."""
    message, request = letter.message, letter.request
    fields: list[tuple[str, object]] = [
        ("reason", letter.reason),
        ("what is wrong", letter.problem),
        ("skipped records", "\n".join(letter.skipped) or None),
        ("backfill", request and request.selection.model_dump_json(exclude_defaults=True)),
        ("sent", f"{message.sent_at:%Y-%m-%d %H:%M:%S} UTC, {_in_words(_age(letter))} ago"),
        ("received", f"{message.receive_count} times"),
        *_delivery_lines(letter),
        *(field for each in letter.findings for field in _finding_lines(each)),
        ("next", letter.next_step),
    ]
    return [(name, value) for name, value in fields if value is not None]


def _delivery_fields(letter: DeadLetter) -> dict[str, Any]:
    """What is known of a delivery; nothing for other messages."""
    delivery, failure = letter.delivery, letter.delivery_failure
    if delivery is None:
        return {}
    return {
        "delivery": {
            "key": delivery.key,
            "rule": delivery.rule,
            "ticket_id": delivery.event.ticket_id,
            "type": str(delivery.event.type),
            "failure": failure and failure.message,
            "failed_at": failure and failure.failed_at.isoformat(),
        }
    }


def _delivery_lines(letter: DeadLetter) -> list[tuple[str, object]]:
    if letter.delivery is None:
        return []
    lines: list[tuple[str, object]] = [
        ("delivers", letter.delivery.key),
        ("rule", letter.delivery.rule),
        ("ticket", letter.delivery.event.ticket_id),
    ]
    if failure := letter.delivery_failure:
        when = f"{failure.failed_at:%Y-%m-%d %H:%M:%S} UTC"
        lines.append(("failed", f"{failure.message}, attempt {failure.attempts} at {when}"))
    return lines


def _finding_lines(finding: Finding) -> list[tuple[str, object]]:
    announced: list[tuple[str, object]] = [
        ("announces", f"s3://{finding.upload.bucket}/{finding.upload.key}"),
        ("ticket", finding.ticket_id),
    ]
    if finding.refusal is not None:
        announced.append(("cannot be read", str(finding.refusal)))
    return announced + (row_lines(finding.row) if finding.row else [("row", "none")])


def row_lines(row: TicketRow) -> list[tuple[str, object]]:
    """What a row says of its uploads, for people."""
    lines: list[tuple[str, object]] = [
        ("row", f"{row.status}, of {row.raw.key}, {row.processed_at:%Y-%m-%d %H:%M:%S} UTC")
    ]
    if row.failure:
        failed = row.failure
        when = f"{failed.failed_at:%Y-%m-%d %H:%M:%S} UTC"
        lines.append(("failed", f"{failed.code}: {failed.message} ({failed.key})"))
        lines.append(("attempts", f"{failed.attempts}, the last at {when}"))
    if row.rejection:
        lines.append(("rejected", f"{row.rejection.code}: {row.rejection.message} ({row.rejection.key})"))
    return lines


def next_without_letter(row: TicketRow) -> str:
    """What to do about a ticket of which no message is in the dead-letter queue."""
    if row.failure:
        return "wait, it is being retried; if its message was deleted, upload the ticket again"
    if row.rejection:
        return "fix the ticket and upload it again"
    return "nothing: no message of it is in the dead-letter queue"


def sentence(letter: DeadLetter) -> str:
    """As in `message 1f (unknown; 'TKT-1')`; ids as %r, because whoever uploads chooses them."""
    ids = ", ".join(repr(each.ticket_id) for each in letter.findings)
    if letter.delivery is not None:
        ids = repr(letter.delivery.key)
    return f"message {letter.message.message_id} ({letter.reason}{f'; {ids}' if ids else ''})"


def _age(letter: DeadLetter) -> timedelta:
    return datetime.now(UTC) - letter.message.sent_at


def _in_words(age: timedelta) -> str:
    """Rounded down, as in `3 h`."""
    seconds = max(0, int(age.total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
