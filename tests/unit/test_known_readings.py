"""Texts that jobs need not search again for what is not the writer's own."""

from __future__ import annotations

import pytest

from ticketmill.aws.learning_memory import MemoryLearningObjects
from ticketmill.domain.keys import READINGS_FILE
from ticketmill.domain.ticket import Ticket
from ticketmill.learning import known_readings
from ticketmill.learning.known_readings import (
    KEY_BYTES,
    KnownReadings,
    fingerprint,
    remove_readings,
    stored_readings,
)
from ticketmill.text.reading import Reading, read_ticket

SIGNED = "The lamp flickers since Monday.\n\nKind regards,\nAnna Berg\nBerg Lighting Ltd"
TICKETS = [
    Ticket(ticket_id="t", body="The lamp flickers since Monday."),
    Ticket(ticket_id="t", subject="Lamp", body="It flickers since Monday."),
    Ticket(ticket_id="t", subject="Re: Lamp", body=SIGNED),
    Ticket(ticket_id="t", body="See <b>this</b> https://example.com/a?b=c and &amp; answer"),
    Ticket(ticket_id="t", body="asdf"),
    Ticket(ticket_id="t", subject="Out of office", body="I am out of the office until Monday."),
    Ticket(ticket_id="t", body=" \n "),
    Ticket(ticket_id="t", body="a lone \ud800 surrogate"),
]


@pytest.fixture
def objects() -> MemoryLearningObjects:
    return MemoryLearningObjects()


def read_all(objects: MemoryLearningObjects) -> list[Reading]:
    known = KnownReadings(objects)
    found = [known.read(each) for each in TICKETS]
    known.save()
    return found


def test_a_reading_from_the_cache_is_the_reading(objects: MemoryLearningObjects) -> None:
    right = [read_ticket(each) for each in TICKETS]
    assert read_all(objects) == right
    assert read_all(objects) == right


def test_own_words_alone_are_searched_once(
    objects: MemoryLearningObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_all(objects)
    searched = []

    def search(ticket: Ticket) -> Reading:
        searched.append(ticket)
        return read_ticket(ticket)

    monkeypatch.setattr(known_readings, "read_ticket", search)
    read_all(objects)
    assert searched
    assert not {TICKETS[0].text, TICKETS[1].text} & {each.text for each in searched}
    assert SIGNED in {each.body for each in searched}


def test_a_subject_and_a_body_are_not_the_body_that_both_make(objects: MemoryLearningObjects) -> None:
    read_all(objects)
    as_body = Ticket(ticket_id="t", body=TICKETS[1].text)
    assert KnownReadings(objects).read(as_body) == read_ticket(as_body)
    assert not stored_readings(objects, [as_body])


def test_other_code_reads_everything_anew(objects: MemoryLearningObjects) -> None:
    read_all(objects)
    body = objects.get(READINGS_FILE) or b""
    objects.put(READINGS_FILE, b"\0" * KEY_BYTES + body[KEY_BYTES:])
    read_all(objects)
    assert objects.get(READINGS_FILE) == body


def test_no_more_than_the_newest_are_kept(objects: MemoryLearningObjects) -> None:
    known = KnownReadings(objects, max_texts=1)
    for each in TICKETS[:2]:
        known.read(each)
    known.save()
    assert not stored_readings(objects, TICKETS[:1])
    assert len(stored_readings(objects, TICKETS[1:2])) == 1


def test_what_is_removed_leaves_the_others(objects: MemoryLearningObjects) -> None:
    read_all(objects)
    assert remove_readings(objects, TICKETS[:1]) == 1
    assert remove_readings(objects, TICKETS[:1]) == 0
    assert stored_readings(objects, TICKETS[1:2])


def test_a_damaged_object_is_only_a_cache(objects: MemoryLearningObjects) -> None:
    objects.put(READINGS_FILE, fingerprint() + b"half a hash")
    assert read_all(objects) == [read_ticket(each) for each in TICKETS]
