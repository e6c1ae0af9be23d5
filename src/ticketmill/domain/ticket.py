"""The raw ticket: what people drop into the bucket, and the rules it must meet."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    WithJsonSchema,
)

from ticketmill.domain.errors import RejectionCode, TicketRejected
from ticketmill.domain.labels import Urgency

MAX_TICKET_BYTES = 2 * 1024 * 1024
MAX_ID_CHARS = 128
MAX_JSON_DEPTH = 64
MAX_JSON_VALUES = 10_000

_ID = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._:@+=-]{{0,{MAX_ID_CHARS - 1}}}")
_ID_EXPECTED = (
    f"expected 1 to {MAX_ID_CHARS} characters of A-Z a-z 0-9 . _ : @ + = -, the first a letter or a digit"
)
# A string, or what comes before a value. Possessive, so that no body makes it backtrack. A string that does
# not end reaches to the end of the body.
_JSON_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[,\[{]', re.DOTALL)
_BEFORE_A_VALUE = (b",", b"[", b"{")
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")

_STATED_PRIORITIES: Mapping[str, Urgency] = {
    **dict.fromkeys(("critical", "urgent", "blocker", "emergency", "p1", "1"), Urgency.CRITICAL),
    **dict.fromkeys(("high", "major", "important", "p2", "2"), Urgency.HIGH),
    **dict.fromkeys(("medium", "normal", "moderate", "p3", "3"), Urgency.MEDIUM),
    **dict.fromkeys(("low", "minor", "trivial", "p4", "4"), Urgency.LOW),
}


def _stated_priority(value: object) -> object:
    """A helpdesk's word or number (urgent, p1 … p4, normal, 1 … 4) as one of our four levels."""
    if value is None or isinstance(value, Urgency):
        return value
    if isinstance(value, str | int) and not isinstance(value, bool):
        word = str(value).strip().lower()
        if not word:
            return None
        if word in _STATED_PRIORITIES:
            return _STATED_PRIORITIES[word]
    raise ValueError(f"expected null or one of {', '.join(_STATED_PRIORITIES)}")


def _unix_seconds_or_iso(value: object) -> object:
    """Unix seconds (also as a string) or ISO 8601; a time without a zone is taken for UTC."""
    if value is None or isinstance(value, datetime):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("expected Unix seconds or an ISO 8601 time")
    try:
        seconds = float(value)
    except ValueError:
        return _iso_time(str(value))
    except OverflowError:
        seconds = math.inf
    if not 0 <= seconds < 1e11:
        raise ValueError("expected Unix seconds between 0 and 99999999999 (are these milliseconds?)")
    return datetime.fromtimestamp(seconds, UTC)


