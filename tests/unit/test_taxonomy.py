"""What a taxonomy may say, and what is told about one that is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ticketmill.domain.errors import SetupError
from ticketmill.domain.labels import Intent
from ticketmill.domain.taxonomy import Label, Taxonomy
from ticketmill.entrypoints.cli import run
from ticketmill.learning.corpus import read_corpus
from ticketmill.learning.taxonomy_check import check_taxonomy
from ticketmill.models.build.taxonomy_file import SHIPPED, read_taxonomies, read_taxonomy, yaml_of
from ticketmill.models.heads import load_heads, shipped_heads

GOOD = """
task: topics
labels:
  - {label: lifts, description: "lifts and escalators out of order"}
  - {label: keys, description: "lost keys and badges", examples: ["I lost my badge."]}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "taxonomy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def topics(*names: str, description: str = "three words here") -> Taxonomy:
    return Taxonomy(task="topics", labels=tuple(Label(label=name, description=description) for name in names))


def test_a_taxonomy_is_read_from_yaml(tmp_path: Path) -> None:
    found = read_taxonomy(write(tmp_path, GOOD))
    assert found.names == ("lifts", "keys")
    assert found.labels[1].examples == ("I lost my badge.",)
    assert (found.task, found.top_k) == ("topics", 3)


def test_a_file_that_names_no_task_is_of_the_one_that_is_expected(tmp_path: Path) -> None:
    assert read_taxonomy(write(tmp_path, GOOD.replace("task: topics", "")), "intent").task == "intent"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("labels:", "labels: [", "line 4.*not YAML"),
        (GOOD, "- a\n- b\n", "expected a mapping"),
        (GOOD, "", "expected a mapping"),
        ("keys,", "lifts,", "labels that stand more than once: lifts"),
        ('"lost keys and badges"', '" "', r"labels\[1\] \(keys\): description: must not be empty"),
        ("keys,", '"Lost Keys",', r"labels\[1\] \(Lost Keys\): label: 'Lost Keys': use lower case"),
        ("keys,", '"a#b",', "use lower case"),
        ("keys,", "no,", "label: expected text, YAML reads it as False; put it in quotes"),
        ("keys,", "404,", "label: expected text, YAML reads it as 404; put it in quotes"),
        ("examples:", "exmaples:", "exmaples: Extra inputs"),
        ("task: topics", "task: topics\nthreshold: 2", "threshold: "),
        ("task: topics", "task: topics\ntop_k: 0", "top_k: "),
        ("task: topics", "task: mood", "task: "),
    ],
)
def test_what_is_wrong_is_told_with_its_place(old: str, new: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=told):
        read_taxonomy(write(tmp_path, GOOD.replace(old, new)))


def test_one_label_is_no_taxonomy(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"labels: .*at least 2"):
        read_taxonomy(write(tmp_path, "\n".join(GOOD.splitlines()[:4])))


def test_a_taxonomy_of_another_task_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="a taxonomy of topics, expected one of intent"):
        read_taxonomies(None, write(tmp_path, GOOD))


def test_a_file_that_is_not_there_or_no_text_is_a_fault_of_setup(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot be read"):
        read_taxonomy(tmp_path / "missing.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SetupError, match="not UTF-8"):
        read_taxonomy(tmp_path / "binary.yaml")


def test_the_shipped_topics_are_those_that_the_head_and_the_corpus_know() -> None:
    shipped = set(read_taxonomy(SHIPPED["topics"]).names)
    assert shipped == set(load_heads(shipped_heads()).tasks["topics"].spec.labels)
    assert shipped == {topic for ticket in read_corpus() for topic in ticket.topics}


def test_the_shipped_intents_are_those_of_the_domain() -> None:
    assert read_taxonomy(SHIPPED["intent"]).names == tuple(Intent)


def check(
    taxonomy: Taxonomy, vectors: list[list[float]], tickets: list[list[float]] | None = None
) -> set[str]:
    embeddings = np.array(tickets if tickets is not None else np.eye(2), np.float32)
    found = check_taxonomy(taxonomy, np.array(vectors, np.float32), embeddings)
    return {f"{each.kind} {' '.join(each.labels)}" for each in found}


def test_a_clean_taxonomy_has_no_findings() -> None:
    assert check(topics("lifts", "keys"), [[1, 0], [0, 1]]) == set()


def test_labels_that_mean_the_same_overlap() -> None:
    assert check(topics("lifts", "elevators"), [[1, 0], [0.8, 0.6]]) == {"overlap lifts elevators"}


@pytest.mark.parametrize("names", [("refund", "refunds"), ("data_export", "export-data")])
def test_labels_whose_names_are_nearly_the_same_are_told(names: tuple[str, str]) -> None:
    assert check(topics(*names), [[1, 0], [0, 1]]) == {f"near_duplicate {' '.join(names)}"}


def test_a_description_of_two_words_is_too_short() -> None:
    assert check(topics("lifts", "keys", description="two words"), [[1, 0], [0, 1]]) == {
        "short_description lifts",
        "short_description keys",
    }


def test_a_label_that_no_ticket_comes_near_is_told() -> None:
    assert check(topics("lifts", "keys"), [[1, 0], [0, 1]], [[1, 0]]) == {"no_ticket_near keys"}
    assert check(topics("lifts", "keys"), [[1, 0], [0, 1]], []) == set()


def test_one_ticket_near_a_label_among_many_is_not_enough() -> None:
    tickets: list[list[float]] = [[1, 0]] * 20
    few, many = [*tickets, [0, 1]], [*tickets, *[[0.0, 1.0]] * 10]
    assert check(topics("lifts", "keys"), [[1, 0], [0, 1]], few) == {"no_ticket_near keys"}
    assert check(topics("lifts", "keys"), [[1, 0], [0, 1]], many) == set()


def test_a_taxonomy_printed_as_yaml_reads_as_the_same(tmp_path: Path) -> None:
    for task, path in SHIPPED.items():
        taxonomy = read_taxonomy(path, task)
        assert read_taxonomy(write(tmp_path, yaml_of(taxonomy))) == taxonomy


def test_the_taxonomy_of_the_bundle_can_be_printed(
    bundle_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TICKETMILL_BUNDLE", str(bundle_dir))
    assert run(["taxonomy", "show", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [label["label"] for label in told["intent"]["labels"]] == list(Intent)
    assert run(["taxonomy", "show", "--task", "topics", "--yaml"]) == 0
    shown = read_taxonomy(write(tmp_path, capsys.readouterr().out))
    assert list(shown.names) == [label["label"] for label in told["topics"]["labels"]]
    assert run(["taxonomy", "show"]) == 0
    assert "login_issue" in capsys.readouterr().out
