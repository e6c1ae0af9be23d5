"""`ticketmill train` with the shipped bundle: measured on a file, and registered from a dataset."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ticketmill.entrypoints.cli import run

QUESTIONS = {
    "opening_hours": [
        "When do you open on Saturday?",
        "How late is the shop open tonight?",
        "Are you closed on public holidays?",
        "What are your hours in summer?",
        "Do you open before nine in the morning?",
        "Until when can I come by on Friday?",
    ],
    "lost_parcel": [
        "My parcel never arrived.",
        "Tracking has said nothing about the package for a week.",
        "The courier lost what I ordered.",
        "Where is my delivery? It was due on Monday.",
        "The box was left with a neighbour who does not have it.",
        "Shipment is missing since the depot.",
    ],
}
ASKED = {
    "opening_hours": ["Is the store open on Sunday?", "What time do you close?"],
    "lost_parcel": ["The package has not come yet.", "My order was lost by the courier."],
}


@pytest.fixture
def questions(tmp_path: Path, bundle_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TICKETMILL_BUNDLE", str(bundle_dir))
    rows = [
        {"text": text, "reason": label, "part": part}
        for part, texts in (("train", QUESTIONS), ("test", ASKED))
        for label, own in texts.items()
        for text in own
    ]
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def test_a_file_of_labels_is_measured_on_its_test_part(
    questions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = ["--train-part", "train", "--test-part", "test"]
    assert run(["train", "--task", "reason", "--data", str(questions), *parts, "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (found["trained"], found["tested"], found["labels"]) == (12, 4, 2)
    assert found["accuracy"] == 1.0
    assert {"macro_f1", "calibration_error", "seconds"} <= found.keys()


def test_a_dataset_becomes_one_version_however_often_it_is_trained(
    questions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--task", "reason", "--store", str(tmp_path / "store")]
    assert run(["dataset", "build", *place, "--data", str(questions), "--no-corpus"]) == 0
    assert run(["train", *place]) == 0
    assert run(["train", *place, "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["version"] == "reason/v1"
    assert found["labels"] == ["lost_parcel", "opening_hours"]
    assert [each["recipe"] for each in found["competed"]] == ["pooled"]


def test_without_a_dataset_it_says_how_to_make_one(
    questions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "--task", "reason", "--store", str(tmp_path / "store")]) != 0
    assert "dataset build" in capsys.readouterr().err
    assert questions.exists()
