"""What no person wrote, or what says nothing, is told as such in the record and on the row."""

from __future__ import annotations

from pathlib import Path

import pytest

from ticketmill import Ticketmill, load
from ticketmill.domain.enrichment import Enrichment
from ticketmill.domain.labels import Source

OUT_OF_OFFICE = (
    "I am out of the office until Monday 3 March with no access to e-mail. "
    "If your server is down or payments fail, this is urgent: call the hotline."
)


@pytest.fixture(scope="module")
def mill(bundle_dir: Path) -> Ticketmill:
    return load(bundle=bundle_dir)


def enriched(mill: Ticketmill, **fields: object) -> Enrichment:
    (ticket,) = mill.enrich([{"ticket_id": "T1", **fields}])
    return ticket.enrichment


def test_machine_mail_is_a_calm_inquiry_by_rule_whatever_its_words(mill: Ticketmill) -> None:
    found = enriched(mill, subject="Automatic reply: Your invoice", body=OUT_OF_OFFICE)
    assert (found.automatic, found.automatic_kind) == (True, "out_of_office")
    assert found.intent and found.urgency and found.sentiment
    labels = (found.intent.label, found.urgency.label, found.sentiment.label)
    assert labels == ("general_inquiry", "low", "neutral")
    assert {found.intent.source, found.urgency.source, found.sentiment.source} == {Source.RULE}
    assert not found.needs_review


def test_a_person_who_is_away_and_asks_for_something_is_no_machine(mill: Ticketmill) -> None:
    found = enriched(mill, body="I am out of office until Monday, but please refund order 4711 today.")
    assert (found.automatic, found.automatic_kind) == (False, None)
    assert found.intent and found.intent.source is Source.HEAD


@pytest.mark.parametrize("body", ["see attachment", "%DESCRIPTION%", "N/A", "[image: scan.png]", "asdfgh"])
def test_a_ticket_with_nothing_to_read_is_for_a_person(mill: Ticketmill, body: str) -> None:
    found = enriched(mill, body=body)
    assert found.needs_review
    assert "no_text" in found.review_reasons


@pytest.mark.parametrize("body", ["refund", "login", "Hilfe"])
def test_a_single_word_can_say_enough(mill: Ticketmill, body: str) -> None:
    assert "no_text" not in enriched(mill, body=body).review_reasons


def test_the_record_says_where_the_own_words_are(mill: Ticketmill) -> None:
    body = "Hi,\n\nthe export is empty since Monday.\n\n> On Friday it worked.\n> Regards, Support"
    found = enriched(mill, subject="Export", body=body)
    text = f"Export\n{body}"
    assert [text[start:end] for start, end in found.own_text] == [
        "Export",
        "the export is empty since Monday.",
    ]
    assert {"own", "greeting", "quote"} == found.text_characters.keys()
