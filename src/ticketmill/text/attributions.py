"""The line above quoted mail that says who wrote it and when: "On 5 March, Tom <tom@…> wrote:"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from ticketmill.text.lines import Line

_VERB = re.compile(
    r"\b(?:wrote|writes|schrieb|geschrieben|écrit|escribió|escribio|escreveu|scritto|schreef|geschreven"
    r"|skrev|napisał"
    r"|napisała|pisze)\b|書きました|のメール",
    re.IGNORECASE,
)
_OPENING = re.compile(
    r"[\s\-–—*_]*(?:On|Am|Le|El|Em|Il giorno|Il|Op|Den|På|W dniu|Dnia|Dne)\s"
    r"|[\s\-]*(?:(?:mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so|pon|wt|śr|czw|pt|sob"
    r"|niedz)\w*\.?,?\s)?"
    r"\d{1,4}[\s./\-年]",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[\w.+\-]+@[\w\-]+\.|\[mailto:|<\s*>")
_TIME = re.compile(r"\d{1,2}\s?[:.h]\s?\d{2}(?!\d)|\d{1,2}\s?(?:am|pm|Uhr)\b|\d時", re.IGNORECASE)
_DAY = re.compile(
    r"\d{1,2}[./\-]\d{1,2}(?:[./\-]\d{2,4})?|\d{4}[./\-年]"
    r"|\d{1,2}(?:\.|st|nd|rd|th|er)?\s(?:de\s|of\s)?[^\W\d]{3,}|[^\W\d]{3,}\.?\s\d{1,2}(?:st|nd|rd|th)?\b"
)
# a sentence about a colleague of the reader's, or about the reader
_SENTENCE = re.compile(
    r"\b(?:you|your|yours|ihr|ihre|ihrem|ihrer|sie|mir|uns|me|us|vous|votre|nous|su|usted|ustedes|você"
    r"|vocês|seu|sua"
    r"|vostro|vostra|uw|jullie|jeres|that|dass|que|folgendes|ceci|esto|isto|questo)\b",
    re.IGNORECASE,
)
_GROUPWISE = re.compile(r">>>\s.{0,200}\d.{0,40}>>>\s*$")
_MAX_CHARACTERS = 320


class Attribution(NamedTuple):
    """The lines `first` to `end` (not included), which say who wrote what follows."""

    first: int
    end: int
    certain: bool
    """Whether it is one even where no line after it is marked as quoted."""


def attribution_ending_at(lines: Sequence[Line], last: int) -> Attribution | None:
    """The attribution whose last line is `last`. Mail programs break it over up to three lines."""
    text = lines[last].text.rstrip(" \t\r*_-–—")
    if text.lstrip().startswith("--") and lines[last].text.rstrip().endswith("--"):
        certain = _certainty(text, opens=_OPENING.match(text) is not None)
        return None if certain is None else Attribution(last, last + 1, certain)
    if not text.endswith((":", "：")) or not text[:-1].strip(" )]>*"):
        return None
    fallback = None
    for first in range(last, max(last - 3, -1), -1):
        if lines[first].blank or (first < last and lines[first].text.rstrip().endswith((".", "!", "?"))):
            break
        joined = " ".join(line.text.strip() for line in lines[first : last + 1])
        if len(joined) > _MAX_CHARACTERS:
            break
        opens = _OPENING.match(joined) is not None
        certain = _certainty(joined, opens=opens)
        if certain is None:
            continue
        if opens:
            return Attribution(first, last + 1, certain)
        fallback = fallback or Attribution(first, last + 1, certain)
    return fallback


def is_certain(text: str) -> bool:
    """Whether `text` is an attribution with an address and a time, wherever it stands."""
    return (
        _ADDRESS.search(text) is not None
        and _TIME.search(text) is not None
        and bool(_certainty(text, opens=True))
    )


def is_groupwise(line: str) -> bool:
    """Whether `line` is GroupWise's form, which looks like a quote: ">>> "Tom Smith" 12.06. 10:11 >>>"."""
    return line.startswith(">>>") and len(line) < _MAX_CHARACTERS and _GROUPWISE.match(line) is not None


def _certainty(text: str, *, opens: bool) -> bool | None:
    """True for an attribution, False for one that needs a quoted line below, None for a sentence."""
    address = _ADDRESS.search(text) is not None
    verb = _VERB.search(text) is not None
    timed = _TIME.search(text) is not None
    dated = _DAY.search(text) is not None
    if not verb:
        # the Japanese forms, and some of Google's, name no verb
        return True if opens and address and dated and timed else None
    if address and (opens or dated or len(text) < 100):
        return True
    if not opens:
        return False if len(text) < 80 and not _SENTENCE.search(text) else None
    if dated and timed and not _SENTENCE.search(text):
        return True
    return False if len(text) < 120 else None
