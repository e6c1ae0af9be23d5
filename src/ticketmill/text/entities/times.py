"""Times of day. Durations, ratios and positions in a file are none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ticketmill.domain.entities import EntityKind, Mention

_ZONE = r"(?:\s?(?P<zone>UTC|GMT|CEST|CET|BST|EST|EDT|CST|CDT|MST|MDT|PST|PDT|IST|JST)(?![A-Za-z\d]))?"
_HALF = r"(?P<half>a\.m\.|p\.m\.|am|pm)(?![\w])"
_CLOCK = re.compile(
    r"(?<![\w.,:/$€£#])(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d{1,6})?)?"
    rf"(?:\s?{_HALF})?(?:\s?(?:uhr|h)\b)?{_ZONE}(?!\w|:\d|[.,]\d|-\d{{3}})",
    re.I,
)
_WITH_WORD = re.compile(
    r"(?<![\w.,:/$€£#])(?P<hour>\d{1,2})(?:[.:](?P<minute>[0-5]\d))?"
    rf"(?:\s?{_HALF}|\s?uhr\b(?:\s(?P<german>[0-5]\d)\b)?|\s?o['’]?\s?clock\b|\sheures\b|\suur\b){_ZONE}",
    re.I,
)
_FRENCH = re.compile(r"(?<=\s)(?P<hour>\d{1,2})\s?h(?:\s?(?P<minute>[0-5]\d))?(?![\w:])", re.I)
_BEFORE_FRENCH = re.compile(
    r"\b(?:à|a|de|vers|dès|depuis|avant|après|entre|et|jusqu['’]à|às|as|das|até|le) $", re.I
)
_BEFORE_HOUR = re.compile(r"\b(?:à|vers|dès|às) $", re.I)
_PRICED = re.compile(
    r"\b(?:pcs|pieces|units|price\w*|cost\w*|charg\w*|rate|pay|paid|bought|sold|each|total|bill\w*|version"
    r"|stuck|reads)\b",
    re.I,
)
_BEFORE_AT = re.compile(r"\b(?:at|until|till) $", re.I)
REACH = 34
_AT = re.compile(
    r"(?<=\s)(?P<hour>\d{1,2})\.(?P<minute>[0-5]\d)"
    r"(?![\w:]|[.,]\d|\s?(?:[%$€£]|(?:euros?|eur|usd|gbp|dollars?|pounds?|each|per|an?|k|m|kg|g|l|km|kwh"
    r"|gb|mb|v)\b))",
    re.I,
)


def find_times(text: str) -> Iterator[Mention]:
    """Times, normalised to 24 hours as in `14:10` and `14:10:05 UTC`."""
    for pattern in (_CLOCK, _WITH_WORD, _FRENCH, _AT):
        for found in pattern.finditer(text):
            if pattern in (_FRENCH, _AT) and not _is_said(text, found):
                continue
            if normalised := _normalised(found.groupdict()):
                yield Mention(EntityKind.TIME, *found.span(), normalised)


def _is_said(text: str, found: re.Match[str]) -> bool:
    """Whether the words before hours and minutes make them a time of day."""
    before = text[max(found.start() - REACH, 0) : found.start()]
    if found.re is _AT:
        return bool(_BEFORE_AT.search(before)) and not _PRICED.search(before)
    return bool((_BEFORE_FRENCH if found["minute"] else _BEFORE_HOUR).search(before))


def _normalised(groups: dict[str, str | None]) -> str | None:
    hour, half = int(groups["hour"] or 0), (groups.get("half") or "")[:1].lower()
    minute = groups["minute"] or groups.get("german") or "00"
    second, zone = groups.get("second"), groups.get("zone")
    if half and not 1 <= hour <= 12:
        return None
    if half:
        hour = hour % 12 + 12 * (half == "p")
    if hour > 24 or int(minute) > 59 or int(second or 0) > 59:
        return None
    return f"{hour:02}:{minute}{f':{second}' if second else ''}{f' {zone.upper()}' if zone else ''}"
