"""The text of a ticket on the page: passages, marks and characters that hide."""

from __future__ import annotations

import pytest

from ticketmill.entrypoints.web.page.passages import Mark, Passage, passages, phrase_marks, runs
from ticketmill.entrypoints.web.page.visible import plain, visible

TEXT = "Help\nI cannot pay.\n\n> On Monday you wrote\n> that it works\n\nThanks a lot"
OWN = ((0, 4), (5, 18), (TEXT.index("Thanks"), len(TEXT)))


def shown(passage: Passage) -> str:
    return "".join(run.text for run in passage.runs)


def test_quotes_are_folded_between_the_writers_own_words() -> None:
    found = passages(TEXT, 5, OWN, ())
    assert [each.is_own for each in found] == [True, False, True]
    assert shown(found[0]) == "I cannot pay."
    assert found[1].lines == 2
    assert "".join(map(shown, found)) == TEXT[5:]


def test_a_few_characters_within_a_line_stay_in_their_place() -> None:
    text = "Click <b>here</b> please"
    (only,) = passages(text, 0, ((0, 6), (9, 13), (17, 24)), ())
    assert shown(only) == text
    assert [run.text for run in only.runs if not run.is_own] == ["<b>", "</b>"]


def test_a_record_without_own_text_is_shown_plain() -> None:
    (only,) = passages(TEXT, 5, (), ())
    assert only.is_own and shown(only) == TEXT[5:]


def test_overlapping_marks_become_runs_that_have_both() -> None:
    marks = [Mark(2, 8, "evidence", "urgency"), Mark(5, 12, "entity", "date")]
    cut = [(run.text, run.kinds) for run in runs("0123456789abcdef", 0, 16, marks)]
    assert cut == [
        ("01", ()),
        ("234", ("evidence",)),
        ("567", ("evidence", "entity")),
        ("89ab", ("entity",)),
        ("cdef", ()),
    ]


def test_evidence_is_marked_in_the_writers_own_words_alone() -> None:
    text = "wrong\nall is wrong"
    (mark,) = phrase_marks(text, "wrong", ((6, 18),), "evidence", "")
    assert (mark.start, mark.end) == (13, 18)
    assert phrase_marks(text, "missing", ((6, 18),), "evidence", "") == []


@pytest.mark.parametrize(
    ("char", "name"),
    [("\u202e", "RLO"), ("\u2066", "LRI"), ("\u200b", "ZWSP"), ("\x07", "U+0007"), ("\U000e0041", "U+E0041")],
)
def test_a_character_that_hides_is_shown_by_its_name(char: str, name: str) -> None:
    html = str(visible(f"a{char}b"))
    assert char not in html and f">{name}<" in html
    assert plain(f"a{char}b") == f"a[{name}]b"


def test_markup_is_escaped_and_joiners_of_emoji_stay() -> None:
    assert str(visible("<script>&\"'")) == "&lt;script&gt;&amp;&#34;&#39;"
    family = "\U0001f468\u200d\U0001f469"
    assert str(visible(family)) == family
