"""Conversations: the requester's public messages are the text, all others are kept apart."""

from __future__ import annotations

from typing import Any

import pytest

from ticketmill.domain.errors import TicketRejected
from ticketmill.importers.conversation import Message, conversation
from ticketmill.importers.recognise import read, recognise

CONVERSATIONS: dict[str, dict[str, Any]] = {
    "zendesk": {
        "id": 7,
        "raw_subject": "Late",
        "subject": "Late",
        "requester_id": 1,
        "description": "Where is it?",
        "comments": [
            {
                "author_id": 1,
                "plain_body": "Where is it?",
                "public": True,
                "created_at": "2024-03-05T09:00:00Z",
            },
            {
                "author_id": 2,
                "plain_body": "On its way.",
                "public": True,
                "created_at": "2024-03-05T10:00:00Z",
            },
            {
                "author_id": 2,
                "plain_body": "Lost, I fear.",
                "public": False,
                "created_at": "2024-03-05T10:01:00Z",
            },
            {
                "author_id": 1,
                "plain_body": "Still not here.",
                "public": True,
                "created_at": "2024-03-06T09:00:00Z",
            },
        ],
    },
    "freshdesk": {
        "id": 7,
        "subject": "Late",
        "description_text": "Where is it?",
        "conversations": [
            {
                "incoming": False,
                "private": False,
                "body_text": "On its way.",
                "created_at": "2024-03-05T10:00:00Z",
            },
            {
                "incoming": False,
                "private": True,
                "body_text": "Lost, I fear.",
                "created_at": "2024-03-05T10:01:00Z",
            },
            {
                "incoming": True,
                "private": False,
                "body_text": "Still not here.",
                "created_at": "2024-03-06T09:00:00Z",
            },
        ],
    },
    "jira": {
        "key": "HELP-7",
        "fields": {
            "summary": "Late",
            "description": {
                "type": "doc",
                "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Where is it?"}]}],
            },
            "reporter": {"accountId": "a"},
            "comment": {
                "comments": [
                    {
                        "author": {"accountId": "b"},
                        "body": "On its way.",
                        "created": "2024-03-05T10:00:00.000+0000",
                    },
                    {
                        "author": {"accountId": "b"},
                        "body": "Lost, I fear.",
                        "created": "2024-03-05T10:01:00.000+0000",
                        "jsdPublic": False,
                    },
                    {
                        "author": {"accountId": "a"},
                        "body": "Still not here.",
                        "created": "2024-03-06T09:00:00.000+0000",
                    },
                ]
            },
        },
    },
    "intercom": {
        "type": "notification_event",
        "topic": "conversation.user.replied",
        "data": {
            "item": {
                "type": "conversation",
                "id": "7",
                "title": "Late",
                "created_at": 1709629200,
                "source": {"body": "Where is it?", "author": {"type": "lead", "id": "1"}},
                "conversation_parts": {
                    "conversation_parts": [
                        {
                            "part_type": "comment",
                            "body": "On its way.",
                            "author": {"type": "admin"},
                            "created_at": 1709632800,
                        },
                        {
                            "part_type": "note",
                            "body": "Lost, I fear.",
                            "author": {"type": "admin"},
                            "created_at": 1709632860,
                        },
                        {
                            "part_type": "comment",
                            "body": "Still not here.",
                            "author": {"type": "user"},
                            "created_at": 1709715600,
                        },
                        {
                            "part_type": "assignment",
                            "body": None,
                            "author": {"type": "bot"},
                            "created_at": 1709715601,
                        },
                    ]
                },
            }
        },
    },
    "helpscout": {
        "number": 7,
        "subject": "Late",
        "mailboxId": 1,
        "_embedded": {
            "threads": [  # the newest first
                {"type": "customer", "body": "Still not here.", "createdAt": "2024-03-06T09:00:00Z"},
                {"type": "lineitem", "body": "assigned", "createdAt": "2024-03-05T10:02:00Z"},
                {"type": "note", "body": "Lost, I fear.", "createdAt": "2024-03-05T10:01:00Z"},
                {"type": "message", "body": "On its way.", "createdAt": "2024-03-05T10:00:00Z"},
                {"type": "customer", "body": "Where is it?", "createdAt": "2024-03-05T09:00:00Z"},
            ]
        },
    },
    "zammad": {
        "id": 7,
        "number": "7",
        "title": "Late",
        "priority": "2 normal",
        "articles": [
            {"sender": "Customer", "body": "Where is it?", "created_at": "2024-03-05T09:00:00Z"},
            {"sender": "Agent", "body": "On its way.", "created_at": "2024-03-05T10:00:00Z"},
            {
                "sender": "Agent",
                "internal": True,
                "body": "Lost, I fear.",
                "created_at": "2024-03-05T10:01:00Z",
            },
            {"sender": "Customer", "body": "Still not here.", "created_at": "2024-03-06T09:00:00Z"},
        ],
    },
    "gorgias": {
        "id": 7,
        "subject": "Late",
        "created_datetime": "2024-03-05T09:00:00+00:00",
        "messages": [
            {
                "from_agent": False,
                "body_text": "Where is it?",
                "created_datetime": "2024-03-05T09:00:00+00:00",
            },
            {"from_agent": True, "body_text": "On its way.", "created_datetime": "2024-03-05T10:00:00+00:00"},
            {
                "from_agent": True,
                "public": False,
                "body_text": "Lost, I fear.",
                "created_datetime": "2024-03-05T10:01:00+00:00",
            },
            {
                "from_agent": False,
                "body_text": "Still not here.",
                "created_datetime": "2024-03-06T09:00:00+00:00",
            },
        ],
    },
    "front": {
        "id": "cnv_7",
        "subject": "Late",
        "messages": [
            {"is_inbound": True, "text": "Where is it?", "created_at": 1709629200},
            {"is_inbound": False, "text": "On its way.", "created_at": 1709632800},
            {"is_inbound": False, "is_draft": True, "text": "Lost, I fear.", "created_at": 1709632860},
            {"is_inbound": True, "text": "Still not here.", "created_at": 1709715600},
        ],
    },
    "github": {
        "action": "created",
        "repository": {"full_name": "o/r"},
        "issue": {
            "number": 7,
            "title": "Late",
            "body": "Where is it?",
            "user": {"login": "a"},
            "labels": [{"name": "priority: high"}],
            "comments": [
                {"user": {"login": "b"}, "body": "On its way.", "created_at": "2024-03-05T10:00:00Z"},
                {"user": {"login": "c"}, "body": "Lost, I fear.", "created_at": "2024-03-05T10:01:00Z"},
            ],
        },
        "comment": {"user": {"login": "a"}, "body": "Still not here.", "created_at": "2024-03-06T09:00:00Z"},
    },
    "salesforce": {
        "attributes": {"type": "Case"},
        "CaseNumber": "7",
        "Subject": "Late",
        "Description": "Where is it?",
        "CaseComments": {
            "records": [
                {"CommentBody": "Lost, I fear.", "IsPublished": False, "CreatedDate": "2024-03-05T10:01:00Z"}
            ]
        },
        "EmailMessages": {
            "records": [
                {"Incoming": False, "TextBody": "On its way.", "MessageDate": "2024-03-05T10:00:00Z"},
                {"Incoming": True, "TextBody": "Still not here.", "MessageDate": "2024-03-06T09:00:00Z"},
            ]
        },
    },
    "servicenow": {
        "number": "INC7",
        "short_description": "Late",
        "description": "Where is it?",
        "caller_id": {"display_value": "Ada", "value": "6816f79cc0a8016401c5a33be04be441"},
        "comments": {
            "display_value": "2024-03-06 09:00:00 - Ada (Additional comments)\nStill not here.\n\n"
            "2024-03-05 10:00:00 - Tom (Additional comments)\nOn its way.\n\n"
        },
        "work_notes": {"display_value": "2024-03-05 10:01:00 - Tom (Work notes)\nLost, I fear.\n\n"},
    },
    "linear": {
        "action": "create",
        "type": "Issue",
        "data": {
            "identifier": "ENG-7",
            "title": "Late",
            "description": "Where is it?",
            "priority": 2,
            "creatorId": "a",
            "comments": {
                "nodes": [
                    {"userId": "b", "body": "On its way.", "createdAt": "2024-03-05T10:00:00Z"},
                    {"userId": "c", "body": "Lost, I fear.", "createdAt": "2024-03-05T10:01:00Z"},
                    {"userId": "a", "body": "Still not here.", "createdAt": "2024-03-06T09:00:00Z"},
                ]
            },
        },
    },
    "zoho": {
        "ticketNumber": "7",
        "subject": "Late",
        "description": "Where is it?",
        "threads": [
            {"direction": "out", "content": "On its way.", "createdTime": "2024-03-05T10:00:00Z"},
            {
                "direction": "out",
                "visibility": "private",
                "content": "Lost, I fear.",
                "createdTime": "2024-03-05T10:01:00Z",
            },
            {"direction": "in", "content": "Still not here.", "createdTime": "2024-03-06T09:00:00Z"},
        ],
    },
}
NO_PRIVATE_MESSAGES = {"github", "linear"}


