"""Likely duplicates are ranked by meaning and by words; what all tickets have in common does not count."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ticketmill.arrays import Floats
from ticketmill.bootstrap.duplicates import encode_reports
from ticketmill.domain.errors import SetupError
from ticketmill.encoder.encoder import Encoder
from ticketmill.learning.duplicate_reports import NearIdentical, Report, near_identical, read_reports
from ticketmill.queries.duplicates import (
    Candidates,
    DuplicateRanking,
    RecallAt,
    distinctive,
    recall,
    without_templates,
)
from ticketmill.queries.terms import Vocabulary, terms_of

TEMPLATE = "Steps to reproduce:\n1.\nUser-Agent: Mozilla/5.{number} (X11)\n{text}\nExpected results:"
TEXTS = {
    "crash": "The browser crashes when I print a page with NS_ERROR_GFX_PRINTER.",
    "crash again": "Printing kills it, says NS_ERROR_GFX_PRINTER.",
    "mail": "Sent mail does not appear in the folder.",
    "mail again": "My sent messages are missing from the sent folder.",
    "zoom": "Zooming out makes the toolbar vanish.",
    "cookies": "Cookies of other sites are kept although I refuse them.",
    "proxy": "The proxy asks for the password again and again.",
    "icons": "Icons on the toolbar are blurred.",
}


def ranking(subjects: list[str], bodies: list[str], *embeddings: Floats) -> DuplicateRanking:
    return DuplicateRanking.of(Candidates(subjects, bodies, embeddings))


def test_a_compound_is_a_term_and_so_are_its_parts() -> None:
    assert terms_of("fs.S3AFileSystem fails") == ["fs.s3afilesystem", "fs", "file", "system", "fail"]
    assert {"3.2.1", "ns_error-403", "403"} <= {*terms_of("3.2.1 NS_ERROR-403")}


def test_words_in_other_forms_are_one_term() -> None:
    assert terms_of("crash crashes crashed Crashing") == ["crash"] * 4
    assert terms_of("Überweisungen ÜBERWEISUNG") == ["überweisungen", "überweisung"]


def test_a_rare_term_brings_texts_closer_than_a_common_one() -> None:
    texts = [
        terms_of(text) for text in ("printer offline", "printer slow", "e-403 offline", "printer", "printer")
    ]
    vocabulary = Vocabulary(texts)
    closeness = vocabulary.closeness(vocabulary.vectors(texts), 0)
    assert closeness[0] == pytest.approx(1, abs=1e-6)
    assert closeness[2] > closeness[1] > 0


def test_lines_of_a_template_are_left_out_whatever_numbers_they_have() -> None:
    bodies = [TEMPLATE.format(number=at, text=text) for at, text in enumerate(TEXTS.values())]
    assert without_templates(bodies) == list(TEXTS.values())
    few = ["Steps to reproduce:\nprint", "Steps to reproduce:\nzoom"]
    assert without_templates(few) == few


def test_what_all_texts_have_in_common_is_taken_from_their_embeddings() -> None:
    vectors = np.array([[1, 0.1, 0], [1, -0.1, 0], [0, 0, 0]], np.float32)
    moved = distinctive(vectors)
    assert moved[0] @ moved[1] == pytest.approx(-1, abs=1e-5)
    assert not moved[2].any()


def test_the_directions_in_which_many_texts_differ_most_do_not_count() -> None:
    random = np.random.default_rng(0)
    topic = random.choice([-5.0, 5.0], (400, 1)) * np.eye(1, 100)
    own = np.repeat(random.normal(size=(200, 100)), 2, axis=0)
    vectors = (topic + own).astype(np.float32)
    raw = vectors @ vectors.T
    close = distinctive(vectors) @ distinctive(vectors).T
    np.fill_diagonal(raw, -np.inf)
    np.fill_diagonal(close, -np.inf)
    pairs = np.arange(400) ^ 1
    assert (close.argmax(axis=1) == pairs).all()
    assert (raw.argmax(axis=1) == pairs).mean() < 1


def test_duplicates_are_found_by_meaning_and_by_words_behind_a_template(encoder: Encoder) -> None:
    reports = [
        Report(name, name.removesuffix(" again"), TEMPLATE.format(number=at, text=text), None)
        for at, (name, text) in enumerate(TEXTS.items())
    ]
    counted: list[int] = []
    found = DuplicateRanking.of(encode_reports(encoder, reports, counted.append))
    assert sum(counted) == 2 * len(reports)
    assert [int(np.argmax(found.scores(at))) for at in range(4)] == [1, 0, 3, 2]
    assert found.scores(0)[0] == -np.inf


def test_recall_counts_tickets_with_a_duplicate_and_ties_against_the_ranking() -> None:
    same = ranking(["hot tea", "red car", "hot tea", "hot tea"], [""] * 4, np.zeros((4, 8), np.float32))
    # each of the two has one other that is as close as its duplicate
    assert recall(same, ["g", None, "g", None]) == RecallAt(4, 2, 0.0, 1.0, 1.0)


def test_near_identical_texts_are_counted_against_the_groups() -> None:
    text = "The printer in the hall prints nothing but blank pages since the update of Monday."
    reports = [Report("1", text, "", "g"), Report("2", text + "!", "", "g"), Report("3", text, "", None)]
    assert near_identical(reports) == NearIdentical(2, 1, 0.5)
    assert near_identical(reports[:1]) == NearIdentical(0, 0, None)


def write(folder: Path, *rows: Any) -> Path:
    path = folder / "data.jsonl"
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), "utf-8")
    return path


def test_reports_are_read_with_and_without_a_group(tmp_path: Path) -> None:
    rows = [
        {"ticket_id": 1, "subject": "s", "body": None, "group": 7},
        {"ticket_id": "2", "body": "b\u2028c", "group": "7"},
        {"ticket_id": "3", "subject": "t", "group": None},
    ]
    path = write(tmp_path, *(json.dumps(each, ensure_ascii=False) for each in rows))
    assert read_reports(path) == [
        Report("1", "s", "", "7"),
        Report("2", "", "b\u2028c", "7"),
        Report("3", "t", "", None),
    ]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["{"], "line 1: not JSON"),
        ([[1]], "line 1: expected an object"),
        ([{"subject": "s"}, {"subject": " "}], "line 2: expected a text"),
        ([{"subject": 5}], "line 1: expected a text"),
        ([{"subject": "s", "group": "1"}, {"subject": "t", "group": "2"}], "no two tickets of one group"),
    ],
)
def test_what_cannot_be_measured_is_refused(tmp_path: Path, rows: list[Any], said: str) -> None:
    with pytest.raises(SetupError, match=said):
        read_reports(write(tmp_path, *rows))
