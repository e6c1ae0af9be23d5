"""What can name a ticket."""

from __future__ import annotations

import pytest
from raw_tickets import document, rejection_of, without

from ticketmill.domain.errors import RejectionCode
from ticketmill.domain.ticket import (
    MAX_ID_CHARS,
    parse_ticket,
)


def test_id_stands_in_for_ticket_id() -> None:
    ticket = parse_ticket(without("ticket_id", id="TKT-9"))
    assert (ticket.ticket_id, ticket.extra) == ("TKT-9", {})


def test_ticket_id_goes_before_id_which_is_kept() -> None:
    ticket = parse_ticket(document(id="other"))
    assert (ticket.ticket_id, ticket.extra) == ("TKT-001", {"id": "other"})


@pytest.mark.parametrize(
    "ticket_id", ["T", "0", "a" * MAX_ID_CHARS, "A.b_c:d@e+f=g-h", "1..2", "tenant:42", "me@example.com"]
)
def test_a_usable_id_is_kept_as_it_is(ticket_id: str) -> None:
    assert parse_ticket(document(ticket_id=ticket_id)).ticket_id == ticket_id


def test_a_number_is_an_id() -> None:
    assert parse_ticket(document(ticket_id=4711)).ticket_id == "4711"


@pytest.mark.parametrize(
    "ticket_id",
    [
        "",
        "a" * (MAX_ID_CHARS + 1),
        "a" * 300,
        "a/b",
        "..",
        "../etc",
        ".hidden",
        "-rf",
        "a b",
        " a",
        "a\n",
        "a\x00",
        "größe",
        "٣",
        "tick\u200bet",
        "a#b",
        "a\\b",
        -5,
        True,
        False,
        None,
        ["a"],
        {"a": 1},
    ],
)
def test_an_id_that_cannot_be_a_key_is_unusable(ticket_id: object) -> None:
    error = rejection_of(document(ticket_id=ticket_id))
    assert (error.code, error.field, error.ticket_id) == (RejectionCode.ID_UNUSABLE, "ticket_id", None)
    assert f"1 to {MAX_ID_CHARS} characters" in error.message


def test_an_unusable_id_stand_in_is_unusable_too() -> None:
    assert rejection_of(without("ticket_id", id="a/b")).code is RejectionCode.ID_UNUSABLE


def test_a_missing_id_is_a_fault_of_the_schema() -> None:
    error = rejection_of(without("ticket_id"))
    assert (error.code, error.field, error.ticket_id) == (RejectionCode.SCHEMA, "ticket_id", None)
    assert error.message == "ticket_id: required"


def test_a_fault_of_the_id_goes_before_all_others() -> None:
    error = rejection_of(document(subject=[], body=[], priority="soon", ticket_id="a/b"))
    assert (error.code, error.field) == (RejectionCode.ID_UNUSABLE, "ticket_id")


@pytest.mark.parametrize(
    ("body", "ticket_id"),
    [
        (document(body=[]), "TKT-001"),
        (document(priority="soon"), "TKT-001"),
        (document(metadata=[]), "TKT-001"),
        (document(metadata={"tags": "one"}), "TKT-001"),
        (document(subject=" ", body=None), "TKT-001"),
        (document(ticket_id=4711, body=[]), "4711"),
        (without("ticket_id", id="TKT-9", created_at=True), "TKT-9"),
        (without("ticket_id", id=9, created_at=True), "9"),
    ],
)
def test_the_id_is_readable_where_another_field_is_at_fault(body: bytes, ticket_id: str) -> None:
    assert rejection_of(body).ticket_id == ticket_id