def sole(document: object, source: str = "auto") -> dict[str, Any]:
    (found,) = read(document, source)
    assert not isinstance(found, TicketRejected), found.message
    return found


@pytest.mark.parametrize("source", CONVERSATIONS)
def test_the_requester_s_public_messages_are_the_text_in_the_order_of_their_times(source: str) -> None:
    payload = CONVERSATIONS[source]
    assert recognise(payload) == source
    ticket = sole(payload)
    assert ticket["subject"] == "Late"
    assert ticket["body"] == "Where is it?\n\nStill not here."


@pytest.mark.parametrize("source", CONVERSATIONS)
def test_what_others_wrote_is_kept_apart_with_role_and_time(source: str) -> None:
    on_its_way, lost = sole(CONVERSATIONS[source])["thread"]
    assert on_its_way == {"author": "agent", "at": "2024-03-05T10:00:00Z", "text": "On its way."}
    private = {} if source in NO_PRIVATE_MESSAGES else {"private": True}
    assert lost == {"author": "agent", "at": "2024-03-05T10:01:00Z", "text": "Lost, I fear.", **private}


def test_a_new_message_gives_the_same_ticket_other_content() -> None:
    before = CONVERSATIONS["zendesk"]
    after = {
        **before,
        "comments": [*before["comments"], {"author_id": 1, "plain_body": "Hello?", "public": True}],
    }
    assert sole(before)["ticket_id"] == sole(after)["ticket_id"] == "zendesk-7"
    assert sole(after)["body"].endswith("Still not here.\n\nHello?")


