"""docs/deploy.md: what can be run is run in its order by a shell, the rest is read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ticketmill.deploy import emulator as ministack
from ticketmill.deploy.stack import template_body

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


def blocks(language: str) -> str:
    return "\n".join(re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


@pytest.fixture
def place(tmp_path: Path, unused_endpoint: str, shell_path: str) -> Iterator[dict[str, str]]:
    """The variables of an emulator of the page's own: its stack has the name that everybody's has."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    yield {
        **ours,
        "AWS_ENDPOINT_URL": unused_endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "PATH": shell_path,
    }
    ministack.stop(unused_endpoint, tmp_path)


@pytest.mark.timeout(240)
def test_what_can_be_run_of_the_page_works_in_its_order(
    place: dict[str, str], tmp_path: Path, unused_endpoint: str
) -> None:
    ministack.start(unused_endpoint, tmp_path)
    script = blocks("sh").replace("/tmp/", f"{tmp_path}/")  # noqa: S108
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env=place,
        capture_output=True,
        text=True,
        check=False,
        timeout=220,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert "TKT-001.json" in done.stdout, "what the deleted stack left"
    assert re.search(r"Import\W+RawBucket", done.stdout), "what would be taken in again"


def test_what_needs_aws_is_valid_shell() -> None:
    done = subprocess.run(["bash", "-n", "-c", blocks("bash")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_parameter_that_is_given_is_one_of_a_template() -> None:
    known = set()
    services = ("ecs", "web", "learning", "celery", "search")
    others = (ROOT / "infra" / f"{name}-service.yaml" for name in services)
    for text in (template_body(), *(each.read_text(encoding="utf-8") for each in others)):
        section = re.search(r"^Parameters:\n(.*?)^\S", text, re.MULTILINE | re.DOTALL)
        assert section is not None
        known |= set(re.findall(r"^  (\w+):$", section[1], re.MULTILINE))
    given = set(re.findall(r"--parameter (\w+)=", PAGE))
    assert given
    assert given - {"NAME"} <= known


def test_every_parameter_of_the_template_is_in_the_page() -> None:
    section = re.search(r"^Parameters:\n(.*?)^\S", template_body(), re.MULTILINE | re.DOTALL)
    assert section is not None
    for name in re.findall(r"^  (\w+):$", section[1], re.MULTILINE):
        assert f"`{name}`" in PAGE, name


def test_every_flag_and_every_alarm_is_in_the_page() -> None:
    shown = subprocess.run(
        [Path(sys.executable).with_name("ticketmill"), "deploy", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "200"},
    ).stdout
    for flag in set(re.findall(r"--[a-z-]+", shown)) - {"--help", "--no-dry-run"}:
        assert f"`{flag}" in PAGE, flag
    for alarm in re.findall(r"^  (\w+Alarm):$", template_body(), re.MULTILINE):
        assert f"`{alarm}`" in PAGE, alarm
