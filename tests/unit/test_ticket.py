from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime

import pytest
from raw_tickets import FIELDS, document, nested, rejection_of, with_value, without

from ticketmill.domain.errors import RejectionCode, TicketRejected
from ticketmill.domain.intake import parse_ticket, ticket_from
from ticketmill.domain.json_document import MAX_TICKET_BYTES, decode_json
from ticketmill.domain.labels import Urgency
from ticketmill.domain.ticket import Ticket, TicketMetadata

MARKER = "Zanzibar7731"


def test_a_full_ticket_is_read_field_by_field() -> None:
    ticket = parse_ticket(
        document(
            priority="high",
            created_at=1700000000,
            customer_id="CUST-1",
            metadata={"source": "email", "language": "en", "tags": ["login", "web"], "shop": 7},
        )
    )
    assert ticket == Ticket(
        ticket_id="TKT-001",
        subject="Cannot sign in",
        body="The reset link is dead.",
        priority=Urgency.HIGH,
        created_at=datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
        customer_id="CUST-1",
        metadata=TicketMetadata(source="email", language="en", tags=("login", "web"), shop=7),
    )
    assert ticket.metadata.model_extra == {"shop": 7}


def test_what_is_not_said_is_empty_or_none() -> None:
    ticket = parse_ticket(b'{"ticket_id": "T", "body": "Text."}')
    assert ticket == Ticket(
        ticket_id="T",
        subject="",
        body="Text.",
        priority=None,
        created_at=None,
        customer_id=None,
        metadata=TicketMetadata(source=None, language=None, tags=()),
        extra={},
    )


def test_unknown_fields_are_kept_in_extra() -> None:
    ticket = parse_ticket(document(channel="chat", watchers=[1, {"team": None}], enrichment={"intent": "x"}))
    assert ticket.extra == {
        "channel": "chat",
        "watchers": [1, {"team": None}],
        "enrichment": {"intent": "x"},
    }


def test_a_field_that_is_called_extra_is_kept_like_any_other() -> None:
    assert parse_ticket(document(extra={"a": 1}, b=2)).extra == {"extra": {"a": 1}, "b": 2}


@pytest.mark.parametrize(("number", "text"), [(42, "42"), (2.5, "2.5"), (0, "0")])
def test_a_number_in_a_text_field_is_its_text(number: float, text: str) -> None:
    ticket = parse_ticket(document(subject=number, body=number, customer_id=number))
    assert (ticket.subject, ticket.body, ticket.customer_id) == (text, text, text)


def test_a_null_text_is_empty() -> None:
    assert parse_ticket(document(body=None)).body == ""
    assert parse_ticket(document(subject=None)).subject == ""
    assert parse_ticket(document(customer_id=None)).customer_id is None


@pytest.mark.parametrize(
    ("subject", "body", "text"),
    [("S", "B", "S\nB"), ("", "B", "B"), ("S", "", "S"), ("S", None, "S"), (" S ", "B\n", " S \nB\n")],
)
def test_the_text_is_subject_and_body_on_lines_of_their_own(
    subject: str, body: str | None, text: str
) -> None:
    assert parse_ticket(document(subject=subject, body=body)).text == text


@pytest.mark.parametrize(
    "text",
    [
        "\U0001f469\u200d\U0001f4bb is an emoji of three code points \U0001f3bb",
        "a NUL \x00 and a bell \x07 inside",
        "\u202eright-to-left\u202c שלום مرحبا",
        "e\u0301 is not \u00e9",
        "  spaces, \t tabs \r\n and line breaks \n\n are kept ",
        "\ufeffa byte-order mark inside",
        "日本語のチケット",
        "\\ud83d is no escape here",
    ],
)
def test_text_is_kept_exactly(text: str) -> None:
    for encoded in (document(body=text), json.dumps({**FIELDS, "body": text}, ensure_ascii=False).encode()):
        assert parse_ticket(encoded).body == text


def test_a_mebibyte_of_text_is_accepted() -> None:
    text = "0123456789abcde " * 65_536
    assert parse_ticket(document(body=text)).body == text


def test_a_ticket_of_exactly_the_limit_is_accepted_and_one_byte_more_is_too_large() -> None:
    body = document()
    assert parse_ticket(body, max_bytes=len(body)).ticket_id == "TKT-001"
    error = rejection_of(body, max_bytes=len(body) - 1)
    assert error.code is RejectionCode.TOO_LARGE
    assert error.message == f"expected at most {len(body) - 1} bytes, found {len(body)}"


