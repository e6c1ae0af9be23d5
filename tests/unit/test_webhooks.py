"""The forms in which helpdesks send events, beside those of tests/fixtures/vendor."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
from mutations import mutated
from test_conversations import CONVERSATIONS

from ticketmill.domain.errors import TicketRejected
from ticketmill.domain.intake import parse_ticket
from ticketmill.importers.raw_ticket import canonical_json
from ticketmill.importers.recognise import read, recognise

FORMS: list[tuple[str, Any, dict[str, Any]]] = [
    (
        "freshdesk",
        {
            "freshdesk_webhook": {
                "ticket_id": 7,
                "ticket_subject": "Light",
                "ticket_description": "<p>No light.</p>",
                "ticket_priority": "Urgent",
                "ticket_requester_email": "a@x.example",
                "ticket_source": "Email",
                "ticket_tags": "hall, lamp",
            }
        },
        {
            "ticket_id": "freshdesk-7",
            "body": "<p>No light.</p>",
            "priority": "critical",
            "customer_id": "a@x.example",
            "metadata": {"source": "email", "tags": ["hall", "lamp"]},
        },
    ),
    (
        "zendesk",
        {
            "ticket": {
                "id": "7",
                "subject": "Light",
                "description": "No light.",
                "priority": "-",
                "via": {"channel": "web"},
            }
        },
        {"ticket_id": "zendesk-7", "body": "No light.", "metadata": {"source": "web"}},
    ),
    (
        "zoho",
        [
            {
                "eventType": "Ticket_Add",
                "payload": {
                    "ticketNumber": "7",
                    "subject": "Light",
                    "description": "No light.",
                    "priority": "High",
                    "createdTime": "2024-03-05T09:12:44.000Z",
                    "channel": "Email",
                },
            }
        ],
        {
            "ticket_id": "zoho-7",
            "body": "No light.",
            "priority": "high",
            "created_at": "2024-03-05T09:12:44Z",
        },
    ),
    (
        "intercom",
        {
            "type": "notification_event",
            "data": {
                "item": {
                    "type": "ticket",
                    "id": "7",
                    "ticket_id": "12",
                    "ticket_attributes": {"_default_title_": "Light", "_default_description_": "No light."},
                    "contacts": {"contacts": [{"id": "c"}]},
                }
            },
        },
        {"ticket_id": "intercom-7", "subject": "Light", "body": "No light.", "customer_id": "c"},
    ),
    (
        "front",
        {
            "type": "inbound",
            "conversation": {"id": "cnv_7", "subject": "Light", "tags": [{"name": "lamp"}]},
            "target": {
                "_meta": {"type": "message"},
                "data": {
                    "is_inbound": True,
                    "type": "email",
                    "text": "No light.",
                    "created_at": 1709629964,
                    "recipients": [{"role": "from", "handle": "a@x.example"}],
                },
            },
        },
        {
            "ticket_id": "front-cnv_7",
            "body": "No light.",
            "customer_id": "a@x.example",
            "metadata": {"source": "email", "tags": ["lamp"]},
        },
    ),
    (
        "jira",
        {
            "issueId": "10019",
            "issueKey": "HELP-7",
            "requestFieldValues": [
                {"fieldId": "summary", "value": "Light"},
                {"fieldId": "description", "value": "No light."},
            ],
            "createdDate": {"iso8601": "2024-03-05T10:12:44+0100"},
            "reporter": {"accountId": "a"},
        },
        {
            "ticket_id": "jira-HELP-7",
            "subject": "Light",
            "body": "No light.",
            "created_at": "2024-03-05T09:12:44Z",
        },
    ),
    (
        "github",
        {
            "action": "opened",
            "issue": {
                "number": 7,
                "title": "Light",
                "body": "No light.",
                "labels": [{"name": "P1"}],
                "user": {"login": "a"},
            },
            "repository": {"full_name": "o/r"},
        },
        {"ticket_id": "github-o-r-7", "body": "No light.", "priority": "critical", "customer_id": "a"},
    ),
    (
        "github",
        [
            {
                "number": 7,
                "title": "Light",
                "body": "No light.",
                "labels": [],
                "author": {"login": "a"},
                "url": "https://github.example/o/r/issues/7",
            }
        ],
        {"ticket_id": "github-o-r-7", "customer_id": "a"},
    ),
    (
        "hubspot",
        {
            "objectId": 7,
            "properties": {
                "subject": {"value": "Light"},
                "content": {"value": "No light."},
                "hs_pipeline": {"value": "0"},
                "hs_ticket_priority": {"value": "URGENT"},
            },
        },
        {"ticket_id": "hubspot-7", "subject": "Light", "body": "No light.", "priority": "critical"},
    ),
    (
        "servicenow",
        {
            "result": {
                "number": {"display_value": "INC7", "value": "INC7"},
                "short_description": {"display_value": "Light", "value": "Light"},
                "description": {"display_value": "No light.", "value": "No light."},
                "priority": {"display_value": "3 - Moderate", "value": "3"},
                "opened_at": {"display_value": "05/03/2024 10:12:44", "value": "2024-03-05 09:12:44"},
                "caller_id": {"display_value": "Ada", "value": "681"},
            }
        },
        {
            "ticket_id": "servicenow-INC7",
            "body": "No light.",
            "priority": "medium",
            "created_at": "2024-03-05T09:12:44Z",
            "customer_id": "681",
        },
    ),
    (
        "osticket",
        {
            "alert": True,
            "subject": "Light",
            "message": "data:text/plain;charset=utf-8;base64,Tm8gbGlnaHQu",
            "priority": "4",
            "email": "a@x.example",
        },
        {"body": "No light.", "priority": "critical", "customer_id": "a@x.example"},
    ),
    (
        "linear",
        {
            "action": "create",
            "type": "Issue",
            "data": {
                "id": "u",
                "number": 7,
                "team": {"key": "ENG"},
                "teamId": "t",
                "title": "Light",
                "priority": 1,
            },
        },
        {"ticket_id": "linear-ENG-7", "subject": "Light", "priority": "critical"},
    ),
]


@pytest.mark.parametrize(("source", "payload", "expected"), FORMS)
def test_an_event_is_recognised_and_read(source: str, payload: Any, expected: dict[str, Any]) -> None:
    assert recognise(payload) == source
    (ticket,) = read(payload)
    assert not isinstance(ticket, TicketRejected)
    assert {field: ticket.get(field) for field in expected} == expected


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ([{"objectId": 7, "subscriptionType": "ticket.creation"}], "found an event that names it alone"),
        (
            {
                "action": "opened",
                "issue": {"number": 7, "title": "x", "body": "y", "pull_request": {"url": "z"}},
            },
            "expected an issue, found a pull request",
        ),
        (
            {"webhookEvent": "jira:issue_deleted", "issue": {"key": "H-7", "fields": {}}},
            "found none in the fields",
        ),
    ],
)
def test_an_event_without_a_ticket_is_refused_with_the_reason(payload: Any, message: str) -> None:
    (refused,) = read(payload)
    assert isinstance(refused, TicketRejected)
    assert message in refused.message


def test_a_document_of_jira_becomes_text_with_line_breaks() -> None:
    document = {
        "type": "doc",
        "content": [
            {
                "type": "paragraph",
                "content": [{"type": "text", "text": "No "}, {"type": "text", "text": "light"}],
            },
            {
                "type": "bulletList",
                "content": [
                    {
                        "type": "listItem",
                        "content": [{"type": "paragraph", "content": [{"type": "text", "text": "hall"}]}],
                    },
                    {
                        "type": "listItem",
                        "content": [{"type": "paragraph", "content": [{"type": "text", "text": "stairs"}]}],
                    },
                ],
            },
            {
                "type": "paragraph",
                "content": [
                    {"type": "mention", "attrs": {"text": "@Tom"}},
                    {"type": "hardBreak"},
                    {"type": "inlineCard", "attrs": {"url": "https://x.example"}},
                ],
            },
            {
                "type": "table",
                "content": [
                    {
                        "type": "tableRow",
                        "content": [
                            {
                                "type": "tableCell",
                                "content": [
                                    {"type": "paragraph", "content": [{"type": "text", "text": cell}]}
                                ],
                            }
                            for cell in ("a", "b")
                        ],
                    }
                ],
            },
        ],
    }
    (ticket,) = read({"key": "H-7", "fields": {"summary": "x", "description": document}})
    assert not isinstance(ticket, TicketRejected)
    assert ticket["body"].splitlines() == [
        "No light",
        "- hall",
        "- stairs",
        "@Tom",
        "https://x.example",
        "a \tb",
    ]


EVENTS = [*((source, payload) for source, payload, _ in FORMS), *CONVERSATIONS.items()]


@pytest.mark.parametrize(("source", "payload"), EVENTS)
def test_mutated_events_are_read_or_refused(source: str, payload: Any) -> None:
    for seed in range(40):
        event = mutated(copy.deepcopy(payload), random.Random(seed))
        recognise(event)
        for named in ("auto", source):
            for ticket in read(event, named):
                if isinstance(ticket, TicketRejected):
                    assert ticket.message
                elif "imported_from" in ticket:
                    assert parse_ticket(canonical_json(ticket)).ticket_id
