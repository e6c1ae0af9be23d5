"""A ticket wrapped in what mail adds to it still shows its writer's own words, and those alone."""

from __future__ import annotations

import random

import pytest
from mail_samples import words
from wrappings import PIECES_OF_TESTS

from ticketmill.domain.spans import TextKind
from ticketmill.learning.corpus import LabelledTicket, read_corpus
from ticketmill.learning.wrapping import DEFAULT_PIECES, Pieces, Wrapping, wrap
from ticketmill.text.letter import counting_words, letter_spans

EVERY = 67
"""So many tickets of the corpus lie between two that are taken."""


def own_words(text: str) -> str:
    return words(counting_words(text, letter_spans(text)))


def holds_no_other_mail(ticket: LabelledTicket) -> bool:
    return not {TextKind.QUOTE, TextKind.FORWARDED} & {span.kind for span in letter_spans(ticket.body)}


TICKETS = [ticket for ticket in read_corpus()[::EVERY] if holds_no_other_mail(ticket)][:25]


def test_there_are_25_tickets() -> None:
    assert len(TICKETS) == 25


@pytest.mark.parametrize("pieces", [PIECES_OF_TESTS, DEFAULT_PIECES], ids=["the tests' own", "training's"])
@pytest.mark.parametrize("wrapping", [each for each in Wrapping if each is not Wrapping.FORWARDED])
@pytest.mark.parametrize("ticket", TICKETS, ids=lambda ticket: ticket.id)
def test_the_own_words_are_those_of_the_plain_ticket(
    ticket: LabelledTicket, wrapping: Wrapping, pieces: Pieces
) -> None:
    wrapped = wrap(ticket.body, wrapping, random.Random(ticket.id), pieces)
    assert wrapped != ticket.body
    assert own_words(wrapped) == own_words(ticket.body)


@pytest.mark.parametrize("pieces", [PIECES_OF_TESTS, DEFAULT_PIECES], ids=["the tests' own", "training's"])
@pytest.mark.parametrize("ticket", TICKETS, ids=lambda ticket: ticket.id)
def test_a_ticket_that_is_only_passed_on_counts(ticket: LabelledTicket, pieces: Pieces) -> None:
    wrapped = wrap(ticket.body, Wrapping.FORWARDED, random.Random(ticket.id), pieces)
    found = own_words(wrapped)
    assert found.endswith(words(ticket.body))
    assert len(found) - len(words(ticket.body)) < 60


def test_the_same_seed_draws_the_same_form() -> None:
    first, second = (wrap("It is broken.", Wrapping.SIGNATURE, random.Random(7)) for _ in range(2))
    assert first == second


def test_braces_in_a_ticket_stay() -> None:
    text = 'The body {"id": 4} is refused, {name} too.'
    for wrapping in Wrapping:
        for seed in range(20):
            assert text in wrap(text, wrapping, random.Random(seed)).replace("\n> ", "\n")