def test_the_limit_is_two_mebibytes_where_none_is_given() -> None:
    with pytest.raises(TicketRejected) as caught:
        parse_ticket(b" " * (2 * 1024 * 1024 + 1))
    assert caught.value.code is RejectionCode.TOO_LARGE


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("", ""),
        (None, None),
        (" \t", "\r\n\n"),
        ("\u200b\u200d\ufeff", "\u2060"),
        ("\x00\x01", "\x1f\x7f"),
        ("\u00a0\u3000", "\u2028"),
        ("", "\u202e\u202c"),
    ],
)
def test_text_that_nobody_can_see_is_no_text(subject: str | None, body: str | None) -> None:
    error = rejection_of(document(subject=subject, body=body))
    assert (error.code, error.field) == (RejectionCode.EMPTY_TEXT, "body")


def test_a_ticket_without_subject_and_body_has_no_text() -> None:
    assert rejection_of(b'{"ticket_id": "T"}').code is RejectionCode.EMPTY_TEXT


@pytest.mark.parametrize("text", [".", "?", "\U0001f621", "\u200bא\u200b", "\x00a"])
def test_one_character_that_can_be_seen_is_text(text: str) -> None:
    assert parse_ticket(document(subject="", body=text)).text == text


@pytest.mark.parametrize(
    "body",
    [
        document(ticket_id=f"a/{MARKER}" * 20),
        document(ticket_id=[MARKER]),
        document(ticket_id={MARKER: MARKER}),
        document(subject="", body={MARKER: MARKER}),
        document(subject="", body=[{"note": f"{MARKER} and more of a text that is long enough"}], x=1),
        without("body", subject=MARKER, note=f"{MARKER} and more of a text that is long enough to be one"),
        document(subject="", body="", **{MARKER: MARKER}),
        without("ticket_id", **{MARKER: MARKER}),
        with_value(f'["{MARKER}", NaN]'.encode()),
        with_value(f'["{MARKER}"'.encode()),
        with_value(f'"{MARKER}\\x"'.encode()),
        with_value(MARKER.encode()),
        with_value(f'"{MARKER}\xff"'.encode("latin-1")),
        nested(65, f'"{MARKER}"'.encode()),
        f'"{MARKER}"'.encode(),
        f'["{MARKER}"]'.encode(),
        MARKER.encode(),
        MARKER.encode("utf-16"),
        gzip.compress(MARKER.encode(), mtime=0),
        f'[{{"ticket_id": "{MARKER}"}}, {{"ticket_id": "{MARKER}"}}]'.encode(),
        f'{{"ticket_id": "{MARKER}"}}\n{{"ticket_id": "{MARKER}"}}'.encode(),
        f"{{'{MARKER}': 1}}".encode(),
        document(body=MARKER * 200_000),
    ],
)
def test_no_rejection_quotes_the_ticket(body: bytes) -> None:
    error = rejection_of(body)
    assert error.message
    for part in (error.message, str(error), error.field or "", error.ticket_id or ""):
        assert MARKER not in part
        assert "Zanzibar" not in part


def test_every_code_but_the_one_of_a_missing_object_comes_from_a_ticket() -> None:
    bodies = [
        without("ticket_id"),
        document(ticket_id=[]),
        without("body", note="A text of the customer under a name that nobody knows."),
        b"[" + document() + b"," + document() + b"]",
        document(subject="", body=""),
        b"\xff",
        b"{",
        b'{"body": 1, "body": 1}',
        b" " * (MAX_TICKET_BYTES + 1),
    ]
    codes = [rejection_of(body).code for body in bodies]
    assert set(codes) == set(RejectionCode) - {RejectionCode.OBJECT_MISSING}
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(
    "body",
    [
        document(),
        b'{"ticket_id": 7, "subject": "Only a subject"}',
        document(
            priority="p1",
            warnings=["theirs"],
            created_at=1700000000.123456,
            customer_id=7,
            metadata={"source": "email", "tags": ["a", "ü", ""], "shop": {"id": [1, None]}},
            extra={"deep": [[{"a": 1.5}]]},
            other=None,
        ),
        document(subject="\x00 \U0001f469\u200d\U0001f4bb \u202e", body="\ufeff e\u0301 \r\n"),
        document(big=10**300, small=1e-300, zero=-0.0),
    ],
)
def test_a_ticket_comes_back_from_its_own_json_as_it_was(body: bytes) -> None:
    ticket = parse_ticket(body)
    assert Ticket.model_validate_json(ticket.model_dump_json()) == ticket


def test_a_ticket_does_not_change_once_it_is_read() -> None:
    ticket = parse_ticket(document())
    with pytest.raises(ValueError, match="frozen"):
        ticket.body = "other"  # type: ignore[misc]


def test_a_decoded_document_is_not_changed_by_reading_it() -> None:
    decoded = decode_json(without("ticket_id", id="TKT-9"))
    before = json.dumps(decoded)
    ticket_from(decoded)
    assert json.dumps(decoded) == before
