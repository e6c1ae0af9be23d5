"""Payloads as helpdesks send them: every file of tests/fixtures/vendor is read right, or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ticketmill.domain.errors import RejectionCode
from ticketmill.domain.intake import parse_ticket
from ticketmill.domain.json_document import decode_json
from ticketmill.importers.files import Document
from ticketmill.importers.imports import FileImporter, Refused
from ticketmill.importers.recognise import recognise

FOLDER = Path(__file__).parents[1] / "fixtures" / "vendor"
MARCH_5 = "2024-03-05T09:12:44Z"
OWN = "own"
"""A raw ticket of ours: it stays as it is, byte for byte."""

PRINTER = {"subject": "Printer", "body": "The printer on floor 3 prints blank pages."}
TERMINALS = {
    "ticket_id": "zendesk-35436",
    "subject": "Card terminals down",
    "body": "No shop can take cards since noon.",
    "priority": "critical",
    "created_at": MARCH_5,
}
LOGIN = {
    "ticket_id": "jira-HELP-20",
    "subject": "Cannot log in",
    "body": "Since this morning nobody in my team can log in.",
    "priority": "critical",
    "created_at": "2024-03-05T08:12:44.123000Z",
}
ROWS = "App crashes when exporting more than 1,000 rows"

# The source that is recognised, and what each ticket must say. A field with None must be left out.
EXPECTED: dict[str, tuple[str | None, list[dict[str, Any]] | str]] = {
    "array_of_tickets": (
        None,
        [{"ticket_id": "A-1"}, {"ticket_id": "A-2", "body": "The app crashes on start."}],
    ),
    "camel_ticketId": (None, OWN),
    "capitalised_fields": (None, OWN),
    "csv_tags_string": (None, OWN),
    "csv_to_json_empty_strings": (None, OWN),
    "freshdesk_body_named_by_hand": (None, OWN),
    "freshdesk_low": ("freshdesk", [{"ticket_id": "freshdesk-21", "priority": "low", "created_at": MARCH_5}]),
    "freshdesk_ticket": (
        "freshdesk",
        [
            {
                "ticket_id": "freshdesk-20",
                "subject": "Help",
                "body": "No shop can take card payments since noon. Customers are leaving.",
                "priority": "critical",
                "created_at": MARCH_5,
                "customer_id": "1",
                "metadata": {"source": "email", "tags": ["pos"]},
            }
        ],
    ),
    "front_message": (
        "front",
        [
            {
                "ticket_id": "front-msg_1q15qmtq",
                "subject": "Close account",
                "body": "Please close my account.",
                "created_at": "2024-03-05T09:12:44.123000Z",
                "metadata": {"source": "email"},
            }
        ],
    ),
    "github_issue": (
        "github",
        [
            {
                "ticket_id": "github-o-r-1347",
                "subject": ROWS,
                "body": "Steps as in the title.",
                "customer_id": "octo",
                "priority": None,
                "created_at": MARCH_5,
                "metadata": {"source": "github", "tags": ["bug"]},
            }
        ],
    ),
    "github_issue_null_body": ("github", [{"ticket_id": "github-1348", "subject": ROWS, "body": None}]),
    "gorgias_ticket": (
        "gorgias",
        [
            {
                "ticket_id": "gorgias-98765",
                "body": "My parcel should have come on Monday and tracking has stood still for four days.",
                "priority": "medium",
                "customer_id": "8",
                "created_at": "2024-03-05T09:12:44.123456Z",
                "metadata": {"source": "email", "language": "en", "tags": ["wismo"]},
            }
        ],
    ),
    "helpscout_conversation": (
        "helpscout",
        [
            {
                "ticket_id": "helpscout-12",
                "subject": "Close account",
                "body": "Please close my account, I have moved to another provider.",
                "created_at": MARCH_5,
                "metadata": {"source": "email"},
            }
        ],
    ),
    "hubspot_ticket": (
        "hubspot",
        [
            {
                "ticket_id": "hubspot-5555",
                "subject": "Blank page",
                "body": "The app shows a blank page after the update.",
                "priority": "high",
                "created_at": "2024-03-05T09:12:44.123000Z",
            }
        ],
    ),
    "intercom_conversation": (
        "intercom",
        [
            {
                "ticket_id": "intercom-147",
                "subject": None,
                "body": "<p>Hi, I was charged twice for March, please refund one.</p>",
                "priority": None,
                "created_at": MARCH_5,
                "customer_id": "u",
            }
        ],
    ),
    "intercom_flattened": (
        "intercom",
        [{"ticket_id": "intercom-147", "priority": None, "created_at": MARCH_5}],
    ),
    "jira_flat": ("jira", [LOGIN]),
    "jira_flat_subject_body": (None, OWN),
    "jira_issue_created_webhook": ("jira", [LOGIN | {"metadata": {"source": "jira", "tags": ["login"]}}]),
    "jira_priority_object": (None, OWN),
    "json_lines_named_json": (None, [{"ticket_id": "L-1"}, {"ticket_id": "L-2"}]),
    "linear_no_priority": (None, OWN),
    "osticket_create": (
        "osticket",
        [
            {
                "ticket_id": "osticket-d3b88830f3dc",
                "subject": "Testing API",
                "body": "MESSAGE <b>HERE</b>",
                "priority": "medium",
                "customer_id": "api@x.example",
                "metadata": {"source": "api"},
            }
        ],
    ),
    "osticket_normal_priority_id2": (None, OWN),
    "pandas_export": (None, OWN),
    "salesforce_case": (
        "salesforce",
        [
            {
                "ticket_id": "salesforce-00001026",
                "subject": "Blank page",
                "body": "The app shows a blank page after the update.",
                "priority": "high",
                "created_at": MARCH_5,
                "metadata": {"source": "email"},
            }
        ],
    ),
    "servicenow_incident": (None, OWN),
    "servicenow_raw": (
        "servicenow",
        [
            {
                "ticket_id": "servicenow-INC0010001",
                "subject": "Mail is down",
                "body": "Nobody in the Berlin office can send or receive mail.",
                "priority": "critical",
                "created_at": "05/03/2024 09:12:44",  # of March or of May: the pipeline warns of it
            }
        ],
    ),
    "tickets_object_export": (
        "zendesk",
        [
            {"ticket_id": "zendesk-1", "subject": "Refund", "body": "I was charged twice."},
            {"ticket_id": "zendesk-2", "subject": "Crash", "body": "The app crashes."},
        ],
    ),
    "trailing_comma": (None, RejectionCode.NOT_JSON),
    "zammad_flat": ("zammad", [PRINTER | {"ticket_id": "zammad-28312", "priority": "medium"}]),
    "zammad_trigger_webhook": ("zammad", [PRINTER | {"ticket_id": "zammad-10081", "priority": "high"}]),
    "zendesk_event_webhook": ("zendesk", [TERMINALS]),
    "zendesk_ticket_export": (
        "zendesk",
        [
            {
                "ticket_id": "zendesk-35436",
                "subject": "Question",
                "priority": "critical",
                "created_at": MARCH_5,
                "customer_id": "20978392",
                "metadata": {"source": "email", "tags": ["pos", "payments"]},
            }
        ],
    ),
    "zendesk_webhook_wrapped": (
        "zendesk",
        [TERMINALS | {"metadata": {"source": "zendesk", "tags": ["pos"]}}],
    ),
    "zoho_none_priority": (None, OWN),
}

# Our names by hand, but the priority as the source counts.
BY_HAND = [
    ("freshdesk", "freshdesk_body_named_by_hand", "freshdesk-22", "critical"),
    ("osticket", "osticket_normal_priority_id2", "osticket-OST-5", "low"),
    ("linear", "linear_no_priority", "linear-ENG-7", None),
    ("zoho", "zoho_none_priority", "zoho-Z-7", None),
    ("jira", "jira_priority_object", "jira-HELP-21", "high"),
    ("servicenow", "servicenow_incident", "servicenow-INC0010001", "critical"),
]


def imported(name: str, source: str | None = "auto") -> list[Document | Refused]:
    return list(FileImporter(source).read(FOLDER / f"{name}.json"))


def test_every_payload_has_an_expected_result() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_payload_is_read_right_or_refused_with_the_reason(name: str) -> None:
    _, expected = EXPECTED[name]
    found = imported(name)
    if isinstance(expected, RejectionCode):
        assert [isinstance(each, Refused) and each.reason.code for each in found] == [expected]
        return
    assert not [each for each in found if isinstance(each, Refused)]
    if expected == OWN:
        assert [each.content for each in found if isinstance(each, Document)] == [
            (FOLDER / f"{name}.json").read_bytes()
        ]
        return
    tickets: list[Any] = [decode_json(each.content) for each in found]
    assert len(tickets) == len(expected)
    for ticket, fields in zip(tickets, expected, strict=True):
        assert {field: ticket.get(field) for field in fields} == fields


@pytest.mark.parametrize("name", [name for name, (source, _) in EXPECTED.items() if source])
def test_a_payload_is_recognised_and_accepted_by_the_pipeline(name: str) -> None:
    source, _ = EXPECTED[name]
    assert recognise(decode_json((FOLDER / f"{name}.json").read_bytes())) == source
    for each in imported(name, source):
        assert parse_ticket(each.content).ticket_id.startswith(f"{source}-")


@pytest.mark.parametrize("name", [name for name, (_, expected) in EXPECTED.items() if expected == OWN])
def test_a_ticket_that_stays_as_it_is_has_its_text_for_the_pipeline(name: str) -> None:
    (found,) = imported(name)
    assert isinstance(found, Document)
    ticket = parse_ticket(found.content)
    assert ticket.subject
    assert len(ticket.body) > 30


@pytest.mark.parametrize("name", EXPECTED)
def test_without_a_source_a_payload_is_read_all_the_same(name: str) -> None:
    """Only what is not JSON is left for the pipeline to refuse."""
    found = imported(name, None)
    assert not [each for each in found if isinstance(each, Refused)]
    if name != "trailing_comma":
        assert found == imported(name)


@pytest.mark.parametrize(("source", "name", "ticket_id", "priority"), BY_HAND)
def test_a_ticket_named_by_hand_has_its_source_scale_of_priorities(
    source: str, name: str, ticket_id: str, priority: str | None
) -> None:
    ticket: Any = decode_json(imported(name, source)[0].content)
    assert (ticket["ticket_id"], ticket.get("priority")) == (ticket_id, priority)
