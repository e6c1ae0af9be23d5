"""`ticketmill rules check` and `list`: what they say of a file, without AWS."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ticketmill.entrypoints.cli import app, run
from ticketmill.entrypoints.cli.output import ExitCode

GOOD = "rules: [{id: a, filters: {urgency: critical}, send: {to: slack, url_env: SLACK_URL}}]"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(GOOD)
    return path


def test_a_good_file_has_no_faults(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_URL", "https://hooks.example/x")
    done = CliRunner().invoke(app, ["rules", "check", str(file)])
    assert (done.exit_code, done.stdout) == (ExitCode.DONE, "1 rule, nothing wrong\n")


def test_a_secret_that_is_not_set_and_a_wrong_label_are_findings(file: Path) -> None:
    file.write_text(GOOD.replace("critical", "criticl"))
    done = CliRunner().invoke(app, ["rules", "check", str(file), "--json"])
    assert done.exit_code == ExitCode.FINDINGS
    faults = [each["fault"] for each in json.loads(done.stdout)["faults"]]
    assert len(faults) == 2
    assert "no urgency 'criticl'" in faults[0]
    assert "SLACK_URL is not set" in faults[1]


def test_a_file_that_is_no_file_of_rules_is_told_in_one_line(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("rules: [{id: a}]")
    assert run(["rules", "list", str(file)]) == ExitCode.NOT_READY
    assert "rule a: send: Field required" in capsys.readouterr().err


def test_without_a_file_it_says_what_to_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "list"]) == ExitCode.NOT_READY
    assert "set TICKETMILL_RULES" in capsys.readouterr().err


def test_the_list_says_when_what_and_where_to(file: Path) -> None:
    done = CliRunner().invoke(app, ["rules", "list", str(file)])
    assert done.exit_code == 0
    for part in ("a", "becomes", "urgency=critical", "slack"):
        assert part in done.stdout
