"""Log lines on stderr: text for people, one JSON object a line for programs.

They hold ids, codes, counts and times, never the text of a ticket: what an unforeseen exception says may
quote one, so that only its kind and its place in the code are told.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from typing import Literal, TextIO, TypeAlias

from ticketmill.pipeline.outcome import Outcome
from ticketmill.telemetry.tracebacks import ExcInfo, without_quotes

log = logging.getLogger(__name__)

LogFormat: TypeAlias = Literal["text", "json"]

TEXT_LINE = "%(asctime)s %(levelname)s %(message)s"
FIELDS = ("ticket_id", "correlation_id", "receive_count", "result", "reason", "stage_ms", "tokens")
"""What the line of a processed upload has; `correlation_id` is the id of its message."""
TOLD_FIELDS = ("job_id", *FIELDS)
"""What a line of text tells beside its message; `job_id` is of a job's lines."""


def configure(log_format: LogFormat, verbose: bool) -> None:
    """Sends every log line of this process to stderr; everybody else's from WARNING on.

    Ours are told from INFO on as JSON, which a program filters, and as text only where `verbose`.
    """
    logging.basicConfig(handlers=[make_handler(log_format, sys.stderr)], level="WARNING")
    ours = "INFO" if verbose or log_format == "json" else "WARNING"
    logging.getLogger("ticketmill").setLevel(ours)


def make_handler(log_format: LogFormat, stream: TextIO) -> logging.Handler:
    """What writes log lines to `stream`."""
    handler = logging.StreamHandler(stream)
    if log_format == "json":
        # takes long to load, and only this form needs it
        from ticketmill.telemetry.json_logs import JsonFormatter

        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(TextFormatter(TEXT_LINE))
    return handler


def log_outcomes(outcomes: Iterable[Outcome]) -> None:
    """One line for each upload: what became of it, which attempt it was and what took how long.

    A failure's cause stands in a line of its own, written where it happened.
    """
    if log.isEnabledFor(logging.INFO):
        for outcome in outcomes:
            log.info("upload %s", outcome.result.value, extra=_fields(outcome))


def _fields(outcome: Outcome) -> dict[str, object]:
    values = (
        outcome.ticket_id,
        outcome.message.message_id,
        outcome.message.receive_count,
        outcome.result.value,
        outcome.reason and str(outcome.reason),
        {stage: round(ms, 3) for stage, ms in outcome.stage_ms.items()} or None,
        outcome.tokens,
    )
    return {name: value for name, value in zip(FIELDS, values, strict=True) if value is not None}


class TextFormatter(logging.Formatter):
    """A record as a line of text: nothing in it can begin another record or steer a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's line, the further lines of a traceback indented."""
        return "\n    ".join(map(_printable, super().format(record).splitlines()))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        """The message, and the fields of `log_outcomes` where the record has them."""
        fields = {name: getattr(record, name) for name in TOLD_FIELDS if hasattr(record, name)}
        told = "".join(f" {name}={value!r}" for name, value in fields.items())
        return super().formatMessage(record) + told

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - the name is logging's
        """Where it happened and what kind it is, without what it says."""
        return without_quotes(ei)


def _printable(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in line
    )
