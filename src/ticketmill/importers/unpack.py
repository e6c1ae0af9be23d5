"""Payloads inside what exports and webhooks wrap around them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from ticketmill.domain.document_text import IGNORED_AT_THE_END
from ticketmill.domain.errors import RejectionCode, TicketRejected
from ticketmill.domain.json_document import NEVER_REPEATED
from ticketmill.importers.values import Payload

WRAPPERS = (
    *("ticket", "tickets", "results", "result", "issues", "issue", "records", "conversations", "incidents"),
    *("cases", "requests", "payload", "data", "items", "nodes", "rows", "value", "values", "_results"),
    *("_embedded", "messages", "edges", "node"),
)
"""Keys whose value holds payloads: one object, or an array of them."""

MAX_DEPTH = 6
_MAX_NAMED_KEYS = 12


def payloads(document: object, is_payload: Callable[[Payload], bool], depth: int = 0) -> Iterator[object]:
    """What `document` wraps, down to the objects that `is_payload` knows and those that wrap nothing."""
    if isinstance(document, list) and depth < MAX_DEPTH:
        for each in document:
            yield from payloads(each, is_payload, depth + 1)
        return
    wrapped = None
    if isinstance(document, Mapping) and depth < MAX_DEPTH and not is_payload(document):
        wrapped = wrapped_in(document)
    if wrapped is None:
        yield document
    else:
        yield from payloads(wrapped, is_payload, depth + 1)


def wrapped_in(document: Payload) -> list[Any] | dict[str, Any] | None:
    """The array or the object under the first key that wraps payloads; None where there is no such key."""
    for key in WRAPPERS:
        value = document.get(key)
        if isinstance(value, dict) or (
            isinstance(value, list) and all(isinstance(each, dict) for each in value)
        ):
            return value
    return None


def text_in(content: bytes) -> str:
    """The text of a file in UTF-8, UTF-16 or UTF-32. Raises TicketRejected."""
    try:
        return content.decode(json.detect_encoding(content)).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        message = f"expected UTF-8 or UTF-16, found an invalid byte at offset {error.start}"
        raise TicketRejected(RejectionCode.NOT_UTF8, message) from None


def decode(text: str) -> object:
    """One JSON document of any size, also one that is a string with JSON in it. Raises TicketRejected."""
    try:
        document = _loaded(text.rstrip(IGNORED_AT_THE_END))
        is_encoded_twice = isinstance(document, str) and document.lstrip().startswith(("{", "["))
        return _loaded(document) if is_encoded_twice else document
    except json.JSONDecodeError as error:
        message = f"expected JSON: {error.msg} at line {error.lineno} column {error.colno}"
        raise TicketRejected(RejectionCode.NOT_JSON, message) from None
    except RecursionError:
        message = "expected less nesting, found more levels than can be decoded"
        raise TicketRejected(RejectionCode.SCHEMA, message) from None
    except ValueError:  # an integer of more digits than Python converts
        raise TicketRejected(RejectionCode.NOT_JSON, "expected numbers of a sane length") from None


def keys_seen(document: object) -> str:
    """What a document is, for a message: the names of its first fields, never a value."""
    if not isinstance(document, Mapping):
        return "no object"
    names = [str(key)[:40] for key in list(document)[:_MAX_NAMED_KEYS]]
    more = f" and {len(document) - len(names)} more" if len(document) > len(names) else ""
    return f"an object with {', '.join(names)}{more}" if names else "an empty object"


def _loaded(text: Any) -> Any:
    # not strict: line breaks and tabs in strings are read
    return json.loads(text, strict=False, object_pairs_hook=_fields, parse_constant=_no_constant)


def _fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next((name for name in NEVER_REPEATED if names.count(name) > 1), None)
        if repeated:
            message = f"expected every field once, found {repeated} more than once"
            raise TicketRejected(RejectionCode.DUPLICATE_KEY, message, repeated)
    return fields


def _no_constant(name: str) -> NoReturn:
    raise TicketRejected(RejectionCode.NOT_JSON, f"expected JSON's own numbers, found {name}")
