"""`ticketmill doctor`: one line a part, what to do, and an exit code."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ticketmill.entrypoints.cli import run
from ticketmill.entrypoints.cli.doctor import Verdict, _clock, _disk

Findings = dict[str, dict[str, str]]


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "TICKETMILL_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def findings(capsys: pytest.CaptureFixture[str], code: int) -> Findings:
    assert run(["doctor", "--json"]) == code
    return {each["name"]: each for each in json.loads(capsys.readouterr().out)}


def test_a_bare_machine_is_not_ready_and_each_line_says_what_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = findings(capsys, code=3)
    assert found.keys() >= {
        "python",
        "processor",
        "telemetry",
        "settings",
        "extras",
        "disk",
        "bundle",
        "region",
    }
    assert found["telemetry"]["verdict"] == "ok"
    assert found["bundle"]["verdict"] == "fail"
    assert "ticketmill models build" in found["bundle"]["found"]
    assert "AWS_DEFAULT_REGION" in found["region"]["found"]


def test_people_get_one_line_a_part(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor"]) == 3
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[:3]] == ["python", "processor", "telemetry"]
    assert {line.split()[0] for line in lines} <= {"ok", "warn", "fail"}


def test_telemetry_that_a_user_allows_is_a_warning(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    telemetry = findings(capsys, code=3)["telemetry"]
    assert (telemetry["verdict"], telemetry["what_to_do"]) == ("warn", "unset ORT_DISABLE_TELEMETRY")


def test_a_wrong_setting_ends_it_after_what_needs_none(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TICKETMILL_THREDS", "2")
    found = findings(capsys, code=3)
    assert "did you mean TICKETMILL_THREADS?" in found["settings"]["found"]
    assert "bundle" not in found


def test_a_named_model_without_its_extra_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setenv("TICKETMILL_SENTIMENT", "hf:somebody/something")
    extras = findings(capsys, code=3)["extras"]
    assert (extras["verdict"], extras["what_to_do"]) == ("fail", "pip install 'ticketmill[hub]'")


def test_nobody_at_the_endpoint_fails_and_its_stack_is_not_looked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    found = findings(capsys, code=3)
    assert (found["region"]["verdict"], found["endpoint"]["verdict"]) == ("warn", "fail")
    assert "ticketmill up" in found["endpoint"]["what_to_do"]
    assert "stack" not in found


@pytest.mark.parametrize(
    ("ahead_s", "verdict", "told"),
    [
        (0.9, Verdict.OK, "right"),
        (-30.0, Verdict.OK, "30 s ahead of"),
        (90.0, Verdict.WARN, "90 s behind"),
        (-400.0, Verdict.FAIL, "400 s ahead of"),
    ],
)
def test_a_clock_that_is_off_is_told(ahead_s: float, verdict: Verdict, told: str) -> None:
    found = _clock(ahead_s)
    assert found.verdict is verdict
    assert told in found.found
    assert bool(found.what_to_do) is (verdict is not Verdict.OK)


def test_a_cache_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = _disk(tmp_path / "file" / "cache")
    assert (found.verdict, found.what_to_do) == (Verdict.FAIL, "set TICKETMILL_CACHE_DIR")
    assert not (tmp_path / "new" / "cache").exists()
    assert _disk(tmp_path / "new" / "cache").verdict is not Verdict.FAIL
