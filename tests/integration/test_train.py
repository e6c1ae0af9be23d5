"""`ticketmill train` with the shipped bundle: measured on a file, and registered from a dataset."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ticketmill import bootstrap
from ticketmill.domain.job import Documents, JobKind, JobRequest
from ticketmill.entrypoints.cli import run
from ticketmill.settings import load_settings

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
    (job,) = jobs(capsys, place[-1])
    assert (job["status"], job["attempts"], job["result"]["model"]) == ("completed", 1, "reason/v1")
    assert run(["train", *place, "--curve"]) == 0
    assert [each["request"]["curve"] for each in jobs(capsys, place[-1])] == [True, False]


def jobs(capsys: pytest.CaptureFixture[str], store: str) -> list[dict[str, Any]]:
    """The jobs of a folder, the newest first."""
    capsys.readouterr()
    assert run(["jobs", "list", "--store", store, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_training_that_was_cancelled_is_another_job_the_next_time(
    questions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--task", "reason", "--store", str(tmp_path / "store")]
    assert run(["dataset", "build", *place, "--data", str(questions), "--no-corpus"]) == 0
    store = bootstrap.open_learning_store(load_settings(), tmp_path / "store")
    request = JobRequest(
        kind=JobKind.TRAIN,
        task="reason",
        documents=Documents(dataset=bootstrap.make_snapshots(store).find("reason", None).name),
    )
    first = bootstrap.training_job_id(load_settings(), store.jobs, request)
    store.jobs.submit(first, request, datetime.now(UTC))
    store.jobs.cancel(first, datetime.now(UTC))
    assert run(["train", *place]) == 0
    found = {each["job_id"]: each["status"] for each in jobs(capsys, place[-1])}
    assert found == {first: "cancelled", f"{first}-again-2": "completed"}


def test_without_a_dataset_it_says_how_to_make_one(
    questions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "--task", "reason", "--store", str(tmp_path / "store")]) != 0
    assert "dataset build" in capsys.readouterr().err
    assert questions.exists()
