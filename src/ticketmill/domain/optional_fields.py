"""What a raw ticket may say beside identity and text, in the forms that helpdesks and exports give it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from ticketmill.domain.ticket_id import id_text
from ticketmill.domain.warning import UnknownForm, excerpt, json_type

EMPTY: tuple[object, ...] = (None, "", [], {})
"""What stands for no value."""

_CUSTOMER = ("id", "email", "username", "login", "name")
_TAG = ("name", "label", "value", "title", "tag")
_SOURCE = ("channel", "name", "type", "label")
_LANGUAGE = ("locale", "language", "code", "id", "name")
_BETWEEN_TAGS = re.compile(r"[,;]")


class Understood(NamedTuple):
    """The value of a field, and whether it says all that stood there."""

    value: str | None
    is_all: bool = True


def customer_of(value: object) -> Understood:
    """The customer's id: a text, a number, or what names one in an object."""
    return _name_of(value, _CUSTOMER)


def source_of(value: object) -> Understood:
    """The channel: a text, a number, or what names one in an object."""
    return _name_of(value, _SOURCE)


def language_of(value: object) -> Understood:
    """The language that the sender states."""
    return _name_of(value, _LANGUAGE)


def tags_of(value: object) -> tuple[str, ...]:
    """Tags as an array of texts or of objects with a name, or as one text with commas or semicolons.

    Raises UnknownForm for anything else.
    """
    if value in EMPTY or (isinstance(value, str) and not value.strip()):
        return ()
    if isinstance(value, str):
        return tuple(filter(None, (tag.strip() for tag in _BETWEEN_TAGS.split(value))))
    if not isinstance(value, list):
        raise UnknownForm(json_type(value))
    return tuple(_tag_of(each) for each in value if each is not None)


def tags_are_all(value: object) -> bool:
    """Whether tags that were understood say all that stood there: objects may say more than a name."""
    return not isinstance(value, list) or not any(isinstance(each, dict) for each in value)


def kinds_in(values: Sequence[object]) -> str:
    """What an array holds, as in `an array with an object in it`."""
    kinds = list(dict.fromkeys(map(json_type, values)))
    return f"an array with {' and '.join(kinds)} in it" if kinds else "an array"


def _tag_of(value: object) -> str:
    if isinstance(value, dict):
        named = (value[name] for name in _TAG if isinstance(value.get(name), str))
        value = next(named, value)
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise UnknownForm(kinds_in([value]))


def _name_of(value: object, names: tuple[str, ...]) -> Understood:
    """A text or a number as text; of an object the first of `names` that has one."""
    if value in EMPTY:
        return Understood(None)
    if isinstance(value, dict):
        texts = (id_text(value[name]) for name in names if name in value)
        found = next(filter(None, texts), None)
        if found is None:
            raise UnknownForm("an object")
        return Understood(found, is_all=len(value) == 1)
    if isinstance(value, str):
        return Understood(value)
    text = id_text(value)
    if text is None:
        raise UnknownForm(excerpt(value))
    return Understood(text)
