"""Measures of predictions, and the files of labelled texts that they are taken on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ticketmill.domain.errors import SetupError
from ticketmill.learning.calibration import calibration_error, reliability
from ticketmill.learning.labelled import LabelledText, check_vocabulary, read_labelled
from ticketmill.learning.measures import measure_classes, measure_tags

TRUTH = ["a", "a", "a", "b"]
GIVEN = ["a", "a", "b", "b"]
CONFIDENCE = np.array([0.95, 0.6, 0.92, 0.5])


def test_accuracy_f1_and_confusion_are_those_of_the_textbook() -> None:
    found = measure_classes(["a", "b", "c"], TRUTH, GIVEN, CONFIDENCE)
    a, b, c = found.labels
    assert (a.precision, a.recall, a.f1, a.support) == (1.0, pytest.approx(2 / 3), pytest.approx(0.8), 3)
    assert (b.precision, b.recall, b.f1, b.support) == (0.5, 1.0, pytest.approx(2 / 3), 1)
    assert (c.precision, c.recall, c.f1, c.support) == (0.0, 0.0, 0.0, 0)
    assert found.accuracy == 0.75
    assert found.confusion == ((2, 1, 0), (0, 1, 0), (0, 0, 0))


def test_a_label_that_occurs_nowhere_does_not_lower_the_macro_f1() -> None:
    assert measure_classes(["a", "b", "c"], TRUTH, GIVEN, CONFIDENCE).macro_f1 == pytest.approx(
        (0.8 + 2 / 3) / 2
    )


def test_mistakes_made_with_confidence_are_counted() -> None:
    found = measure_classes(["a", "b"], TRUTH, GIVEN, CONFIDENCE)
    assert (found.sure, found.sure_mistakes) == (2, 1)


def test_accuracy_is_told_for_the_surest_first() -> None:
    found = measure_classes(["a", "b"], TRUTH, GIVEN, CONFIDENCE)
    assert [(each.coverage, each.confidence, each.accuracy) for each in found.coverage] == [
        (0.25, 0.95, 1.0),
        (0.5, 0.92, 0.5),
        (0.75, 0.6, pytest.approx(2 / 3)),
        (0.9, 0.5, 0.75),
        (1.0, 0.5, 0.75),
    ]


def test_calibration_error_is_the_gap_of_each_bin_by_its_share() -> None:
    confidence, right = np.array([0.9, 0.9, 0.2, 1.0]), np.array([True, False, False, True])
    # two at 0.9 of which one is right, one at 0.2 that is wrong, one at 1.0 that is right
    assert calibration_error(confidence, right, bins=5) == pytest.approx((abs(2.8 - 2) + 0.2) / 4)
    assert [share for _, _, share in reliability(confidence, right, bins=5)] == [0.25, 0.75]


def test_tags_are_measured_over_all_pairs_and_by_the_first() -> None:
    found = measure_tags(["a", "b", "c"], [["a", "b"], ["a"], ["b"]], [["b"], ["b", "a"], []])
    assert found.micro_f1 == pytest.approx(2 * 2 / (4 + 3))
    assert found.first_right == pytest.approx(1 / 3)
    # a: one of two found, none wrong; b: one of two found, one wrong; c occurs nowhere
    assert found.macro_f1 == pytest.approx((2 / 3 + 1 / 2) / 2)


def write(folder: Path, *rows: Any) -> Path:
    path = folder / "data.jsonl"
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return path


def test_a_text_is_taken_from_its_field_or_from_subject_and_body(tmp_path: Path) -> None:
    path = write(
        tmp_path, {"text": "t", "intent": "a"}, "", {"subject": "s", "body": "b", "intent": ["a", "b"]}
    )
    assert read_labelled(path, "intent") == [
        LabelledText("", "t", ("a",)),
        LabelledText("s", "b", ("a", "b")),
    ]
    other = write(tmp_path, {"text": "t", "tweet": "w", "label": "a"})
    assert read_labelled(other, "label", "tweet") == [LabelledText("", "w", ("a",))]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("{", "line 2: not JSON"),
        ("[]", "line 2: expected an object"),
        ({"text": "t", "intent": []}, "line 2: intent: expected text or a list"),
        ({"text": "t", "intent": [1]}, "line 2: intent: expected text or a list"),
        ({"intent": "a"}, "line 2: expected a text in `text`, or in `subject` and `body`"),
        ({"text": " ", "intent": "a"}, "line 2: expected a text in text"),
        ({"subject": 1, "intent": "a"}, "line 2: expected a text"),
    ],
)
def test_a_row_that_does_not_fit_is_told_with_its_line(row: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=told):
        read_labelled(write(tmp_path, {"text": "t", "intent": "a"}, row), "intent")


def test_rows_of_which_nobody_said_the_label_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, {"text": "t", "urgency": "high"}, {"text": "u", "intent": "a"})
    assert read_labelled(path, "intent") == [LabelledText("", "u", ("a",))]
    with pytest.raises(
        SetupError, match=r"no row of .* has sentiment; there are the fields intent, text, urg"
    ):
        read_labelled(path, "sentiment")


def test_where_several_labels_may_be_right_none_may_be(tmp_path: Path) -> None:
    path = write(tmp_path, {"text": "t", "topics": []})
    assert read_labelled(path, "topics", may_be_none=True) == [LabelledText("", "t", ())]


def test_a_file_without_rows_is_a_fault_of_setup(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="has no rows"):
        read_labelled(write(tmp_path, ""), "intent")
    with pytest.raises(SetupError, match="cannot be read"):
        read_labelled(tmp_path / "missing.jsonl", "intent")


def test_labels_that_the_bundle_does_not_know_are_named(tmp_path: Path) -> None:
    rows = [LabelledText("", "t", (label,)) for label in ("a", "card_arrival", "lost_card", "b")]
    with pytest.raises(SetupError, match=r"2 labels .*: card_arrival, lost_card; it knows a, b"):
        check_vocabulary(rows, ("a", "b"), tmp_path / "data.jsonl")
    check_vocabulary(rows[:1], ("a", "b"), tmp_path / "data.jsonl")


def test_the_plots_of_an_evaluation_are_png_files(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from ticketmill.learning.plots import plot_confusion, plot_reliability

    measures = measure_classes(["a", "b"], TRUTH, GIVEN, CONFIDENCE)
    plot_confusion(measures, "t", tmp_path / "confusion.png")
    plot_reliability(CONFIDENCE, np.array([True, True, False, True]), "t", tmp_path / "reliability.png")
    for path in tmp_path.glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG")
    assert len(list(tmp_path.glob("*.png"))) == 2


def test_a_summary_is_scored_against_every_reference_beside_the_baselines() -> None:
    pytest.importorskip("rouge_score")
    pytest.importorskip("sumy")
    from ticketmill.learning.rouge import score_summaries

    body = "The export stops halfway. We tried it again. It stops every time."
    row = LabelledText("Export", body, ("The export stops halfway.", "nothing alike whatever"))
    scores = {each.method: each for each in score_summaries([row], ["The export stops halfway."])}
    assert scores["ticketmill"].rouge1 == pytest.approx(0.5)
    assert scores["lead-1"].rouge_l == pytest.approx(0.5)
    assert scores["subject alone"].words == 1
    assert scores["LexRank, 2 sentences"].words > scores["LexRank, 1 sentence"].words > 0
