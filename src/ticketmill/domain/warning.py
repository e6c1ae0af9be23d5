"""What intake noticed about a raw ticket and read all the same."""

from __future__ import annotations

from enum import StrEnum

from ticketmill.domain.records import Open, Record

MAX_FOUND_CHARS = 60
"""Of a value that a warning shows."""


class WarningCode(StrEnum):
    """What was unusual about a raw ticket that was read all the same."""

    UNKNOWN_FORM = "unknown_form"
    """An optional field of unknown form. It is empty; its value is in `extra`."""
    PRIORITY_NUMBER = "priority_number"
    """A bare number as the priority. It is no priority, for no setting says which end is urgent."""
    FIELD_NAME = "field_name"
    """A field of ours under another spelling, such as `Subject` or `ticketId`."""
    TEXT_FROM_FIELD = "text_from_field"
    """The text was found in another field, or in parts of one."""
    ID_TRIMMED = "id_trimmed"
    """White space around the id was removed."""
    ID_NUMBER = "id_number"
    """The id is a decimal number, such as 1042.0. It was read as a whole one."""
    ID_MAPPED = "id_mapped"
    """The id cannot be a key. It was escaped, and can be read back."""
    REPEATED_FIELD = "repeated_field"
    """A field stands more than once in an object. Its values are kept as an array."""
    CONTROL_CHARACTERS = "control_characters"
    """A string holds line breaks or tabs that JSON wants escaped."""
    DOUBLE_ENCODED = "double_encoded"
    """The document is a string that holds a JSON object."""
    ENCODING_GUESSED = "encoding_guessed"
    """The document is UTF-16 or UTF-32 without a byte-order mark."""


class TicketWarning(Record):
    """One thing that was unusual about a raw ticket."""

    code: Open[WarningCode]
    """What was unusual, for programs."""
    field: str | None = None
    """The field that it is about; null for the document."""
    found: str = ""
    """What was found: a type, a field's name, or at most 60 characters of a priority, a time or a tag list.
    Of a mapped id it is the original."""


class UnknownForm(ValueError):
    """An optional field is of no form that we know. `found` describes the value."""

    def __init__(self, found: str, code: WarningCode = WarningCode.UNKNOWN_FORM) -> None:
        super().__init__(found)
        self.found = found
        self.code = code


def json_type(value: object) -> str:
    """What JSON calls a value, as in `an array`."""
    names = {dict: "an object", list: "an array", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def excerpt(value: object) -> str:
    """A short value as it is, anything else by its type. It is for fields that hold no text of the writer."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return shown(str(value) if isinstance(value, str | float) or abs(value) < 10**30 else "a long number")
    return json_type(value)


def shown(text: str) -> str:
    """A name or a short value as a message shows it: printable, and of a sane length."""
    printable = "".join(char if char.isprintable() else "\ufffd" for char in text[:MAX_FOUND_CHARS])
    return printable if len(text) <= MAX_FOUND_CHARS else f"{printable[:-1]}…"
