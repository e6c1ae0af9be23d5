"""Dates: a day of a month, or a month of a year. Weekdays and words such as "yesterday" are none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from ticketmill.domain.entities import EntityKind, Mention

_MONTH_NAMES = (
    "january jan januar jän jänner janvier janv enero ene janeiro gennaio gen januari",
    "february feb februar février févr fevrier febrero fevereiro fev febbraio februari",
    "march mar märz mrz mars marzo março maart mrt",
    "april apr avril avr abril abr aprile",
    "may mai mayo maio maggio mag mei",
    "june jun juni juin junio junho giugno giu",
    "july jul juli juillet juil julio julho luglio lug",
    "august aug août aout agosto ago augustus",
    "september sep sept septembre septiembre setembro settembre set",
    "october oct oktober okt octobre octubre outubro out ottobre ott",
    "november nov novembre noviembre novembro",
    "december dec dezember dez décembre déc diciembre dic dezembro dicembre",
)
_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, 1) for name in names.split()}
_WORDS = frozenset({"may", "march", "mar", "jun", "sep", "mai"})
"""Months that are words too: before a number they need a capital letter, after "1." they begin a sentence."""
_SHORT_WORDS = frozenset({"out", "set", "ago", "mag", "gen"})
"""Months that are more often words: they need a year."""
_YEAR = r"(?P<year>(?:19|20)\d\d)(?!\d|[.,:]\d)"

_ISO = re.compile(
    r"(?<![\w./:-])(\d{4})([-/])(\d{2})\2(\d{2})"
    r"(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:[.,]\d{1,9})?(?:\s?(Z|UTC|GMT|[+-]\d\d:?\d\d))?(?![\w:]))?"
    r"(?![\w/-]|\.\d)"
)
_NUMERIC = re.compile(
    r"(?<![\w.,/:#-])(?:(\d{1,2})([./])(\d{1,2})\2(\d{4}|\d{2})|(\d{1,2})(-)(\d{1,2})-(\d{4}))(?![\w/-]"
    r"|[.,:]\d)"
)
_SHORT = re.compile(r"(?<=\s)(?:(\d{1,2})/(\d{1,2})(?![\w/.%-])|(\d{1,2})\.(\d{1,2})\.(?!\d))")
_BEFORE_SLASH = re.compile(
    r"\b(?:on|by|since|until|till|before|after|dated|le|du|el|del|dal|il|em|op|vanaf) $", re.I
)
_BEFORE_STOPS = re.compile(r"\b(?:on|am|vom|bis|zum|seit|ab|den|der) $", re.I)
_DAY_FIRST = re.compile(
    r"(?<![\w.,/:#-])(?P<day>\d{1,2})(?:st|nd|rd|th|er|\.|º|°)?[ \u00a0-]?(?:of |de |d['’])?"
    r"(?P<month>[^\W\d_]{3,10})\b"
    rf"(?:\.?,? (?:de |del )?{_YEAR})?",
    re.I,
)
_NAME_BEFORE = re.compile(r"(?<![^\W_])(?P<month>[^\W\d_]{3,10})\.?,? (?P<of>(?:de |del |of )?)$", re.I)
_AFTER_NAME = re.compile(
    r"(?<=\s)(?:(?P<day>\d{1,2})(?P<ordinal>st|nd|rd|th)?"
    rf"(?![\w%]|[.,:]\d|\s?(?:%|am\b|pm\b|o.clock))(?:,? {_YEAR})?|(?P<only>(?:19|20)\d\d)(?!\d|[.,:]\d))",
    re.I,
)
_DAY_ONLY = re.compile(
    r"(?<=the )(\d{1,2})(?:st|nd|rd|th)(?=[ \t]*(?:[.,;:!?()\n]|$)"
    r"|\s(?:and|to|but|because|or|as|at|if|when|with|in|same|please|pls|of next|of this)\b)",
    re.I,
)
_BEFORE_DAY = re.compile(
    r"\b(?:on|by|since|from|until|till|before|after|of|for|to|around|between|and|is) the $", re.I
)
REACH = 20
THE = len("the ")
_VERSION_BEFORE = re.compile(r"(?:version|release|build|firmware|update|driver|v)[\s.:(]{0,3}$", re.I)


def find_dates(text: str) -> Iterator[Mention]:
    """Dates, normalised by ISO 8601: `2026-03-04`, `--03-04` without a year, `2026-03`, `---04`.

    A numeric date that may be read in two ways stays as written.
    """
    for find in (_iso, _numeric, _named, _day_only):
        for start, end, normalised in find(text):
            yield Mention(EntityKind.DATE, start, end, normalised)


def _iso(text: str) -> Iterator[tuple[int, int, str]]:
    for found in _ISO.finditer(text):
        year, _, month, day, time, zone = found.groups()
        if is_date(year, month, day):
            at = f"T{time}{'Z' if zone in ('Z', 'UTC', 'GMT') else zone or ''}" if time else ""
            yield *found.span(), f"{year}-{month}-{day}{at}"


def _numeric(text: str) -> Iterator[tuple[int, int, str]]:
    for found in _NUMERIC.finditer(text):
        one, sign, other, year = (each for each in found.groups() if each is not None)
        if len(year) == 2 and sign == "." and (len(one) < 2 or len(other) < 2):
            continue  # a version
        if _VERSION_BEFORE.search(text, max(found.start() - 12, 0), found.start()):
            continue
        full = year if len(year) == 4 else f"20{year}"
        orders = {(day, month) for day, month in ((one, other), (other, one)) if is_date(full, month, day)}
        if sign == ".":
            orders &= {(one, other)}
        if len(orders) == 1:
            ((day, month),) = orders
            yield *found.span(), f"{full}-{month:0>2}-{day:0>2}"
        elif orders:
            yield *found.span(), found[0]
    for found in _SHORT.finditer(text):
        one, other, day, month = found.groups()
        before = text[max(found.start() - REACH, 0) : found.start()]
        if day and _BEFORE_STOPS.search(before) and is_date("2000", month, day):
            yield *found.span(), f"--{month:0>2}-{day:0>2}"
        elif one and _BEFORE_SLASH.search(before) and (_is_day(one, other) or _is_day(other, one)):
            yield *found.span(), found[0]


def _is_day(day: str, month: str) -> bool:
    return is_date("2000", month, day)


def _named(text: str) -> Iterator[tuple[int, int, str]]:
    for found in _DAY_FIRST.finditer(text):
        name, year = found["month"].lower(), found["year"]
        is_item = f"{found['day']}. " in found[0] and name in _WORDS and not year
        if name in _MONTHS and not is_item and (normalised := _of_month(year, name, found["day"])):
            yield *found.span(), normalised
    for found in _AFTER_NAME.finditer(text):
        before = _NAME_BEFORE.search(text[max(found.start() - REACH, 0) : found.start()])
        if before and (normalised := _after_name(before, found)):
            yield found.start() - len(before[0]), found.end(), normalised


def _after_name(before: re.Match[str], found: re.Match[str]) -> str | None:
    """As in "May 5", "May 5, 2024" and "May 2024"."""
    name = before["month"].lower()
    if name not in _MONTHS or (before["of"] and not found["only"]):
        return None
    if found["only"]:
        return f"{found['only']}-{_MONTHS[name]:02}"
    is_word = before["month"] in _WORDS and not found["ordinal"] and not found["year"]
    return None if is_word else _of_month(found["year"], name, found["day"])


def _of_month(year: str | None, name: str, day: str) -> str | None:
    month = str(_MONTHS[name])
    if name in _SHORT_WORDS and not year:
        return None
    return f"{year or '-'}-{month:0>2}-{day:0>2}" if is_date(year or "2000", month, day) else None


def _day_only(text: str) -> Iterator[tuple[int, int, str]]:
    for found in _DAY_ONLY.finditer(text):
        before = text[max(found.start() - REACH, 0) : found.start()]
        if 1 <= int(found[1]) <= 31 and _BEFORE_DAY.search(before):
            yield found.start() - THE, found.end(), f"---{found[1]:0>2}"


def is_date(year: str, month: str, day: str) -> bool:
    """Whether there is such a day."""
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True
