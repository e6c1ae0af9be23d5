"""Log records as JSON, by the formatter of Powertools for AWS Lambda, which works outside Lambda as well."""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
from typing import Any

from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from ticketmill.telemetry.tracebacks import ExcInfo, without_quotes

SERVICE = "ticketmill"


class JsonFormatter(LambdaPowertoolsFormatter):
    """A record as one line of JSON; all but ASCII is escaped, so that no text can break the line.

    The formatter alone, not the Logger around it: on the root's handler it gives the lines of every library
    the same form, and leaves the loggers of our modules as they are.
    """

    def __init__(self) -> None:
        super().__init__(
            # a message is text, even where it looks like JSON
            json_deserializer=str,
            log_record_order=["level", "message", "timestamp", "service", "worker", "location"],
            utc=True,
            use_rfc3339=True,
            # it would quote the exception
            serialize_stacktrace=False,
            service=SERVICE,
            worker=f"{socket.gethostname()}:{os.getpid()}",
            location="%(name)s:%(lineno)d",
        )

    def serialize(self, log: Any) -> str:
        """The fields as they go out."""
        # notes on an exception may quote a ticket
        return json.dumps({name: log[name] for name in log if name != "exception_notes"}, default=str)

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - the name is logging's
        """Where it happened and what kind it is, without what it says."""
        return without_quotes(ei)


def log_as_json() -> JsonFormatter:
    """Gives every log line of this process our form, also where Lambda's runtime had set up its own."""
    formatter = JsonFormatter()
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(formatter)
    logging.basicConfig(handlers=[lines], level="WARNING", force=True)
    logging.getLogger("ticketmill").setLevel("INFO")
    return formatter
