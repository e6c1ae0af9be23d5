"""`ticketmill dataset` and `forget` in a folder, without AWS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ticketmill.entrypoints.cli import run


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "learning"


def labels(path: Path, count: int) -> Path:
    rows = (
        {"ticket_id": f"T{n}", "text": f"thing {n * 7919:x} of {n * 104729:x}", "team": "ab"[n % 2]}
        for n in range(count)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def answered(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> list[Any]:
    assert run([*arguments, "--json"]) == code
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_file_becomes_a_dataset_that_is_listed_shown_compared_and_forgets(
    tmp_path: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--task", "team", "--store", str(store))
    (first,) = answered(capsys, "dataset", "build", "--data", str(labels(tmp_path / "a.jsonl", 30)), *options)
    (second,) = answered(
        capsys, "dataset", "build", "--data", str(labels(tmp_path / "b.jsonl", 40)), *options
    )
    assert (second["examples"], second["parent"]) == (40, first["name"])
    assert [each["name"] for each in answered(capsys, "dataset", "list", *options)] == [
        second["name"],
        first["name"],
    ]
    assert answered(capsys, "dataset", "show", first["name"][:8], *options) == [first]
    (told,) = answered(capsys, "dataset", "diff", first["name"][:8], *options)
    assert len(told["added"]) == 10
    (forgotten,) = answered(capsys, "forget", "T3", "--yes", "--store", str(store))
    assert (forgotten["removed"]["datasets"], forgotten["left"]) == (2, {})
    assert not any(b"T3" in path.read_bytes() for path in store.rglob("*.json"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("dataset", "build", "--task", "team"), 'no task "team"'),
        (("dataset", "show", "--task", "team"), "no dataset of team"),
        (("dataset", "build", "--task", "team", "--data", "none.jsonl"), "none.jsonl cannot be read"),
        (("dataset", "build", "--task", "team", "--data", "short.jsonl"), "a has 1"),
    ],
)
def test_what_cannot_be_is_one_line_that_says_what_to_do(
    arguments: tuple[str, ...],
    told: str,
    tmp_path: Path,
    store: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    labels(tmp_path / "short.jsonl", 2)
    assert run([*arguments, "--store", str(store)]) != 0
    shown = capsys.readouterr().err
    assert told in shown
    assert "Traceback" not in shown
