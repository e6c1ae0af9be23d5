"""The table of docs/conformance.md says what the places say now."""

from __future__ import annotations

import pytest
from documented import AWS
from places import ministack, moto
from questions import QUESTIONS
from table import DOCUMENT, END, NOT_ASKED, UNKNOWN, asked, columns, remembered, render, replaced

BEFORE = DOCUMENT.read_text(encoding="utf-8")


@pytest.mark.timeout(400)
@pytest.mark.parametrize("place", [ministack, moto])
@pytest.mark.filterwarnings("default")  # of moto's own dependencies
def test_the_document_says_what_the_place_says(place: object) -> None:
    heading, answers = asked(place())  # type: ignore[operator]
    assert dict(columns(BEFORE)).get(heading) == answers, (
        "run `make conformance`, and see what follows for us"
    )


def test_every_question_has_an_answer_of_aws() -> None:
    assert list(AWS) == list(QUESTIONS)
    assert all("](https://docs.aws.amazon.com/" in answer for answer in AWS.values())


def test_a_table_comes_back_as_it_was_written() -> None:
    found = columns(BEFORE)
    assert [heading.split()[0] for heading, _ in found] == ["AWS,", "LocalStack", "ministack", "moto"]
    assert replaced(BEFORE, render(found)) == BEFORE


def test_a_place_that_is_not_asked_keeps_its_answers_and_is_marked_once() -> None:
    heading, answers = remembered(BEFORE, "LocalStack")
    assert heading.endswith(NOT_ASKED)
    assert "not running" not in "".join(answers.values())
    again, same = remembered(replaced(BEFORE, render([(heading, answers)])), "LocalStack")
    assert (again, same) == (heading, answers)


def test_a_place_that_was_never_asked_says_so() -> None:
    empty = f"<!-- asked: begin -->{END}"
    assert UNKNOWN in render([remembered(empty, "LocalStack")])
