"""A dropped document decoded from JSON, within limits; its messages say what to change."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from itertools import islice
from typing import Any, NamedTuple

from ticketmill.domain.document_text import text_of
from ticketmill.domain.errors import RejectionCode, TicketRejected
from ticketmill.domain.warning import TicketWarning, WarningCode, shown

MAX_TICKET_BYTES = 2 * 1024 * 1024
MAX_JSON_DEPTH = 64
MAX_JSON_VALUES = 10_000

NEVER_REPEATED = frozenset({"ticket_id", "id", "subject", "body"})
"""Fields of identity and text: of two values nobody knows which one is meant."""

# A string, or what comes before a value. Possessive, so that no body makes it backtrack. A string that does
# not end reaches to the end of the body.
_JSON_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[,\[{]', re.DOTALL)
_BEFORE_A_VALUE = (",", "[", "{")
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
_AT_FAULT = (
    (re.compile(r"'"), "a single quote: JSON has double ones"),
    (re.compile(r"//|/\*|#"), "a comment: JSON has none"),
    (re.compile(r"None\b|undefined\b"), "a word that JSON does not have: write null"),
    (re.compile(r"True\b|False\b"), "a word that JSON does not have: write true or false in lower case"),
    (re.compile(r"[A-Za-z_]"), "a word without quotes"),
)
_COMMA_AT_THE_END = re.compile(r",\s*[}\]]?\Z")


class Decoded(NamedTuple):
    """What a document says, and what was unusual about how it says that."""

    value: Any
    warnings: tuple[TicketWarning, ...] = ()


def decode_json(body: bytes, max_bytes: int = MAX_TICKET_BYTES) -> object:
    """One JSON document, decoded as by `decode`, without the warnings."""
    return decode(body, max_bytes).value


def decode(body: bytes, max_bytes: int = MAX_TICKET_BYTES) -> Decoded:
    """One JSON document: no NaN, identity and text not repeated, a limit to nesting and number of values.

    Line breaks and tabs in strings are read, and so is a document that is a string with a JSON object in it.
    Lone surrogates (half an emoji in `\\ud83d` escapes) become U+FFFD, since nothing could store them.
    """
    text, warnings = text_of(body, max_bytes)
    decoded = _decoded(text)
    warnings += decoded.warnings
    if isinstance(decoded.value, str) and decoded.value.lstrip().startswith("{"):
        decoded = _decoded(decoded.value)
        warnings += (TicketWarning(code=WarningCode.DOUBLE_ENCODED), *decoded.warnings)
    return Decoded(decoded.value, warnings)


def _decoded(text: str) -> Decoded:
    _check_values(text)
    try:
        return _loaded(text, strict=True)
    except json.JSONDecodeError as error:
        if not error.msg.startswith("Invalid control character"):
            raise _not_json(text, error) from None
    try:
        value, warnings = _loaded(text, strict=False)
    except json.JSONDecodeError as error:
        raise _not_json(text, error) from None
    return Decoded(value, (*warnings, TicketWarning(code=WarningCode.CONTROL_CHARACTERS)))


def _loaded(text: str, strict: bool) -> Decoded:
    repeated: dict[str, None] = {}

    def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return _object_of(pairs, repeated)

    try:
        document = json.loads(
            text, strict=strict, object_pairs_hook=object_of, parse_constant=_no_constant, parse_float=_finite
        )
        value = _storable(document, depth=1)
    except json.JSONDecodeError:
        raise
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # an integer of more digits than can be converted
        raise TicketRejected(RejectionCode.NOT_JSON, "expected numbers of a sane length") from None
    warnings = tuple(TicketWarning(code=WarningCode.REPEATED_FIELD, field=shown(name)) for name in repeated)
    return Decoded(value, warnings)


def _check_values(text: str) -> None:
    """Raises TicketRejected where a document has more than MAX_JSON_VALUES values.

    64 KB of brackets are 3 MB of objects, and a worker has many tickets in memory at once. So the values are
    counted before they are made: each but the first follows a comma or an opening bracket. Most bodies have
    too few of these anywhere; only in the others are strings told apart from the rest.
    """
    if sum(map(text.count, _BEFORE_A_VALUE)) < MAX_JSON_VALUES:
        return
    outside_strings = (token for token in _JSON_TOKEN.finditer(text) if token[0] in _BEFORE_A_VALUE)
    if any(True for _ in islice(outside_strings, MAX_JSON_VALUES - 1, None)):
        message = f"expected at most {MAX_JSON_VALUES} JSON values, found more"
        raise TicketRejected(RejectionCode.SCHEMA, message)


def _not_json(text: str, error: json.JSONDecodeError) -> TicketRejected:
    """What is wrong with a document, and where, without a word of it."""
    if error.msg == "Extra data" and (lines := _json_lines(text)) > 1:
        return several_tickets(lines, "JSON lines")
    where = f"at line {error.lineno} column {error.colno}"
    rest = text[error.pos :]
    if not text.strip():
        found = "an empty document"
    elif not rest.strip() or error.msg.startswith("Unterminated string"):
        found = f"its end {where}: it was cut off, upload it again"
    elif error.msg == "Extra data":
        found = f"more after its end {where}"
    elif rest[0] in "}]" and _COMMA_AT_THE_END.search(text[: error.pos + 1]):
        found = f"a comma before the closing bracket {where}: remove it"
    else:
        known = next((what for pattern, what in _AT_FAULT if pattern.match(rest)), None)
        found = f"{known} ({where})" if known else f"{error.msg[:1].lower()}{error.msg[1:]} {where}"
    return TicketRejected(RejectionCode.NOT_JSON, f"expected one JSON object, found {found}")


def several_tickets(count: int, form: str) -> TicketRejected:
    """The rejection of an object that holds more than one ticket: one object is one ticket."""
    message = (
        f"expected one ticket in an object, found {count} ({form}): "
        "`ticketmill drop FILE` drops each as an object of its own"
    )
    return TicketRejected(RejectionCode.SEVERAL_TICKETS, message)


def _json_lines(text: str) -> int:
    """How many lines a text of JSON objects, one a line, has; 0 for any other text."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return len(lines) if all(line[0] == "{" and line[-1] == "}" for line in lines) else 0


def _object_of(pairs: list[tuple[str, Any]], repeated: dict[str, None]) -> dict[str, Any]:
    """An object whose repeated fields have an array of their values, except those of identity and text."""
    fields = {_storable_text(name): value for name, value in pairs}
    if len(fields) == len(pairs):
        return fields
    counts = Counter(_storable_text(name) for name, _ in pairs)
    for name in (name for name, count in counts.items() if count > 1):
        if name in NEVER_REPEATED:
            message = f"expected every field once, found {name} more than once"
            raise TicketRejected(RejectionCode.DUPLICATE_KEY, message, name)
        fields[name] = [value for each, value in pairs if _storable_text(each) == name]
        repeated[name] = None
    return fields


def _no_constant(name: str) -> float:
    raise TicketRejected(RejectionCode.NOT_JSON, f"expected numbers that JSON has, found {name}: write null")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise TicketRejected(RejectionCode.NOT_JSON, "expected numbers that fit a 64-bit float")
    return number


def _storable_text(text: str) -> str:
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def _storable(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _storable_text(value)
    if isinstance(value, list | dict) and depth > MAX_JSON_DEPTH:
        raise _too_deep()
    if isinstance(value, list):
        return [_storable(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {name: _storable(item, depth + 1) for name, item in value.items()}
    return value


def _too_deep() -> TicketRejected:
    return TicketRejected(RejectionCode.SCHEMA, f"expected at most {MAX_JSON_DEPTH} levels of nesting")
