"""Copies of labelled tickets with courtesies around them: kind words change neither stakes nor feeling."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from ticketmill.domain.labels import Sentiment
from ticketmill.learning.corpus import LabelledTicket

SHARE = 8
"""One ticket in so many gets a copy."""
LONGEST_BODY = 400
"""In characters: in a longer text a courtesy weighs little anyway."""

OPENINGS = (
    "Hi there, hope you are well.",
    "Dear team, I hope you are having a good week.",
    "Good day, and thank you for your time.",
    "Hello everyone, sorry to bother you.",
    "Hi, thanks for being there.",
    "Dear Sir or Madam, I hope this message reaches the right person.",
    "Good evening! I apologise if this is the wrong place to ask.",
    "Hello, hope everything is fine on your side.",
    "Hi team, happy Friday!",
    "Excuse me for disturbing you.",
    "Hey 👋",
    "Kind greetings to you all.",
)
CLOSINGS = (
    "Thanks in advance!",
    "Thank you very much for your help.",
    "Have a nice day.",
    "Best wishes and a good week to you.",
    "I appreciate your support.",
    "Thank you for your patience with me.",
    "Have a wonderful evening!",
    "Greatly appreciated, thanks a lot.",
    "Hope to hear from you soon.",
    "All the best, and thanks again.",
    "You would do me a great favour. Bless you!",
    "Enjoy the rest of your day 🙂",
)


def courteous_copies(tickets: Sequence[LabelledTicket]) -> list[LabelledTicket]:
    """Copies of some tickets, with one courtesy before or after the body. The same for the same tickets.

    Thankful tickets are left alone: a courtesy beside true praise teaches nothing.
    """
    return [
        _courteous(ticket, number)
        for ticket in tickets
        if len(ticket.body) <= LONGEST_BODY
        and ticket.sentiment is not Sentiment.POSITIVE
        and (number := zlib.crc32(ticket.id.encode())) % SHARE == 0
    ]


def _courteous(ticket: LabelledTicket, number: int) -> LabelledTicket:
    number //= SHARE
    courtesies = CLOSINGS if number % 2 else OPENINGS
    courtesy = courtesies[number // 2 % len(courtesies)]
    body = f"{ticket.body}\n{courtesy}" if number % 2 else f"{courtesy}\n{ticket.body}"
    fields = ticket.model_dump() | {"id": f"{ticket.id}-courteous", "body": body.strip()}
    return LabelledTicket.model_validate(fields)