def _iso_time(value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("expected Unix seconds or an ISO 8601 time") from None


def _text_or_integer(value: object) -> object:
    if isinstance(value, float):
        raise ValueError(_ID_EXPECTED)
    return value


def _usable_id(value: str) -> str:
    if not is_usable_id(value):
        raise ValueError(_ID_EXPECTED)
    return value


def is_usable_id(value: str) -> bool:
    """Whether `value` can name a ticket: it becomes a row's key and a part of object keys."""
    return _ID.fullmatch(value) is not None


def _null_as_empty(value: object) -> object:
    return "" if value is None else value


def _null_as_no_tags(value: object) -> object:
    return () if value is None else value


def _null_as_no_metadata(value: object) -> object:
    return {} if value is None else value


def _input(*types: str, **more: JsonValue) -> WithJsonSchema:
    """What a raw ticket may say in a field that is read into another type."""
    return WithJsonSchema({"type": list(types), **more}, mode="validation")


_TEXT_INPUT = _input("string", "number", "null")  # a number is taken as its digits
Text = Annotated[str, BeforeValidator(_null_as_empty), _TEXT_INPUT]
Name = Annotated[str | None, _TEXT_INPUT]


class TicketMetadata(BaseModel):
    """What the helpdesk says about the ticket. Unknown fields are kept."""

    model_config = ConfigDict(frozen=True, extra="allow", coerce_numbers_to_str=True)

    source: Name = None
    """The channel, as in `email` or `chat`."""
    language: Name = None
    """The language, as the sender states it. The detected one is `enrichment.language`."""
    tags: Annotated[
        tuple[str, ...],
        BeforeValidator(_null_as_no_tags),
        _input("array", "null", items={"type": ["string", "number"]}),
    ] = ()
    """The helpdesk's own tags."""


class Ticket(BaseModel):
    """A valid raw ticket. Unknown fields are kept in `extra`."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    ticket_id: Annotated[
        str, BeforeValidator(_text_or_integer), AfterValidator(_usable_id), _input("string", "integer")
    ]
    """Names the ticket: 1 to 128 characters of `A-Z a-z 0-9 . _ : @ + = -`, the first a letter or a digit."""
    subject: Text = ""
    """The subject line. `subject` or `body` must have text."""
    body: Text = ""
    """What the customer wrote."""
    priority: Annotated[
        Urgency | None, BeforeValidator(_stated_priority), _input("string", "integer", "null")
    ] = None
    """The submitter's priority. Helpdesks' words and numbers (urgent, p1 … p4, 1 … 4) become our levels."""
    created_at: Annotated[
        datetime | None, BeforeValidator(_unix_seconds_or_iso), _input("string", "number", "null")
    ] = None
    """When the ticket was opened: Unix seconds, or ISO 8601. A time without a zone is UTC."""
    customer_id: Name = None
    """The customer, by the helpdesk's own id."""
    metadata: Annotated[TicketMetadata, BeforeValidator(_null_as_no_metadata)] = TicketMetadata()
    """What the helpdesk says about the ticket."""
    extra: dict[str, JsonValue] = Field(default_factory=dict)
    """Every other field of the raw ticket, unchanged."""

    @property
    def text(self) -> str:
        """Subject and body as one text, what the encoder reads."""
        return "\n".join(part for part in (self.subject, self.body) if part)


_KNOWN_FIELDS = frozenset(Ticket.model_fields) - {"extra"}


def parse_ticket(body: bytes, max_bytes: int = MAX_TICKET_BYTES) -> Ticket:
    """The ticket in one JSON document of UTF-8 (a byte-order mark is allowed).

    Raises TicketRejected with the code and the field of the first fault.
    """
    return ticket_from(decode_json(body, max_bytes))


def decode_json(body: bytes, max_bytes: int = MAX_TICKET_BYTES) -> object:
    """One JSON document, decoded strictly: no NaN, no repeated keys, a limit to nesting and number of values.

    Lone surrogates (half an emoji in `\\ud83d` escapes) become U+FFFD, since nothing could store them.
    """
    if len(body) > max_bytes:
        raise too_large(len(body), max_bytes)
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"expected UTF-8, found an invalid byte at offset {error.start}"
        raise TicketRejected(RejectionCode.NOT_UTF8, message) from None
    _check_values(body)
    try:
        document = json.loads(
            text,
            object_pairs_hook=_object_without_repeats,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
        return _storable(document, depth=1)
    except json.JSONDecodeError as error:
        message = f"expected one JSON object: {error.msg} at line {error.lineno} column {error.colno}"
        raise TicketRejected(RejectionCode.NOT_JSON, message) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # an integer of more digits than Python converts
        raise TicketRejected(RejectionCode.NOT_JSON, "expected numbers of a sane length") from None


def _check_values(body: bytes) -> None:
    """Raises TicketRejected where a document has more than MAX_JSON_VALUES values.

    64 KB of brackets are 3 MB of Python objects, and a worker has many tickets in memory at once. So the
    values are counted before they are made: each but the first follows a comma or an opening bracket. Most
    bodies have too few of these anywhere; only in the others are strings told apart from the rest.
    """
    if sum(map(body.count, _BEFORE_A_VALUE)) < MAX_JSON_VALUES:
        return
    outside_strings = (token for token in _JSON_TOKEN.finditer(body) if token[0] in _BEFORE_A_VALUE)
    if any(True for _ in islice(outside_strings, MAX_JSON_VALUES - 1, None)):
        message = f"expected at most {MAX_JSON_VALUES} JSON values, found more"
        raise TicketRejected(RejectionCode.SCHEMA, message)


def ticket_from(document: object) -> Ticket:
    """The ticket in a decoded JSON document; `id` stands in for a missing `ticket_id`."""
    if not isinstance(document, dict):
        message = f"expected a JSON object, found {_json_type(document)}"
        raise TicketRejected(RejectionCode.SCHEMA, message)
    fields = dict(document)
    if "ticket_id" not in fields and "id" in fields:
        fields["ticket_id"] = fields.pop("id")
    known = {name: value for name, value in fields.items() if name in _KNOWN_FIELDS}
    extra = {name: value for name, value in fields.items() if name not in _KNOWN_FIELDS}
    try:
        ticket = Ticket(**known, extra=extra)
    except ValidationError as error:
        raise _rejection(error, readable_id(fields)) from None
    if not has_text(ticket.text):
        message = "expected text in subject or body, found none that can be seen"
        raise TicketRejected(RejectionCode.EMPTY_TEXT, message, "body", ticket.ticket_id)
    return ticket


def readable_id(fields: Mapping[str, object]) -> str | None:
    """The usable ticket id of a decoded ticket that may be invalid otherwise, else None."""
    value = fields.get("ticket_id", fields.get("id"))
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value) if is_usable_id(str(value)) else None


def has_text(text: str) -> bool:
    """Whether anything in `text` can be seen: control, format and space characters alone do not count."""
    return any(char.isprintable() and not char.isspace() for char in text)


def too_large(size_bytes: int, max_bytes: int) -> TicketRejected:
    """The rejection of a document of `size_bytes`."""
    message = f"expected at most {max_bytes} bytes, found {size_bytes}"
    return TicketRejected(RejectionCode.TOO_LARGE, message)


def _rejection(error: ValidationError, ticket_id: str | None) -> TicketRejected:
    """The first fault of a document, without its text; a fault of the id goes before all others."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    fault = min(faults, key=lambda fault: fault["loc"][:1] != ("ticket_id",))
    field = ".".join(str(part) for part in fault["loc"])
    expected = fault["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    missing = fault["type"] == "missing"
    code = (
        RejectionCode.ID_UNUSABLE
        if fault["loc"][:1] == ("ticket_id",) and not missing
        else RejectionCode.SCHEMA
    )
    if code is RejectionCode.ID_UNUSABLE:
        expected = _ID_EXPECTED
    return TicketRejected(code, f"{field}: {'required' if missing else expected}", field, ticket_id)


def _object_without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) == len(pairs):
        return fields
    counts = Counter(name for name, _ in pairs)
    repeated = next(name for name, count in counts.items() if count > 1)
    raise _repeated(repeated if repeated in _KNOWN_FIELDS else None)


def _repeated(field: str | None) -> TicketRejected:
    message = f"expected every field once, found {field or 'a field'} more than once"
    return TicketRejected(RejectionCode.DUPLICATE_KEY, message, field)


def _no_constant(name: str) -> float:
    raise TicketRejected(RejectionCode.NOT_JSON, f"expected JSON's own numbers, found {name}")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise TicketRejected(RejectionCode.NOT_JSON, "expected numbers that fit a 64-bit float")
    return number


def _storable(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, list | dict) and depth > MAX_JSON_DEPTH:
        raise _too_deep()
    if isinstance(value, list):
        return [_storable(item, depth + 1) for item in value]
    if isinstance(value, dict):
        fields = {_storable(key, depth): _storable(item, depth + 1) for key, item in value.items()}
        if len(fields) < len(value):  # two names that differed in halves of emojis alone
            raise _repeated(None)
        return fields
    return value


def _too_deep() -> TicketRejected:
    return TicketRejected(RejectionCode.SCHEMA, f"expected at most {MAX_JSON_DEPTH} levels of nesting")


def _json_type(value: object) -> str:
    names = {list: "an array", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
