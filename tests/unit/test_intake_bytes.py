"""The bytes that people and programs really upload, and what becomes of each."""

from __future__ import annotations

import gzip
import json

import pytest
from raw_tickets import warned

from ticketmill.domain.errors import RejectionCode, TicketRejected
from ticketmill.domain.intake import parse_ticket

TEXT = '{"ticket_id": "B-1", "subject": "Grüße", "body": "Ich wurde doppelt belastet. I was charged twice."}'
UTF8 = TEXT.encode()
ESCAPED = json.dumps(json.loads(TEXT), indent=2)

READ = {
    "utf-16 le, marked": b"\xff\xfe" + TEXT.encode("utf-16-le"),
    "utf-16 be, marked": b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "utf-8, marked": b"\xef\xbb\xbf" + UTF8,
    "utf-32, marked": TEXT.encode("utf-32"),
    "gzip": gzip.compress(UTF8, mtime=0),
    "gzip in two members": gzip.compress(UTF8[:30], mtime=0) + gzip.compress(UTF8[30:], mtime=0),
    "gzip around utf-16": gzip.compress(TEXT.encode("utf-16"), mtime=0),
    "crlf, pretty": ESCAPED.replace("\n", "\r\n").encode(),
    "nul at the end": UTF8 + b"\x00",
    "nuls at the end": UTF8 + b"\x00" * 7,
    "ctrl-z at the end": UTF8 + b"\r\n\x1a",
    "empty lines at the end": UTF8 + b"\n\n",
    "an array of one": b"[" + UTF8 + b"]",
    "tickets of one": b'{"tickets": [' + UTF8 + b'], "count": 1}',
    "one ticket, wrapped": b'{"ticket": ' + UTF8 + b"}",
}


@pytest.mark.parametrize("body", READ.values(), ids=READ)
def test_a_ticket_in_any_of_these_is_the_same_ticket(body: bytes) -> None:
    assert parse_ticket(body) == parse_ticket(UTF8)
    assert parse_ticket(body).warnings == ()


UNUSUAL = {
    "utf-16 le": (TEXT.encode("utf-16-le"), [("encoding_guessed", None, "UTF-16-LE")]),
    "utf-16 be": (TEXT.encode("utf-16-be"), [("encoding_guessed", None, "UTF-16-BE")]),
    "double-encoded": (json.dumps(TEXT).encode(), [("double_encoded", None, "")]),
    "double-encoded utf-16": (
        json.dumps(TEXT).encode("utf-16-le"),
        [("encoding_guessed", None, "UTF-16-LE"), ("double_encoded", None, "")],
    ),
}


@pytest.mark.parametrize(("body", "warnings"), UNUSUAL.values(), ids=UNUSUAL)
def test_what_was_guessed_is_warned_of(body: bytes, warnings: list[tuple[str, str | None, str]]) -> None:
    ticket = parse_ticket(body)
    assert ticket.body == parse_ticket(UTF8).body
    assert warned(ticket) == warnings


@pytest.mark.parametrize("control", ["\n", "\t", "\r\n", "\x0b"])
def test_line_breaks_and_tabs_in_a_string_are_read(control: str) -> None:
    ticket = parse_ticket(f'{{"ticket_id": "B-14", "body": "Hello,{control}I cannot log in."}}'.encode())
    assert ticket.body == f"Hello,{control}I cannot log in."
    assert warned(ticket) == [("control_characters", None, "")]


REFUSED = {
    "latin-1": (TEXT.encode("latin-1"), RejectionCode.NOT_UTF8, "iconv -f WINDOWS-1252"),
    "windows-1252": (
        b'{"ticket_id":"B-6","body":"I can\x92t log in"}',
        RejectionCode.NOT_UTF8,
        "0x92",
    ),
    "an utf-8 text that was cut": (UTF8[: UTF8.index(b"\xc3") + 1], RejectionCode.NOT_UTF8, "0xc3"),
    "a document that was cut": (UTF8[:60], RejectionCode.NOT_JSON, "cut off"),
    "gzip that was cut": (
        gzip.compress(UTF8, mtime=0)[:-12],
        RejectionCode.NOT_JSON,
        "found it cut off",
    ),
    "gzip that is damaged": (b"\x1f\x8b\x08" + b"x" * 40, RejectionCode.NOT_JSON, "damaged"),
    "empty": (b"", RejectionCode.NOT_JSON, "an empty document"),
    "single quotes": (b"{'ticket_id': 'B-16'}", RejectionCode.NOT_JSON, "a single quote"),
    "None": (b'{"ticket_id":"B-17","body":"x","priority":None}', RejectionCode.NOT_JSON, "write null"),
    "a comment": (b'{ // export\n "ticket_id":"B-18"}', RejectionCode.NOT_JSON, "a comment"),
    "NaN": (b'{"ticket_id":"B-35","body":"x","score":NaN}', RejectionCode.NOT_JSON, "found NaN: write null"),
    "a comma at the end": (b'{"ticket_id":"TC-1","body":"x",}', RejectionCode.NOT_JSON, "remove it"),
}


@pytest.mark.parametrize(("body", "code", "told"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused_with_what_to_change(
    body: bytes, code: RejectionCode, told: str
) -> None:
    with pytest.raises(TicketRejected) as caught:
        parse_ticket(body)
    assert caught.value.code is code
    assert told in caught.value.message


def test_a_packed_ticket_may_have_the_limit_unpacked_and_no_byte_more() -> None:
    content = UTF8 + b" " * 1000
    assert parse_ticket(gzip.compress(content, mtime=0), max_bytes=len(content)).ticket_id == "B-1"
    with pytest.raises(TicketRejected) as caught:
        parse_ticket(gzip.compress(content + b" ", mtime=0), max_bytes=len(content))
    assert caught.value.code is RejectionCode.TOO_LARGE
    assert "after unpacking" in caught.value.message


@pytest.mark.parametrize(
    ("body", "count", "form"),
    [
        (b"[" + b",".join([UTF8] * 3) + b"]", 3, "an array"),
        (b'{"tickets": [' + UTF8 + b"," + UTF8 + b'], "next_page": null}', 2, "an array"),
        (UTF8 + b"\n" + UTF8 + b"\n", 2, "JSON lines"),
        (b"[1, 2]", 2, "an array"),
    ],
)
def test_several_tickets_in_one_object_are_refused_with_the_command_that_splits_them(
    body: bytes, count: int, form: str
) -> None:
    with pytest.raises(TicketRejected) as caught:
        parse_ticket(body)
    assert caught.value.code is RejectionCode.SEVERAL_TICKETS
    assert f"found {count} ({form})" in caught.value.message
    assert "ticketmill drop" in caught.value.message
