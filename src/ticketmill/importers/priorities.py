"""Helpdesks' priorities as our words: critical, high, medium, low.

A bare number means nothing by itself: Freshdesk and Zammad count up, ServiceNow and Linear count down. Each
source says which way its numbers count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ticketmill.domain.priority import PriorityNumbers, priority_of
from ticketmill.domain.warning import UnknownForm

COUNTS_UP: PriorityNumbers = "1-is-lowest"
COUNTS_DOWN: PriorityNumbers = "1-is-highest"
WORDS_ALONE: PriorityNumbers | None = None
"""A source that has no numbers for its priorities."""

_LABEL = re.compile(r"(?:priority|prio|severity|urgency|importance)\s*[:/ -]\s*(.+)|(.+?)[ -]priority")
_CODED = re.compile(r"(?:p|s|sev-?)[0-5]")


def level_of(value: object, numbers: PriorityNumbers | None = None) -> str | None:
    """The level of a priority such as `urgent`, `{"name": "High"}`, `1 - Critical` or `4`; else None."""
    try:
        level = priority_of(value, numbers)
    except UnknownForm:
        return None
    return level and str(level)


def level_of_labels(labels: Iterable[str]) -> str | None:
    """The level that an issue's labels state, as in `P1` and `priority: high`."""
    for label in labels:
        stated = label.strip().lower()
        named = _LABEL.fullmatch(stated)
        word = (named[1] or named[2]) if named else stated if _CODED.fullmatch(stated) else None
        if word and (level := level_of(word)):
            return level
    return None
