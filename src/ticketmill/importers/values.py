"""What a decoded payload holds, whatever the types of its values are: nothing here ever raises."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ticketmill.domain import times
from ticketmill.domain.warning import UnknownForm

Payload = Mapping[str, Any]
"""One decoded JSON object of a helpdesk."""

NAME_KEYS = ("name", "display_value", "displayName", "label", "value", "title")


def child(value: object, *path: str) -> Any:
    """The value under `path`, None where there is none."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def text_of(value: object) -> str:
    """A string or a number as text without outer blanks; anything else is empty."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return ""


def name_of(value: object) -> str:
    """The name in a value that is a name itself or an object with one, as in `{"id": 2, "name": "High"}`."""
    if isinstance(value, Mapping):
        return next((text for key in NAME_KEYS if (text := text_of(value.get(key)))), "")
    return text_of(value)


def first_text(payload: object, *keys: str) -> str:
    """The first text that is not empty under `keys`."""
    return next((text for key in keys if (text := text_of(child(payload, key)))), "")


def first_object(*values: object) -> Payload:
    """The first value that is an object; an empty one where none is."""
    return next((value for value in values if isinstance(value, Mapping)), {})


def objects(value: object) -> list[Payload]:
    """The objects of an array; none where there is no array."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def names_of(value: object) -> list[str]:
    """The names in an array of strings or objects, or in one string with commas or semicolons."""
    if isinstance(value, str):
        value = re.split(r"[,;]", value)
    found = [name_of(each) for each in value] if isinstance(value, list) else []
    return [name for name in dict.fromkeys(found) if name]


def time_of(value: object) -> str | None:
    """A time as ISO 8601 in UTC; None where it cannot be told, as of 05/03/2024."""
    try:
        moment = times.time_of(value)
    except UnknownForm:
        return None
    return moment.isoformat().replace("+00:00", "Z") if moment else None
