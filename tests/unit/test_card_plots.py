"""The plots of a model card as SVG."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from model_samples import sample_card

from ticketmill.domain.errors import SetupError
from ticketmill.domain.model_card import ModelCard
from ticketmill.domain.plot import Plot
from ticketmill.learning.card_plots import MAX_MATRIX_LABELS, draw, drawings, write_plot
from ticketmill.learning.svg import Drawing

SVG = "{http://www.w3.org/2000/svg}"
MANY = tuple(f"label_{number:03}" for number in range(MAX_MATRIX_LABELS + 10))


def drawn(card: ModelCard, what: Plot) -> Drawing:
    drawing = draw(card, what)
    assert drawing is not None
    return drawing


def tree(drawing: Drawing) -> ElementTree.Element:
    return ElementTree.fromstring(drawing.file())  # noqa: S314 - it is our own


@pytest.mark.parametrize("what", Plot)
@pytest.mark.parametrize("labels", [("a", "b"), MANY], ids=["few", "many"])
def test_every_plot_has_a_title_a_description_and_its_numbers(what: Plot, labels: tuple[str, ...]) -> None:
    drawing = drawn(sample_card(labels=labels), what)
    picture = tree(drawing)
    named = dict(picture.attrib)["aria-labelledby"].split()
    said = [picture.find(f"{SVG}title"), picture.find(f"{SVG}desc")]
    assert [each.attrib["id"] for each in said if each is not None] == named
    assert all(each is not None and each.text for each in said)
    headings, rows = drawing.table
    assert rows and all(len(row) == len(headings) for row in rows)


@pytest.mark.parametrize("what", Plot)
def test_nothing_lies_outside_of_the_picture(what: Plot) -> None:
    drawing = drawn(sample_card(labels=MANY), what)
    for each in ElementTree.fromstring(drawing.inline()).iter():  # noqa: S314 - it is our own
        x, y = float(each.get("x", each.get("cx", 0))), float(each.get("y", each.get("cy", 0)))
        width = float(each.get("width", 0))
        assert each.tag == "svg" or (x >= 0 and x + width <= drawing.width and 0 <= y <= drawing.height)


@pytest.mark.parametrize("what", Plot)
def test_a_plot_on_a_page_has_no_style_and_no_script(what: Plot) -> None:
    hostile = ("<script>alert(1)</script>", 'a" onload="x', "turned\u202etext")
    drawing = drawn(sample_card(labels=hostile), what)
    assert not re.search(r"<style|<script|\sstyle=|\son\w+=\"", drawing.inline())
    assert "\u202e" not in drawing.file()
    assert tree(drawing).attrib["viewBox"]


def test_the_matrix_counts_by_true_and_predicted_label() -> None:
    card = sample_card(labels=("a", "b"), confusion=((5, 1), (0, 7)))
    titles = {each.text for each in tree(drawn(card, Plot.CONFUSION)).iter(f"{SVG}title")}
    assert {"a predicted as a: 5 of 6", "a predicted as b: 1 of 6", "b predicted as b: 7 of 7"} <= titles
    assert drawn(card, Plot.CONFUSION).table == (("true label", "a", "b"), (("a", "5", "1"), ("b", "0", "7")))


def test_a_label_that_only_the_hold_out_has_stands_in_the_matrix() -> None:
    card = sample_card(labels=("a", "b"))
    card = card.model_copy(
        update={
            "confusion": ((5, 1, 0), (0, 7, 0), (2, 0, 0)),
            "by_label": {**card.by_label, "new": card.by_label["a"]},
        }
    )
    headings, rows = drawn(card, Plot.CONFUSION).table
    assert headings == ("true label", "a", "b", "new") and rows[2] == ("new", "2", "0", "0")


def test_of_many_labels_the_most_confused_pairs_are_drawn_first() -> None:
    counts = [[0] * len(MANY) for _ in MANY]
    counts[3][4], counts[7][1], counts[2][2] = 9, 4, 50
    card = sample_card(labels=MANY, confusion=tuple(map(tuple, counts)))
    _, rows = drawn(card, Plot.CONFUSION).table
    assert rows == (("label_003 → label_004", "9"), ("label_007 → label_001", "4"))


def test_the_worst_labels_come_first() -> None:
    _, rows = drawn(sample_card(), Plot.LABELS).table
    assert [float(row[1]) for row in rows] == sorted(float(row[1]) for row in rows)


def test_a_card_without_numbers_has_no_such_plot() -> None:
    card = sample_card(curve=(), confusion=())
    assert [drawing.name for drawing in drawings(card)] == [Plot.RELIABILITY, Plot.LABELS]


def test_a_plot_is_written_as_a_file(tmp_path: Path) -> None:
    path = tmp_path / "curve.svg"
    write_plot(sample_card(), Plot.CURVE, path)
    assert path.read_text(encoding="utf-8").startswith('<svg xmlns="http://www.w3.org/2000/svg"')


@pytest.mark.parametrize(
    ("what", "name", "told"),
    [
        (Plot.CURVE, "a.svg", "ticketmill train --curve"),
        (Plot.RELIABILITY, "a.png", "ends in .svg"),
        (Plot.RELIABILITY, "missing/a.svg", "cannot be written"),
    ],
)
def test_what_cannot_be_written_is_told(tmp_path: Path, what: Plot, name: str, told: str) -> None:
    with pytest.raises(SetupError, match=told):
        write_plot(sample_card(curve=()), what, tmp_path / name)
