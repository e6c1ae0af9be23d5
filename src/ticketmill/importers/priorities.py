"""Helpdesks' priorities as our words: critical, high, medium, low.

A bare number means nothing by itself: Freshdesk and Zammad count up, ServiceNow and Linear count down. Each
source hands over its own scale.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ticketmill.importers.values import name_of, text_of

Scale = Mapping[str, str]

COUNTS_UP: Scale = {"1": "low", "2": "medium", "3": "high", "4": "critical"}
COUNTS_DOWN: Scale = {"1": "critical", "2": "high", "3": "medium", "4": "low", "5": "low"}
WORDS_ALONE: Scale = {}
"""The scale of a source that has no numbers for its priorities."""

_WORDS: Mapping[str, tuple[str, ...]] = {
    "critical": (
        *("critical", "urgent", "blocker", "emergency", "highest", "immediate", "p0", "p1", "s0", "s1"),
        *("sev0", "sev1", "kritisch", "dringend", "sofort", "höchste", "critique", "urgente", "crítica"),
        *("crítico", "critica", "kritiek", "kritisk", "krytyczny", "pilny", "緊急", "最高"),
    ),
    "high": (
        *("high", "major", "important", "p2", "s2", "sev2", "hoch", "wichtig", "haute", "élevée", "elevee"),
        *("alta", "alto", "hoog", "høj", "wysoki", "高"),
    ),
    "medium": (
        *("medium", "normal", "moderate", "standard", "p3", "s3", "sev3", "mittel", "moyenne", "normale"),
        *("media", "médio", "média", "normaal", "gemiddeld", "mellem", "średni", "normalny", "中", "通常"),
    ),
    "low": (
        *("low", "lowest", "minor", "trivial", "planning", "p4", "p5", "s4", "sev4", "niedrig", "gering"),
        *("basse", "faible", "baja", "baixa", "bassa", "laag", "lav", "niski", "低"),
    ),
}
_LEVELS: Scale = {word: level for level, words in _WORDS.items() for word in words}
_NUMBERED = re.compile(r"(\d+)\s*[-.:)]?\s*(\D.*)")
_PREFIX = re.compile(r"(?:priority|prio|severity)\s*[:/\- ]\s*", re.IGNORECASE)
_SEPARATOR = re.compile(r"[\s/_:|,()-]+")


def level_of(value: object, numbers: Scale | None = None) -> str | None:
    """The level of a priority such as `urgent`, `{"name": "High"}`, `1 - Critical` or `4`; else None.

    `numbers` is the source's scale. Without it a bare number has no level.
    """
    stated = name_of(value).strip("- ").lower()
    if stated in (numbers or {}):
        return (numbers or {})[stated]
    word = _PREFIX.sub("", stated)
    if found := _NUMBERED.fullmatch(word):
        return level_of_word(found[2]) or (numbers or {}).get(found[1])
    return level_of_word(word)


def level_of_word(text: str) -> str | None:
    """The level of one word, or of the first word of `critical - outage`."""
    word = text.strip().lower()
    first = next(filter(None, _SEPARATOR.split(word)), "")
    return _LEVELS.get(word) or _LEVELS.get(first)


def level_of_labels(labels: list[str]) -> str | None:
    """The level that an issue's labels state, as in `P1` and `priority: high`."""
    for label in labels:
        stated = text_of(label).lower()
        if re.fullmatch(r"[ps][0-5]|sev-?[0-5]", stated):
            return _LEVELS.get(stated.replace("-", ""))
        if re.match(r"(?:priority|prio|severity|urgency|importance)\b", stated):
            _, _, word = stated.partition(next(iter(re.findall(r"[:/\- ]", stated)), ":"))
            if level := level_of_word(word):
                return level
        if stated.endswith(" priority") and (level := level_of_word(stated)):
            return level
    return None
