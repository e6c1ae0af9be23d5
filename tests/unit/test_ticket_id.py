"""What can name a ticket."""

from __future__ import annotations

from itertools import product

import pytest
from raw_tickets import document, rejection_of, warned, without

from ticketmill.domain.errors import RejectionCode
from ticketmill.domain.intake import parse_ticket
from ticketmill.domain.ticket_id import MAX_ID_CHARS, is_usable_id, known_as, mapped_id, original_id


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
    ("ticket_id", "mapped"),
    [
        ("#1042", "esc:=231042"),
        ("2024/4711", "esc:2024=2F4711"),
        ("TKT 12", "esc:TKT=2012"),
        ("Störung-12", "esc:St=C3=B6rung-12"),
        ("<a=b@mail.example>", "esc:=3Ca=3Db@mail.example=3E"),
        ("[Ticket#7]", "esc:=5BTicket=237=5D"),
        ("{3f2504e0}", "esc:=7B3f2504e0=7D"),
        ("チケット", "esc:=E3=83=81=E3=82=B1=E3=83=83=E3=83=88"),
        ("-5", "esc:-5"),
        ("..", "esc:.."),
        ("a\x00", "esc:a=00"),
        ("esc:7", "esc:esc:7"),
        ("esc:=23", "esc:esc:=3D23"),
    ],
)
def test_another_id_is_mapped_to_a_usable_one_and_back(ticket_id: str, mapped: str) -> None:
    ticket = parse_ticket(document(ticket_id=ticket_id))
    assert ticket.ticket_id == mapped
    assert warned(ticket) == [("id_mapped", "ticket_id", ticket_id)]
    assert is_usable_id(mapped)
    assert original_id(mapped) == ticket_id


def test_no_two_ids_are_mapped_to_one() -> None:
    pieces = ["#", "=", "=23", "esc:", "a", "ä", "a\u0308", " ", "/", "."]
    ids = ["".join(parts) for size in (1, 2, 3) for parts in product(pieces, repeat=size)]
    mapped = {mapped_id(each) for each in set(ids)}
    assert len(mapped) == len(set(ids))
    assert {original_id(each) for each in mapped} == set(ids)


@pytest.mark.parametrize(
    ("ticket_id", "read", "code"),
    [
        (" TKT-4711 ", "TKT-4711", "id_trimmed"),
        ("TKT-4711\r\n", "TKT-4711", "id_trimmed"),
        (1042.0, "1042", "id_number"),
        (1e5, "100000", "id_number"),
    ],
)
def test_blanks_around_an_id_and_the_zero_of_a_decimal_number_are_left_out(
    ticket_id: object, read: str, code: str
) -> None:
    ticket = parse_ticket(document(ticket_id=ticket_id))
    assert ticket.ticket_id == read
    assert [each.code for each in ticket.warnings] == [code]


@pytest.mark.parametrize("number", [12345678901234567890123, 9223372036854775807])
def test_a_large_whole_number_is_an_id_to_its_last_digit(number: int) -> None:
    assert parse_ticket(document(ticket_id=number)).ticket_id == str(number)


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_an_empty_ticket_id_gives_way_to_id(empty: object) -> None:
    ticket = parse_ticket(document(ticket_id=empty, id=77))
    assert (ticket.ticket_id, ticket.warnings, ticket.extra) == ("77", (), {})
    assert rejection_of(document(ticket_id=empty)).message == "ticket_id: required"


@pytest.mark.parametrize("name", ["ticketId", "TicketID", "Ticket_ID", "ticket-id", "Id", "ID"])
def test_another_spelling_of_the_name_is_read_with_a_warning(name: str) -> None:
    ticket = parse_ticket(without("ticket_id", **{name: "C-4"}))
    assert ticket.ticket_id == "C-4"
    assert [(each.code, each.found) for each in ticket.warnings] == [("field_name", name)]


@pytest.mark.parametrize("name", ["key", "number", "case_id"])
def test_a_name_that_may_mean_something_else_is_no_id(name: str) -> None:
    assert rejection_of(without("ticket_id", **{name: "C-4"})).message == "ticket_id: required"


@pytest.mark.parametrize(
    ("ticket_id", "found"),
    [
        ("a" * (MAX_ID_CHARS + 1), "one of 129 characters"),
        ("ä" * MAX_ID_CHARS, "one of 128 characters"),
        (True, "true or false"),
        (["a"], "an array"),
        ({"a": 1}, "an object"),
        (1e23, "a number too large to be exact"),
    ],
)
def test_what_no_usable_id_can_be_made_of_is_unusable(ticket_id: object, found: str) -> None:
    error = rejection_of(document(ticket_id=ticket_id))
    assert (error.code, error.field, error.ticket_id) == (RejectionCode.ID_UNUSABLE, "ticket_id", None)
    assert f"1 to {MAX_ID_CHARS} characters" in error.message
    assert error.message.endswith(f"found {found}")


def test_a_missing_id_is_a_fault_of_the_schema() -> None:
    error = rejection_of(without("ticket_id"))
    assert (error.code, error.field, error.ticket_id) == (RejectionCode.SCHEMA, "ticket_id", None)
    assert error.message == "ticket_id: required"


def test_a_fault_of_the_id_goes_before_all_others() -> None:
    error = rejection_of(document(subject=[], body=[], priority="soon", ticket_id=[]))
    assert (error.code, error.field) == (RejectionCode.ID_UNUSABLE, "ticket_id")


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("TKT-1", ("TKT-1",)),
        ("#1042", ("esc:=231042",)),
        ("esc:=231042", ("esc:=231042", "esc:esc:=3D231042")),
        (" TKT-1 ", ("TKT-1",)),
        ("a" * 200, ()),
        (" ", ()),
    ],
)
def test_a_person_may_call_a_ticket_by_either_id(typed: str, names: tuple[str, ...]) -> None:
    assert known_as(typed) == names


@pytest.mark.parametrize(
    ("body", "ticket_id"),
    [
        (document(subject=" ", body=None), "TKT-001"),
        (document(subject="", body=[]), "TKT-001"),
        (document(ticket_id=4711, subject="", body=""), "4711"),
        (document(ticket_id="#1", subject="", body=""), "esc:=231"),
        (without("ticket_id", "body", id=9, subject=""), "9"),
    ],
)
def test_the_id_is_readable_where_another_field_is_at_fault(body: bytes, ticket_id: str) -> None:
    assert rejection_of(body).ticket_id == ticket_id
