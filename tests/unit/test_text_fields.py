"""Where the text of a raw ticket is found."""

from __future__ import annotations

import json
from typing import Any

import pytest
from raw_tickets import document, rejection_of, warned, without

from ticketmill.domain.errors import RejectionCode
from ticketmill.domain.intake import parse_ticket

CRASH = "The app crashes on start."
LONG = "The app crashes whenever I open the page of the orders."


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"description": CRASH}, "description"),
        ({"description_text": CRASH, "description": f"<p>{CRASH}</p>"}, "description_text"),
        ({"content": CRASH}, "content"),
        ({"message": CRASH}, "message"),
        ({"text": CRASH}, "text"),
        ({"Description": CRASH}, "Description"),
        ({"comment": {"id": 7, "body": CRASH}}, "comment.body"),
        ({"article": {"subject": "App", "body": CRASH}}, "article.body"),
        ({"messages": [{"id": 1, "body_text": CRASH}]}, "messages[].body_text"),
        ({"messages": [{"body": "How can I help?", "from_agent": True}, {"body": CRASH}]}, "messages[].body"),
        ({"comments": [{"body": CRASH, "public": True}, {"body": "x", "public": False}]}, "comments[].body"),
        (
            {"conversation_parts": {"conversation_parts": [{"body": CRASH, "author": {"type": "user"}}]}},
            "conversation_parts.conversation_parts[].body",
        ),
        ({"body": None, "description": CRASH}, "description"),
        ({"body": " ", "description": CRASH}, "description"),
        ({"comments": 3, "description_html": "", "html": CRASH}, "html"),
    ],
    ids=str,
)
def test_the_text_is_found_where_helpdesks_have_it(fields: dict[str, Any], path: str) -> None:
    ticket = parse_ticket(without("body", **fields))
    assert ticket.body == CRASH
    assert warned(ticket) == [("text_from_field", "body", path)]


def test_several_messages_of_the_requester_are_one_text_in_their_order() -> None:
    messages = [{"body": CRASH}, {"body": "Which app?", "author": {"type": "admin"}}, {"body": "Yours."}]
    ticket = parse_ticket(without("body", messages=messages))
    assert ticket.body == f"{CRASH}\n\nYours."
    assert ticket.extra == {"messages": messages}, "what is more than a text is kept"


def test_a_field_that_is_the_text_is_not_kept_twice() -> None:
    assert parse_ticket(without("body", description=CRASH)).extra == {}


@pytest.mark.parametrize(
    ("body", "text", "path"),
    [
        (["I cannot log in.", "Please help."], "I cannot log in.\n\nPlease help.", "body[]"),
        ({"text": CRASH, "html": f"<p>{CRASH}</p>"}, CRASH, "body.text"),
        ({"html": f"<p>{CRASH}</p>"}, f"<p>{CRASH}</p>", "body.html"),
        ({"plain": CRASH}, CRASH, "body.plain"),
        ([{"type": "text", "text": CRASH}], CRASH, "body[].text"),
    ],
)
def test_a_body_in_parts_is_put_together(body: object, text: str, path: str) -> None:
    ticket = parse_ticket(document(body=body))
    assert (ticket.body, ticket.extra) == (text, {"body": body})
    assert warned(ticket) == [("text_from_field", "body", path)]


@pytest.mark.parametrize("value", [True, False, [True], {"a": 1}])
@pytest.mark.parametrize("field", ["subject", "body"])
def test_a_text_of_unknown_form_beside_another_text_is_empty_and_kept_raw(field: str, value: object) -> None:
    ticket = parse_ticket(document(**{field: value}))
    assert getattr(ticket, field) == ""
    assert ticket.extra == {field: value}
    assert [(each.code, each.field) for each in ticket.warnings] == [("unknown_form", field)]


@pytest.mark.parametrize("value", [None, "", [], {}])
def test_an_empty_body_of_any_type_is_no_text_and_no_warning(value: object) -> None:
    ticket = parse_ticket(document(body=value))
    assert (ticket.body, ticket.warnings, ticket.extra) == ("", (), {})


@pytest.mark.parametrize("name", ["title", "summary", "short_description"])
def test_the_subject_may_have_another_name(name: str) -> None:
    ticket = parse_ticket(without("subject", **{name: "Cannot log in"}))
    assert ticket.subject == "Cannot log in"
    assert warned(ticket) == [("text_from_field", "subject", name)]
    assert parse_ticket(document(**{name: "Another"})).subject == "Cannot sign in", "subject goes before all"


@pytest.mark.parametrize(
    ("fields", "seen"),
    [
        ({"note": LONG}, "note"),
        ({"form": {"answers": [{"q": 1, "a": LONG}]}}, "form.answers[].a"),
        ({"properties": {"hs_text": LONG}, "detail": {"free": LONG}}, "properties.hs_text, detail.free"),
        ({"body": {"words": LONG}}, "body.words"),
        ({"備考": "アプリが起動しません。昨日から何度も試しています。"}, "備考"),
    ],
    ids=str,
)
def test_a_text_under_an_unknown_name_is_not_lost_in_silence(fields: dict[str, Any], seen: str) -> None:
    error = rejection_of(json.dumps({"ticket_id": "TKT-001", "subject": "Help", **fields}).encode())
    assert (error.code, error.field, error.ticket_id) == (RejectionCode.TEXT_NOT_FOUND, "body", "TKT-001")
    assert f"long texts in {seen}: " in error.message
    assert "crashes" not in error.message


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"},
        {"url": "https://shop.example/a page with many blanks in its name, all of them here"},
        {"metadata": {"note": LONG}},
        {"subject": LONG},
        {"raw_subject": LONG, "title": LONG, "thread": [{"by": "agent", "text": LONG}]},
        {"state": "open", "labels": ["bug", "export"]},
    ],
    ids=str,
)
def test_a_subject_alone_is_a_ticket_where_no_other_text_is(fields: dict[str, Any]) -> None:
    ticket = parse_ticket(without("body", **fields))
    assert ticket.subject == fields.get("subject", "Cannot sign in")
    assert (ticket.body, ticket.warnings) == ("", ())


def test_a_body_that_says_it_is_empty_is_believed() -> None:
    assert parse_ticket(document(body=None, bio=LONG)).subject == "Cannot sign in"


def test_our_own_fields_are_read_under_other_spellings() -> None:
    ticket = parse_ticket(
        b'{"Ticket_ID": "C-3", "Subject": "Refund", "BODY": "Twice.", "createdAt": 1, "Priority": "P1"}'
    )
    assert (ticket.ticket_id, ticket.subject, ticket.body) == ("C-3", "Refund", "Twice.")
    assert (ticket.created_at is not None, ticket.priority, ticket.extra) == (True, "critical", {})
    assert {each.code for each in ticket.warnings} == {"field_name"}
    assert [each.found for each in ticket.warnings] == [
        "Ticket_ID",
        "BODY",
        "Subject",
        "Priority",
        "createdAt",
    ]


def test_a_field_under_its_own_name_goes_before_another_spelling() -> None:
    ticket = parse_ticket(document(Subject="Another", warnings=["theirs"]))
    assert ticket.subject == "Cannot sign in"
    assert ticket.extra == {"Subject": "Another", "warnings": ["theirs"]}
    assert ticket.warnings == ()
