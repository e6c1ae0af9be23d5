"""An audit that could look nothing up must not pass for one that found nothing."""

from __future__ import annotations

import json
import runpy
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

AUDIT = Path(__file__).parents[2] / "infra" / "audit.py"
ADVISORY = {"id": "GHSA-0", "fix_versions": ["9.9"]}

Answer = Callable[[str, str], list[dict[str, Any]] | None]


@pytest.fixture
def audit(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs the audit; `answer` has what pip-audit says of a file, asked of a service, None where it fails."""

    def run(answer: Answer, *arguments: str) -> int:
        def pip_audit(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
            requirements, service = Path(command[command.index("--requirement") + 1]), command[-1]
            dependencies = answer(requirements.name, service)
            said = "" if dependencies is None else json.dumps({"dependencies": dependencies})
            return subprocess.CompletedProcess(command, 0, stdout=said, stderr="")

        monkeypatch.setattr(subprocess, "run", pip_audit)
        monkeypatch.setattr("sys.argv", ["audit", *arguments])
        exit_code: int = runpy.run_path(str(AUDIT))["main"]()
        return exit_code

    return run


def dependency(*advisories: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "thing", "version": "1.0", "vulns": list(advisories), **more}


def knows_the_known_bad(name: str, locked: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    return [dependency(ADVISORY)] if name == "known-bad.txt" else locked


@pytest.mark.parametrize(
    "answer",
    [None, [], [dependency()], [{"name": "thing", "version": "1.0", "skip_reason": "not found"}]],
    ids=["fails", "says nothing", "knows of nothing", "passes over it"],
)
def test_a_database_that_does_not_know_what_is_known_to_be_bad_is_not_believed(
    audit: Callable[..., int], answer: list[dict[str, Any]] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit(lambda *_: answer) == 0
    assert "NOT AUDITED" in capsys.readouterr().err
    assert audit(lambda *_: answer, "--required") == 3


def test_nothing_found_by_a_database_that_knows_its_matter_is_good(
    audit: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit(lambda name, _: knows_the_known_bad(name, [dependency()]), "--required") == 0
    assert "requirements-dev.lock: 0 advisories, by pypi" in capsys.readouterr().out


def test_the_second_database_is_asked_where_the_first_is_out_of_reach(
    audit: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    answer: Answer = lambda name, service: (  # noqa: E731
        None if service == "pypi" else knows_the_known_bad(name, [dependency()])
    )
    assert audit(answer, "--required") == 0
    assert "by osv" in capsys.readouterr().out


def test_an_advisory_fails_the_audit_and_is_named(
    audit: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit(lambda name, _: knows_the_known_bad(name, [dependency(ADVISORY)])) == 1
    assert "thing 1.0: GHSA-0, mended in ['9.9']" in capsys.readouterr().out


def test_a_dependency_that_was_passed_over_fails_the_audit(audit: Callable[..., int]) -> None:
    passed_over = [{"name": "thing", "version": "1.0", "skip_reason": "not found"}]
    assert audit(lambda name, _: knows_the_known_bad(name, passed_over)) == 3
