"""What surrounds a ticket's own words changes no label: what mail programs add, and courtesies."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from wrappings import PIECES_OF_TESTS

from ticketmill import Ticketmill, load
from ticketmill.domain.enrichment import EnrichedTicket
from ticketmill.domain.labels import Sentiment
from ticketmill.learning.corpus import LabelledTicket, read_corpus
from ticketmill.learning.wrapping import Wrapping, wrap

TASKS = ("intent", "urgency", "sentiment")
EVERY = 41
"""So many tickets of the corpus lie between two that are taken."""
LONGEST_BODY = 700
"""In characters. A courtesy or a footer could hardly outweigh a longer text."""

# none of these is among what training adds
COURTESIES = (
    ("Hello! I hope your week has started well. ", ""),
    ("Dear colleagues, many thanks for all you do. ", ""),
    ("Good morning from sunny Porto! ", ""),
    ("I hope I am not disturbing you. ", ""),
    ("Hi, first of all a happy new year. ", ""),
    ("Hello dear support, ", ""),
    ("Sorry for writing again. ", ""),
    ("If you have a minute: ", ""),
    ("Greetings, ", ""),
    ("I know you are busy, so I keep it short. ", ""),
    ("", " Many thanks!"),
    ("", " Thank you so much for looking into this."),
    ("", " I would be really grateful."),
    ("", " Wishing you a lovely weekend."),
    ("", " Thanks a million in advance :)"),
    ("", " Kindly let me know."),
    ("", " You are the best, thank you!"),
    ("", " Looking forward to your answer."),
    ("", " Have a great day everyone!"),
    ("", " With many thanks and best regards"),
)


@pytest.fixture(scope="module")
def mill(bundle_dir: Path) -> Ticketmill:
    return load(bundle=bundle_dir)


@pytest.fixture(scope="module")
def plain(mill: Ticketmill) -> list[tuple[LabelledTicket, EnrichedTicket]]:
    """25 short tickets that hold nothing but their writer's words, and what is said of them."""
    short = [ticket for ticket in read_corpus()[::EVERY] if 80 < len(ticket.body) < LONGEST_BODY]
    enriched = enrich(mill, [(ticket.subject, ticket.body) for ticket in short])
    whole = {"own", "greeting", "signature"}
    found = zip(short, enriched, strict=True)
    return [each for each in found if each[1].enrichment.text_characters.keys() <= whole][:25]


def enrich(mill: Ticketmill, texts: Sequence[tuple[str, str]]) -> list[EnrichedTicket]:
    return mill.enrich(
        {"ticket_id": str(number), "subject": subject, "body": body}
        for number, (subject, body) in enumerate(texts)
    )


def share_kept(
    before: Sequence[EnrichedTicket], after: Sequence[EnrichedTicket], tasks: Sequence[str]
) -> float:
    kept = [
        all(label(one, task) == label(other, task) for task in tasks)
        for one, other in zip(before, after, strict=True)
    ]
    return sum(kept) / len(kept)


def label(enriched: EnrichedTicket, task: str) -> str:
    return str(getattr(enriched.enrichment, task).label)


def test_a_wrapped_ticket_keeps_its_labels_or_is_reviewed(
    mill: Ticketmill, plain: list[tuple[LabelledTicket, EnrichedTicket]]
) -> None:
    wrapped = [
        (ticket.subject, wrap(ticket.body, wrapping, random.Random(ticket.id), PIECES_OF_TESTS))
        for ticket, _ in plain
        for wrapping in Wrapping
    ]
    before = [enriched for _, enriched in plain for _ in Wrapping]
    after = enrich(mill, wrapped)
    print(f"labels kept when wrapped: {share_kept(before, after, TASKS):.3f} of {len(after)}")
    assert len(after) == 200
    assert share_kept(before, after, TASKS) >= 0.95
    changed = [one for other, one in zip(before, after, strict=True) if share_kept([other], [one], TASKS) < 1]
    assert sum(not each.enrichment.needs_review for each in changed) <= 0.02 * len(after)


def test_courtesies_keep_urgency_and_sentiment(
    mill: Ticketmill, plain: list[tuple[LabelledTicket, EnrichedTicket]]
) -> None:
    # a courtesy beside praise may well say how the writer feels
    tickets = [each for each in plain if each[0].sentiment is not Sentiment.POSITIVE]
    before = [enriched for _, enriched in tickets for _ in COURTESIES]
    after = enrich(
        mill,
        [
            (ticket.subject, f"{opening}{ticket.body}{closing}")
            for ticket, _ in tickets
            for opening, closing in COURTESIES
        ],
    )
    urgency, sentiment = (share_kept(before, after, [task]) for task in ("urgency", "sentiment"))
    print(f"kept under courtesies: urgency {urgency:.3f}, sentiment {sentiment:.3f} of {len(after)}")
    assert urgency >= 0.97
    assert sentiment >= 0.95