def test_a_message_of_an_agent_alone_is_no_ticket() -> None:
    """A webhook of an agent's answer must not replace the customer's ticket with nothing."""
    payload = {
        "ticket": {"number": "7", "title": "", "priority": {"name": "2 normal"}},
        "article": {"sender": "Agent", "body": "On its way."},
    }
    (found,) = read(payload)
    assert isinstance(found, TicketRejected)
    assert found.ticket_id == "zammad-7"
    assert "found only messages of others" in found.message


def test_a_ticket_that_an_agent_opened_has_the_text_that_opened_it() -> None:
    opened = conversation([Message("Ada called: no light.", "agent")], "Ada called: no light.")
    assert opened.body == "Ada called: no light."
    assert opened.thread == []


def test_messages_without_times_stay_in_the_order_given() -> None:
    said = [Message("One.", "customer", "2024-03-05T10:00:00Z"), Message("Two.", "customer")]
    assert conversation(said).body == "One.\n\nTwo."


def test_a_raw_ticket_of_ours_is_no_payload_whatever_other_names_it_has() -> None:
    for own in (
        {"ticket_id": "T", "body": "x", "key": "H-7", "summary": "y", "description_text": "z"},
        {"id": "T", "subject": "s", "body": "x", "CaseNumber": "7", "Subject": "y"},
    ):
        assert recognise(own) is None
        assert list(read(own)) == [own]


def test_a_priority_of_no_clear_meaning_goes_on_as_it_is_stated() -> None:
    fields = {"id": 7, "subject": "Late", "description_text": "Where is it?"}
    assert sole({**fields, "priority": 9})["priority"] == 9
    assert "priority" not in sole({**fields, "priority": "-None-"})
