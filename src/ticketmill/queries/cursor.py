"""Cursors: where a list was cut, as a text to go on from there."""

from __future__ import annotations

import base64
import json

FORMAT = 1


class BadCursor(ValueError):
    """A text that is no cursor, or one of another list. The message says what to do."""


def encode_cursor(position: str, digest: str) -> str:
    """The cursor after `position` in a list of the filters with that digest."""
    text = json.dumps({"v": FORMAT, "after": position, "filters": digest}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, digest: str) -> str:
    """The position after which to go on. BadCursor where it is not of this list."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        found = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        version, position, filters = found["v"], found["after"], found["filters"]
    except (ValueError, KeyError, TypeError):
        version = None
    if version != FORMAT or not isinstance(position, str):
        raise BadCursor("not a cursor of this version: leave --cursor out to begin with the newest ticket")
    if filters != digest:
        raise BadCursor(
            "the cursor belongs to a list with other filters: give the same filters, or leave --cursor out"
        )
    return position
