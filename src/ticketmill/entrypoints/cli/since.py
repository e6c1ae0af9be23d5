"""How a person says how far back to look."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import typer

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
EXPECTED = "30m, 24h, 7d, 2w, or an ISO 8601 time"


def parse_since(text: str) -> datetime:
    """The moment, in UTC, that is meant by `7d` or an ISO 8601 time; wrong usage where it is neither.

    A time without an offset is in UTC.
    """
    unit = UNITS.get(text[-1:])
    try:
        if unit and text[:-1].isdigit():
            return datetime.now(UTC) - timedelta(**{unit: int(text[:-1])})
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"expected {EXPECTED}") from None
