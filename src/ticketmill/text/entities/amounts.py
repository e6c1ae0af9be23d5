"""Amounts of money: a number beside a currency."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from ticketmill.domain.entities import EntityKind, Mention

_SIGNS = {
    "€": "EUR", "£": "GBP", "$": "USD", "us$": "USD", "r$": "BRL", "a$": "AUD", "c$": "CAD", "ca$": "CAD",
    "¥": "JPY", "₹": "INR", "₽": "RUB", "₺": "TRY", "₩": "KRW", "₪": "ILS", "₴": "UAH", "zł": "PLN",
    "kč": "CZK", "kr": "kr", "rs.": "INR", "sfr.": "CHF",
}  # fmt: skip
_CODES = [
    *("EUR", "USD", "GBP", "CHF", "INR", "AUD", "CAD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF"),
    *("BRL", "JPY", "SGD"),
]
_CAPITALS = [
    *("CNY", "RON", "BGN", "TRY", "MXN", "ARS", "CLP", "COP", "ZAR", "ILS", "AED", "SAR", "HKD", "KRW"),
    *("THB", "UAH", "NGN", "KES"),
]
"""Codes that are words when they are written small."""
_WORDS = {
    "euro": "EUR", "euros": "EUR", "dollar": "USD", "dollars": "USD", "bucks": "USD", "dólares": "USD",
    "dollari": "USD", "pound": "GBP", "pounds": "GBP", "quid": "GBP", "pfund": "GBP", "livres": "GBP",
    "franken": "CHF", "francs": "CHF", "franchi": "CHF", "reais": "BRL", "zloty": "PLN", "złoty": "PLN",
    "złotych": "PLN", "kronor": "SEK", "kroner": "kr", "rupees": "INR", "yen": "JPY", "pesos": "pesos",
}  # fmt: skip
_HUNDREDTHS = {"cent": "", "cents": "", "pence": "GBP", "centimes": "", "céntimos": "", "cêntimos": "",
               "centavos": "", "centesimi": ""}  # fmt: skip
_SCALES = {"k": 1000, "thousand": 1000, "tsd": 1000, "m": 10**6, "mio": 10**6, "million": 10**6,
           "millions": 10**6, "millionen": 10**6, "bn": 10**9, "billion": 10**9}  # fmt: skip

_CURRENCIES = {
    **_SIGNS,
    **{code.lower(): code for code in (*_CODES, *_CAPITALS)},
    **_WORDS,
    **_HUNDREDTHS,
}


def _either(words: Iterator[str] | list[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_NUMBER = r"(?:\d{1,3}(?:[., '’\u00a0\u202f]\d{3})+(?:[.,]\d{1,2})?|\d{1,12}(?:[.,]\d{1,2})?)(?!\d)"
_TAIL = r"(?:[.,][-–—]{1,2})?"
_SCALE = rf"(?:[ \u00a0]?(?P<scale>{_either(list(_SCALES))})\b(?:(?<=mio)\.|(?<=tsd)\.)?)?"
_PLAIN = re.compile(rf"(?P<number>{_NUMBER}){_TAIL}{_SCALE}", re.I)
_UNIT_BEFORE = re.compile(
    rf"(?<![\w$€£])(?P<unit>{_either([*_SIGNS, *_CODES])}|(?-i:{_either(_CAPITALS)}))[ \u00a0]?[-–]?$", re.I
)
_AFTER_WORDS = [each for each in _CURRENCIES if each.upper() not in _CAPITALS]
_UNIT_AFTER = re.compile(
    rf"[ \u00a0-]?(?P<unit>{_either(_AFTER_WORDS)}|(?-i:{_either(_CAPITALS)}))(?!\w)", re.I
)
_INSIDE = re.compile(r"[\w.,/:#-]")
_GOES_ON = re.compile(r"[\w%]|[.,]\d")
UNIT_REACH = 6
_DECIMALS = re.compile(r"[.,](\d{1,2})$")
_NO_DIGIT = re.compile(r"\D")
_POUNDS = ("pound", "pounds", "pfund")
_IS_WEIGHT = re.compile(r"\s(?:of|heavier|lighter|in weight|overweight)\b", re.I)


def find_amounts(text: str) -> Iterator[Mention]:
    """Amounts, normalised as in `1204.15 USD`. `kr` and hundredths keep what they do not say."""
    for found in _PLAIN.finditer(text):
        start, end = found.span()
        unit = _UNIT_BEFORE.search(text[max(start - UNIT_REACH, 0) : start])
        if unit and not _GOES_ON.match(text, end):
            yield Mention(EntityKind.AMOUNT, start - len(unit[0]), end, _normalised(found, unit["unit"]))
        elif unit := _unit_after(text, start, end):
            yield Mention(EntityKind.AMOUNT, start, unit.end(), _normalised(found, unit["unit"]))


def _unit_after(text: str, start: int, end: int) -> re.Match[str] | None:
    if start and _INSIDE.match(text, start - 1):
        return None
    unit = _UNIT_AFTER.match(text, end)
    is_weight = unit and unit["unit"].lower() in _POUNDS and _IS_WEIGHT.match(text, unit.end())
    return None if is_weight else unit


def _normalised(found: re.Match[str], unit: str) -> str:
    number = parse_number(found["number"]) * _SCALES.get((found["scale"] or "").lower(), 1)
    if unit.lower() in _HUNDREDTHS:
        number /= 100
    return f"{number:.2f} {_CURRENCIES[unit.lower()]}".strip()


def parse_number(text: str) -> Decimal:
    """A number with separators of any country: one or two digits after the last of them are decimals."""
    units, decimals = text, "0"
    if found := _DECIMALS.search(text):
        units, decimals = text[: found.start()], found[1]
    return Decimal(f"{_NO_DIGIT.sub('', units)}.{decimals}")
