"""`ticketmill evaluate --version`: what a learned version does, also of a task of your own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from learned_versions import ANN, NOON
from model_samples import sample_card
from overlay_files import overlay_files

from ticketmill.bootstrap.evaluation import learned_model
from ticketmill.domain.dataset import TaskDefinition
from ticketmill.domain.ticket import Ticket
from ticketmill.encoder.bundle import read_manifest
from ticketmill.entrypoints import cli
from ticketmill.entrypoints.cli.output import ExitCode
from ticketmill.learning.registry import register
from ticketmill.learning.store import LearningStore, directory_store
from ticketmill.settings import load_settings
from ticketmill.tasks.learned import labels_of

TEXTS = ["My card was declined.", "Where is my parcel?", "The router blinks red.", "Refund my order."]
LABELS = ("cards", "orders")


class Told(NamedTuple):
    out: str
    err: str


Evaluate = Callable[..., Told]


@pytest.fixture
def store(tmp_path: Path, bundle_dir: Path) -> LearningStore:
    """A folder with a version of a task with one label and of one with several."""
    place, encoder = directory_store(tmp_path / "store"), read_manifest(bundle_dir).fingerprint
    for task, kind, activation in (("desk", "single", "softmax"), ("lines", "multi", "sigmoid")):
        card = sample_card(task, LABELS, encoder=encoder, kind=kind)
        register(place, overlay_files(task, LABELS, seed=3, kind=activation), card, task, "ann", NOON)
    return place


@pytest.fixture
def evaluate(
    tmp_path: Path, bundle_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Evaluate:
    monkeypatch.setenv("TICKETMILL_BUNDLE", str(bundle_dir))

    def run(data: Path, *arguments: str, code: int = ExitCode.DONE) -> Told:
        place = ("--store", str(tmp_path / "store"))
        ended = cli.run(["evaluate", "--data", str(data), *arguments, *place])
        told = Told(*capsys.readouterr())
        assert ended == code, told.err
        return told

    return run


def said(store: LearningStore, bundle_dir: Path, task: str) -> list[tuple[str, ...]]:
    """What the version says of the texts."""
    model = learned_model(load_settings(bundle=bundle_dir), store, task, f"{task}/v1")
    predict = model.load()
    return [labels_of(each)[0] for each in predict([Ticket(ticket_id="T", body=text) for text in TEXTS])]


def file_of(folder: Path, **labels: list[Any]) -> Path:
    path = folder / "labelled.jsonl"
    rows = [
        {"text": text, **{task: each[number] for task, each in labels.items()}}
        for number, text in enumerate(TEXTS)
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def test_a_version_of_your_own_task_is_measured_on_labelled_texts(
    store: LearningStore, evaluate: Evaluate, bundle_dir: Path, tmp_path: Path
) -> None:
    right = [labels[0] for labels in said(store, bundle_dir, "desk")]
    wrong = ["orders" if right[0] == "cards" else "cards", *right[1:]]
    named = ("--label", "desk", "--version", "desk/v1", "--json")
    assert json.loads(evaluate(file_of(tmp_path, desk=right), *named).out)["accuracy"] == 1
    measured = json.loads(evaluate(file_of(tmp_path, desk=wrong), *named).out)
    assert (measured["count"], measured["accuracy"]) == (4, 0.75)


def test_a_task_of_several_labels_may_have_none_that_is_right(
    store: LearningStore, evaluate: Evaluate, bundle_dir: Path, tmp_path: Path
) -> None:
    path = file_of(tmp_path, lines=[list(each) for each in said(store, bundle_dir, "lines")])
    measured = json.loads(evaluate(path, "--label", "lines", "--version", "lines/v1", "--json").out)
    assert (measured["count"], measured["micro_f1"]) == (4, 1)
    path = file_of(tmp_path, lines=[[], [], [], []])
    measured = json.loads(evaluate(path, "--label", "lines", "--version", "lines/v1", "--json").out)
    assert (measured["count"], measured["micro_f1"], measured["macro_f1"]) == (4, 0, 0)


def test_the_version_that_serves_needs_no_name_and_without_one_it_is_refused(
    store: LearningStore, evaluate: Evaluate, bundle_dir: Path, tmp_path: Path
) -> None:
    path = file_of(tmp_path, desk=[labels[0] for labels in said(store, bundle_dir, "desk")])
    serving = ("--label", "desk", "--version", "serving")
    refused = evaluate(path, *serving, code=ExitCode.NOT_FOUND)
    assert "[unknown_version]" in refused.err
    assert "no version of desk serves: name one by --version, as in desk/v1" in refused.err
    assert store.rollouts.replace(store.rollouts.current().promoted("desk", 1, "single", ANN))
    assert "desk on labelled.jsonl, 4 texts" in evaluate(path, *serving).out


def test_a_label_that_the_task_has_got_since_counts_as_missed_and_any_other_is_named(
    store: LearningStore, evaluate: Evaluate, tmp_path: Path
) -> None:
    named = ("--label", "desk", "--version", "desk/v1", "--json")
    path = file_of(tmp_path, desk=["loans"] * 4)
    assert "that desk/v1 does not know: loans" in evaluate(path, *named, code=ExitCode.NOT_READY).err
    store.datasets.define_task(TaskDefinition(name="desk", labels=(*LABELS, "loans")))
    assert json.loads(evaluate(path, *named).out)["accuracy"] == 0


def test_a_version_of_another_task_is_no_version_of_this_one(
    store: LearningStore, evaluate: Evaluate, tmp_path: Path
) -> None:
    del store
    path = file_of(tmp_path, desk=["cards"] * 4)
    refused = evaluate(path, "--label", "desk", "--version", "lines/v1", code=ExitCode.NOT_FOUND)
    assert "lines/v1 is a version of lines, and not of desk" in refused.err
