"""`ticketmill up` and `down`: what they say, print and refuse."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import TICKETMILL

from ticketmill.aws.clients import connect
from ticketmill.deploy.stack import Stack, check_region, find_stack
from ticketmill.domain.errors import SetupError
from ticketmill.entrypoints.cli.local import missing_variables

LOCAL = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}


@pytest.fixture
def variables(unused_endpoint: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Those of a shell that has nothing but an endpoint; what was started there is stopped."""
    made = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_ENDPOINT_URL": unused_endpoint}
    yield made
    run(made, "down")


def run(variables: dict[str, str], command: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [TICKETMILL, command], env=variables, capture_output=True, text=True, check=False, timeout=110
    )
    assert done.returncode == code, done.stderr
    return done


@pytest.mark.parametrize(
    ("given", "region"),
    [
        ({}, "us-east-1"),
        ({"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
    ],
)
def test_the_region_is_taken_from_either_variable_and_both_are_told(
    given: dict[str, str], region: str
) -> None:
    wanted = {**LOCAL, "AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    assert {**missing_variables(given), **given} == wanted
    assert not missing_variables(given).keys() & given.keys()


def test_up_works_with_aws_region_alone_and_behind_a_proxy_and_down_undoes_it(
    variables: dict[str, str],
) -> None:
    variables |= {"AWS_REGION": "eu-west-1", "HTTP_PROXY": "http://127.0.0.1:1"}
    done = run(variables, "up")
    exports = dict(line.removeprefix("export ").split("=", 1) for line in done.stdout.splitlines())
    assert exports["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert "127.0.0.1" in exports["NO_PROXY"].split(",")
    assert "AWS_REGION" not in exports, "the shell has it"
    assert 'eval "$(ticketmill down)"' in done.stderr

    wrong = {**variables, **exports, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
    for command in ("up", "list"):
        assert "is in region eu-west-1, and the region in use is us-east-1" in run(wrong, command, 3).stderr

    unset = run({**variables, **exports}, "down").stdout.split()
    assert unset[0] == "unset"
    assert {*LOCAL, "AWS_REGION", "AWS_DEFAULT_REGION"} <= set(unset)


def test_a_stack_of_another_region_is_named(
    stack: Stack, stack_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = os.environ["AWS_DEFAULT_REGION"]
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-1")
    elsewhere = connect()
    try:
        told = rf"stack {stack_name} is in region {here}, .* is ap-south-1"
        for look in (find_stack, check_region):
            with pytest.raises(SetupError, match=told):
                look(elsewhere, stack_name)
    finally:
        for client in (elsewhere.s3, elsewhere.sqs, elsewhere.dynamodb, elsewhere.cloudformation):
            client.close()
