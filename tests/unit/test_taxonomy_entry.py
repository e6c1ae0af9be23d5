"""A label is added to a taxonomy file, and every other line of it stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from ticketmill.domain.errors import SetupError
from ticketmill.domain.taxonomy import Label
from ticketmill.models.build.taxonomy_entry import add_label, entry_of
from ticketmill.models.build.taxonomy_file import SHIPPED, read_taxonomy

FILE = """\
# our labels
task: topics
labels:
- label: lifts          # asked for in May
  description: "lifts and escalators out of order"
- {label: keys, description: "lost keys and badges"}
# the end of the labels

threshold: 0.4
"""
DOORS = Label(
    label="doors",
    description="doors that do not open: badge readers, locks",
    examples=("The door says: no.\n- really -\n\n# 3rd floor", "no", "Türe klemmt “wieder”"),
)


def file_of(folder: Path, text: str) -> Path:
    path = folder / "topics.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_only_the_lines_of_the_new_label_are_added(tmp_path: Path) -> None:
    path = file_of(tmp_path, FILE)
    add_label(path, DOORS)
    text, entry = path.read_text(encoding="utf-8"), entry_of(DOORS, 0)
    assert entry in text and text.replace(entry, "") == FILE
    assert text.index(entry) < text.index("# the end of the labels")
    found = read_taxonomy(path)
    assert found.labels[-1] == DOORS and found.names == ("lifts", "keys", "doors")
    assert found.threshold == 0.4


@pytest.mark.parametrize(
    "end",
    [
        "  - label: keys\n    description: |\n      lost keys\n      and badges\n",
        "  - label: keys\n    description: lost keys\n      and badges  # two lines",
        "  - label: keys\n    examples: ['a', 'b']\n    description: 'lost keys'\n\n\n",
        "  - label: keys\n    description: lost keys\n    examples:\n    - key\n    - badge\ntop_k: 2\n",
    ],
)
def test_the_last_label_may_be_written_in_any_way(end: str, tmp_path: Path) -> None:
    head = "task: topics\nlabels:\n  - label: lifts\n    description: lifts out of order\n"
    path = file_of(tmp_path, head + end)
    before = read_taxonomy(path)
    add_label(path, DOORS)
    add_label(path, DOORS.model_copy(update={"label": "gates"}))
    found = read_taxonomy(path)
    assert found.labels[:2] == before.labels and found.top_k == before.top_k
    assert found.names[2:] == ("doors", "gates") and found.labels[2] == DOORS
    assert (head + end.rstrip()) in path.read_text(encoding="utf-8") or "top_k" in end


def test_line_ends_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "topics.yaml"
    path.write_bytes(FILE.replace("\n", "\r\n").encode())
    add_label(path, DOORS)
    body = path.read_bytes()
    assert body.count(b"\n") == body.count(b"\r\n") and b"# our labels\r\n" in body
    assert read_taxonomy(path).labels[-1] == DOORS


def test_a_label_can_be_added_to_the_shipped_taxonomy(tmp_path: Path) -> None:
    path = file_of(tmp_path, SHIPPED["topics"].read_text(encoding="utf-8"))
    add_label(path, DOORS)
    assert read_taxonomy(path).labels == (*read_taxonomy(SHIPPED["topics"]).labels, DOORS)


def test_a_name_that_is_there_is_refused(tmp_path: Path) -> None:
    path = file_of(tmp_path, FILE)
    with pytest.raises(SetupError, match="has a label keys: choose another name"):
        add_label(path, DOORS.model_copy(update={"label": "keys"}))
    assert path.read_text(encoding="utf-8") == FILE


def test_labels_in_brackets_are_left_to_a_person(tmp_path: Path) -> None:
    text = "{task: topics, labels: [{label: a, description: b}, {label: c, description: d}]}"
    path = file_of(tmp_path, text)
    with pytest.raises(SetupError, match="labels in brackets: add the entry by hand"):
        add_label(path, DOORS)
    assert path.read_text(encoding="utf-8") == text
