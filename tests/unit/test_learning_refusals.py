"""What a refusal of learning is to a script and to a program."""

from __future__ import annotations

import pytest

from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.entrypoints.cli.failures import failure_of
from ticketmill.entrypoints.cli.output import ExitCode
from ticketmill.entrypoints.web.problems import problem_of

SAID = "37 audits, 200 are needed: label more of them"


@pytest.mark.parametrize("code", LearningCode)
def test_every_refusal_has_its_code_and_says_what_to_do(code: LearningCode) -> None:
    refused = LearningRefused(code, SAID)
    failure, problem = failure_of(refused), problem_of(refused)
    assert failure is not None
    assert failure.message == f"{SAID} [{code}]"
    assert failure.code in {ExitCode.REFUSED, ExitCode.NOT_FOUND, ExitCode.USAGE}
    assert problem is not None
    assert (problem.code, problem.detail) == (code, SAID)
    assert 400 <= problem.status_code < 500


@pytest.mark.parametrize(
    ("code", "exit_code", "status"),
    [
        (LearningCode.GATE_FAILED, ExitCode.REFUSED, 409),
        (LearningCode.JOB_RUNNING, ExitCode.REFUSED, 409),
        (LearningCode.UNKNOWN_VERSION, ExitCode.NOT_FOUND, 404),
        (LearningCode.UNKNOWN_LABEL, ExitCode.USAGE, 422),
        (LearningCode.TOO_FEW_LABELS, ExitCode.REFUSED, 422),
        (LearningCode.STALE_CONTENT, ExitCode.REFUSED, 412),
    ],
)
def test_refusals_are_told_apart(code: LearningCode, exit_code: ExitCode, status: int) -> None:
    failure, problem = failure_of(LearningRefused(code, SAID)), problem_of(LearningRefused(code, SAID))
    assert failure is not None
    assert problem is not None
    assert (failure.code, problem.status_code) == (exit_code, status)
