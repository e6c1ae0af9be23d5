"""What can name a ticket, and how any other id is mapped to such a name and back."""

from __future__ import annotations

import re
from urllib.parse import unquote

MAX_ID_CHARS = 128
ID_EXPECTED = (
    f"expected 1 to {MAX_ID_CHARS} characters of A-Z a-z 0-9 . _ : @ + = -, the first a letter or a digit"
)
MAPPED_PREFIX = "esc:"
"""What begins a mapped id. The rest is the original, each byte of it that cannot be in a key as `=HH`."""
MAX_EXACT_FLOAT = 2**53
"""From here on two whole numbers may be one float."""

_USABLE = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._:@+=-]{{0,{MAX_ID_CHARS - 1}}}")
_ESCAPED = re.compile(rb"[^A-Za-z0-9._:@+-]")


def is_usable_id(value: str) -> bool:
    """Whether `value` can name a ticket: it becomes a row's key and a part of object keys."""
    return _USABLE.fullmatch(value) is not None


def mapped_id(original: str) -> str:
    """The usable id for `original`: itself where it is usable, else escaped, as in `esc:=231042` for `#1042`.

    No two originals have the same mapped id: a usable one that begins like an escaped one is escaped too.
    The result is longer than MAX_ID_CHARS, and so not usable, where the original is too long.
    """
    if not original or (is_usable_id(original) and not original.startswith(MAPPED_PREFIX)):
        return original
    escaped = _ESCAPED.sub(lambda byte: b"=%02X" % byte[0][0], original.encode("utf-8", "surrogatepass"))
    return MAPPED_PREFIX + escaped.decode("ascii")


def original_id(ticket_id: str) -> str:
    """The id that `mapped_id` gave `ticket_id` for."""
    if not ticket_id.startswith(MAPPED_PREFIX):
        return ticket_id
    return unquote(ticket_id.removeprefix(MAPPED_PREFIX).replace("=", "%"), errors="surrogatepass")


def known_as(typed: str) -> tuple[str, ...]:
    """The ids that a ticket may have that a person calls `typed`: a stored id, or the helpdesk's own."""
    return tuple(dict.fromkeys(each for each in (typed, mapped_id(typed.strip())) if is_usable_id(each)))


def id_text(value: object) -> str | None:
    """The text of an id: of a string without the blanks around it, of a whole number its digits.

    None where the value is no id: true, false, an array, an object, or a float that may stand for several
    numbers. Empty where there is none.
    """
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, float):
        if not value.is_integer():
            return str(value)
        return None if abs(value) >= MAX_EXACT_FLOAT else str(int(value))
    return str(value).strip()
