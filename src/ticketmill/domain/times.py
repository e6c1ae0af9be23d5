"""The forms of a time in a raw ticket: Unix time, ISO 8601, RFC 2822 and those of common exports."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ticketmill.domain.warning import UnknownForm, excerpt

UNITS = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9))
"""A number under the first is in seconds; then come milliseconds, microseconds and nanoseconds."""

_UNIX = re.compile(r"\d+(?:\.\d+)?(?:[eE]\+?\d+)?")
_COMPACT = re.compile(r"((?:19|20)\d\d[01]\d[0-3]\d)(\d{6})?")
_MICROSOFT = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")
_YEAR_FIRST = re.compile(r"(\d{4})/(\d\d?)/(\d\d?)(.*)", re.DOTALL)
_DOTTED = re.compile(r"(\d\d?)\.(\d\d?)\.(\d{4})(?:,?\s+(\d\d?):(\d\d)(?::(\d\d))?)?")
_AMBIGUOUS = re.compile(r"\d\d?[/-]\d\d?[/-]\d{2,4}\b.*", re.DOTALL)
_RFC_2822 = re.compile(r"(?:[A-Za-z]{3},\s*)?\d\d?\s+[A-Za-z]{3}\s+\d{4}\s+\d.*", re.DOTALL)
_UTC_NAME = re.compile(r"\s*(?:UTC|GMT|Z)$", re.IGNORECASE)
_BLANK_OFFSET = re.compile(r"\s+(?=[+-]\d\d:?\d\d$)")


def time_of(value: object) -> datetime | None:
    """The time that a raw ticket states, in UTC; a time without a zone is taken for UTC. None for none.

    Raises UnknownForm for a value of another form, one that may mean two days, and for a zero date.
    """
    try:
        return _time_of(value)
    except (ValueError, OverflowError, OSError):
        raise UnknownForm(excerpt(value)) from None


def _time_of(value: object) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return _in_utc(value)
    if isinstance(value, dict) and set(value) == {"$date"}:
        return _time_of(_of_mongodb(value["$date"]))
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError
    return _time_of_text(value.strip()) if isinstance(value, str) else _of_unix(float(value))


def _time_of_text(text: str) -> datetime | None:
    if not text:
        return None
    if compact := _COMPACT.fullmatch(text):
        return _in_utc(datetime.fromisoformat("T".join(filter(None, compact.groups()))))
    if _UNIX.fullmatch(text):
        return _of_unix(float(text))
    if microsoft := _MICROSOFT.fullmatch(text):
        return _of_unix(int(microsoft[1]) / 1000)
    if dotted := _DOTTED.fullmatch(text):
        day, month, year, hour, minute, second = (int(part or 0) for part in dotted.groups())
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    if _AMBIGUOUS.fullmatch(text):
        raise ValueError("day and month may change places")
    if _RFC_2822.fullmatch(text):
        return _in_utc(parsedate_to_datetime(text))
    return _of_iso(text)


def _of_iso(text: str) -> datetime:
    """ISO 8601, also with a blank before the offset, with `UTC` at the end, and as `2024/03/05 09:12`."""
    if slashes := _YEAR_FIRST.fullmatch(text):
        year, month, day, rest = slashes.groups()
        text = f"{year}-{month:0>2}-{day:0>2}{rest}"
    text = _UTC_NAME.sub("+00:00", text) if ":" in text else text
    return _in_utc(datetime.fromisoformat(_BLANK_OFFSET.sub("", text)))


def _of_mongodb(value: object) -> object:
    """What MongoDB's JSON has in `$date`: a text, milliseconds, or these as `{"$numberLong": "…"}`."""
    if isinstance(value, dict) and set(value) == {"$numberLong"}:
        value = int(str(value["$numberLong"]))
    return value / 1000 if isinstance(value, int | float) and not isinstance(value, bool) else value


def _of_unix(number: float) -> datetime:
    units_per_second = next((units for limit, units in UNITS if number < limit), None)
    if number < 0 or units_per_second is None:
        raise ValueError
    return datetime.fromtimestamp(number / units_per_second, UTC)


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
