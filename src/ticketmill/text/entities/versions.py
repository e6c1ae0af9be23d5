"""Versions of software: three numbers and more, or fewer beside a word that says so."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ticketmill.domain.entities import EntityKind, Mention

_SUFFIX = (
    r"(?:[-+](?:alpha|beta|rc|snapshot|preview|dev|build|b|p|hotfix|lts|final)[\w.+-]{0,20}|-[a-z](?=[a-z]{0,6}\d)[a-z\d]{1,11}|(?:rc|a"
    r"|b|p)\d{1,3})?"
)
_VERSION = re.compile(
    rf"(?<![\w.,/:@$€£#%+-])(?P<v>v\.?\s?|r)?(?P<number>\d{{1,4}}(?:\.\d{{1,6}}){{0,4}}(?:\.[x*])?){_SUFFIX}"
    r"(?![\w%]|[.,:/]\d|[-–]\d|:\d|/\w)",
    re.I,
)
_AFTER_AT = re.compile(
    r"(?<=[a-z]@)(?:v\d{1,4}|\d{1,4}(?=\.\d))(?:\.\d{1,6}){0,3}[\w.+-]{0,20}?(?![\w.])", re.I
)

_NUMBERED = (
    r"version(?:en|e|s|es)?|versión|versiones|versão|versões|versie|versione|versioni|ver|release|build"
)
_NAMED = (
    rf"{_NUMBERED}|firmware|fw|update|upgrade|patch|sdk|api|kernel|browser|driver|plugin|client"
    rf"|configuration|agent"
    r"|editor|installer|system|software|app|library|package|server"
)
_SOFTWARE = (
    r"windows|win|macos|mac os|os x|ios|ipados|android|ubuntu|debian|fedora|linux|chrome|chromium|firefox"
    r"|safari"
    r"|edge|opera|java|jdk|node|node\.js|python|php|ruby|rails|django|golang|rust|kotlin|swift|postgres"
    r"(?:ql)?|mysql"
    r"|mariadb|redis|mongodb|elasticsearch|kubernetes|k8s|docker|nginx|apache|openssl|cmake|gcc|clang"
    r"|react|angular"
    r"|vue|spring|visual studio(?: 20\d\d)?|vs 20\d\d|dotnet|\.net|unity|cuda|wordpress|woocommerce"
    r"|magento|outlook|excel|office|word|teams"
)
_BETWEEN = r"(?:\s?(?:is|now|number|no\.?|nr\.?)\b)?[\s:=(\"'-]{0,3}(?:v\.?)?$"
_AFTER_NUMBERED = re.compile(rf"\b(?:{_NUMBERED}){_BETWEEN}", re.I)
_AFTER_NAMED = re.compile(rf"\b(?:{_NAMED}){_BETWEEN}", re.I)
_AFTER_CHANGE = re.compile(
    r"\b(?:upgrad|updat|downgrad|migrat|roll)\w*(?: \w+){0,2} (?:from|to|von|auf)(?: version)? v?$", re.I
)
_AFTER_SOFTWARE = re.compile(rf"(?<![\w-])(?:{_SOFTWARE})[\s:=]{{0,2}}(?:v\.?)?$", re.I)
_AFTER_LIST = re.compile(r"\d(?:,| and| or| to| bis| und| et| y|[-–→>]+| ->)\s?v?$", re.I)
_LETTER = re.compile(r"[^\W\d_]")
_YEAR = re.compile(r"(?:19|20)\d\d")
_UNIT = re.compile(
    r"[\s-]?(?:%|°|€|\$|£|x\b|k\b|m\b|h\b|s\b|ms\b|sec|min|hour|hrs?\b|std|day|week|month|year|jahr|tag"
    r"|gb\b|mb\b|tb\b"
    r"|kb\b|ghz|mhz|kg\b|g\b|km|cm\b|mm\b|l\b|kwh?\b|v\b|w\b|a\b|mbit|gbit|million|billion|mio|percent"
    r"|prozent|stars?\b"
    r"|times\b|inch|points?\b|euros?\b|eur\b|usd\b)",
    re.I,
)
REACH = 24
CHANGE_REACH = 40


def find_versions(text: str) -> Iterator[Mention]:
    """Versions, normalised without a leading `v`.

    Three numbers are a version. Two or one need a word before them ("version", "Firefox", "v"), or a version
    of the same first number elsewhere in the text.
    """
    unsure: list[re.Match[str]] = []
    majors: set[str] = set()
    for found in _VERSION.finditer(text):
        if _is_sure(text, found, continues=bool(majors)):
            majors.add(found["number"].split(".")[0])
            yield _mention(found)
        elif found["number"].count(".") == 1:
            unsure.append(found)
    for found in unsure:
        if found["number"].split(".")[0] in majors and not _UNIT.match(text, found.end()):
            yield _mention(found)
    for found in _AFTER_AT.finditer(text):
        yield Mention(EntityKind.VERSION, found.start(), found.end(), found[0].lstrip("vV"))


def _mention(found: re.Match[str]) -> Mention:
    normalised = found[0][len(found["v"] or "") :]
    return Mention(EntityKind.VERSION, found.start(), found.end(), normalised.lower())


def _is_sure(text: str, found: re.Match[str], continues: bool) -> bool:
    number = found["number"]
    dots = number.count(".")
    before = text[max(found.start() - REACH, 0) : found.start()]
    if number.endswith((".x", ".*")) or dots >= 2:
        return not _UNIT.match(text, found.end())
    if found["v"]:
        return found["v"].strip().lower() != "r" and (dots > 0 or len(number) <= 2)
    if _UNIT.match(text, found.end()) or _YEAR.fullmatch(number):
        return False
    if continues and dots and _AFTER_LIST.search(before):
        return True
    if not _LETTER.search(before):
        return False
    after_word = _AFTER_NAMED if dots else _AFTER_NUMBERED
    is_changed = dots and _AFTER_CHANGE.search(text[max(found.start() - CHANGE_REACH, 0) : found.start()])
    return bool(is_changed or after_word.search(before) or _AFTER_SOFTWARE.search(before))
