"""Customer and metadata: known forms are read, unknown ones kept raw. Neither rejects a ticket."""

from __future__ import annotations

import pytest
from raw_tickets import document, warned

from ticketmill.domain.intake import parse_ticket
from ticketmill.domain.ticket import TicketMetadata


@pytest.mark.parametrize(
    ("stated", "customer_id", "extra"),
    [
        (7, "7", {}),
        (77.0, "77", {}),
        ("", None, {}),
        (None, None, {}),
        ({"id": 7}, "7", {}),
        ({"id": 7, "email": "a@b.example"}, "7", {"customer_id": {"id": 7, "email": "a@b.example"}}),
        (
            {"id": None, "email": "a@b.example"},
            "a@b.example",
            {"customer_id": {"id": None, "email": "a@b.example"}},
        ),
    ],
)
def test_the_customer_is_a_text_a_number_or_what_an_object_names(
    stated: object, customer_id: str | None, extra: dict[str, object]
) -> None:
    ticket = parse_ticket(document(customer_id=stated))
    assert (ticket.customer_id, ticket.extra, ticket.warnings) == (customer_id, extra, ())


@pytest.mark.parametrize(("stated", "found"), [(True, "true"), (["a"], "an array"), ({"x": 1}, "an object")])
def test_a_customer_of_another_form_is_kept_raw(stated: object, found: str) -> None:
    ticket = parse_ticket(document(customer_id=stated))
    assert (ticket.customer_id, ticket.extra) == (None, {"customer_id": stated})
    assert warned(ticket) == [("unknown_form", "customer_id", found)]


@pytest.mark.parametrize(
    "stated",
    [None, "", " ", [], {}, {"tags": None, "source": None}, {"tags": "", "language": {}}],
)
def test_empty_metadata_of_any_type_is_none(stated: object) -> None:
    ticket = parse_ticket(document(metadata=stated))
    assert (ticket.metadata, ticket.extra, ticket.warnings) == (TicketMetadata(), {}, ())


@pytest.mark.parametrize(
    ("stated", "tags"),
    [
        (["vip", 2, 3.5, ""], ("vip", "2", "3.5", "")),
        (["vip", None], ("vip",)),
        ("vip,refund", ("vip", "refund")),
        ("vip; refund ;", ("vip", "refund")),
        ("vip refund", ("vip refund",)),
        ([{"name": "vip"}, {"label": "refund"}, "web"], ("vip", "refund", "web")),
    ],
)
def test_tags_are_an_array_or_one_text_with_commas(stated: object, tags: tuple[str, ...]) -> None:
    ticket = parse_ticket(document(metadata={"tags": stated, "shop": 7}))
    assert ticket.metadata == TicketMetadata(tags=tags, shop=7)  # type: ignore[call-arg]
    assert ticket.warnings == ()


def test_tags_that_say_more_than_a_name_are_kept_raw_as_well() -> None:
    tags = [{"id": 1, "name": "login"}]
    assert parse_ticket(document(metadata={"tags": tags})).extra == {"metadata.tags": tags}


def test_channel_and_language_may_be_objects() -> None:
    metadata = {"source": {"channel": "email"}, "language": {"locale": "de"}}
    ticket = parse_ticket(document(metadata=metadata))
    assert (ticket.metadata.source, ticket.metadata.language) == ("email", "de")
    assert (ticket.extra, ticket.warnings) == ({}, ())


@pytest.mark.parametrize(
    ("metadata", "field", "value", "found"),
    [
        ("email", "metadata", "email", "a text"),
        (["email"], "metadata", ["email"], "an array"),
        (7, "metadata", 7, "a number"),
        (False, "metadata", False, "true or false"),
        ({"tags": {"vip": 1}}, "metadata.tags", {"vip": 1}, "an object"),
        ({"tags": 7}, "metadata.tags", 7, "a number"),
        ({"tags": [["vip"]]}, "metadata.tags", [["vip"]], "an array with an array in it"),
        ({"tags": [True]}, "metadata.tags", [True], "an array with true or false in it"),
        ({"source": ["a"]}, "metadata.source", ["a"], "an array"),
        ({"language": True}, "metadata.language", True, "true"),
    ],
)
def test_metadata_of_another_form_is_kept_raw_and_warned_of(
    metadata: object, field: str, value: object, found: str
) -> None:
    ticket = parse_ticket(document(metadata=metadata))
    assert ticket.metadata == TicketMetadata()
    assert ticket.extra == {field: value}
    assert warned(ticket) == [("unknown_form", field, found)]
