"""The images of worker.Dockerfile: what they copy and install, whom they run as, and what they run."""

from __future__ import annotations

import json
import os
import re
import tomllib

import pytest
from test_infra import INFRA, PORT, ROOT, SETTINGS, template
from typer.testing import CliRunner

from ticketmill.entrypoints.cli import app

Stages = dict[str, list[str]]
"""The instructions of each stage of the Dockerfile, by its name."""


@pytest.fixture(scope="module")
def dockerfile() -> list[str]:
    """Its instructions, each on one line."""
    text = (INFRA / "worker.Dockerfile").read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def stages(dockerfile: list[str]) -> Stages:
    found: Stages = {}
    for line in dockerfile:
        if line.startswith("FROM "):
            current = found.setdefault(line.split()[-1], [])
        current.append(line)
    return found


def of(dockerfile: list[str], instruction: str) -> list[str]:
    return [line.removeprefix(instruction).strip() for line in dockerfile if line.startswith(instruction)]


def test_what_they_copy_exists_and_is_not_ignored(dockerfile: list[str]) -> None:
    copied = [line.split()[:-1] for line in of(dockerfile, "COPY ") if not line.startswith("--from")]
    sources = {source for each in copied for source in each}
    let_in = set(re.findall(r"^!(.+)$", (INFRA / "worker.Dockerfile.dockerignore").read_text(), re.M))
    assert sources == let_in
    assert all((ROOT / source).exists() for source in sources)


def test_what_the_wheel_is_built_of_is_copied(dockerfile: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["force-include"], project["project"]["readme"], *project["project"]["license-files"]}
    copied = " ".join(of(dockerfile, "COPY ")).split()
    assert needed <= set(copied)


def test_their_python_is_one_of_ours(dockerfile: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    froms = [re.fullmatch(r"(\S+) AS (\S+)", line) for line in of(dockerfile, "FROM ")]
    stages = {each[2]: each[1] for each in froms if each}
    assert len(stages) == len(froms)
    assert set(stages.values()) - set(stages) == {"python:3.13-slim"}
    assert project["requires-python"] == ">=3.11,<3.14"
    assert not any("torch" in each for each in project["dependencies"])


def test_what_they_need_is_installed_by_hash_from_the_lock_of_each(stages: Stages) -> None:
    for name, lock in (
        ("worker", "requirements.lock"),
        ("trainer", "requirements-train.lock"),
        ("indexer", "requirements-search.lock"),
    ):
        (copied,) = of(stages[name], "COPY ")
        made_by, *_ = copied.removeprefix("--from=").split()
        installs = [
            command
            for line in of(stages[made_by], "RUN ")
            for command in line.split("&&")
            if "/opt/ticketmill/venv/bin/pip install" in command
        ]
        by_hash, ours = (each.split() for each in installs)
        assert {"--require-hashes", lock} <= set(by_hash)
        assert "--no-deps" in ours


def test_they_run_a_command_of_ours_and_not_as_root(stages: Stages) -> None:
    assert of(stages["base"], "ENTRYPOINT ") == ['["ticketmill"]']
    assert of(stages["base"], "USER ") == ["10001"]
    for name, expected in (("worker", ["work"]), ("trainer", ["learn"]), ("indexer", ["index", "work"])):
        assert of(stages[name], "FROM ") == [f"base AS {name}"]
        assert of(stages[name], "USER ") == []
        (command,) = of(stages[name], "CMD ")
        assert json.loads(command) == expected
        assert CliRunner().invoke(app, [*expected, "--help"]).exit_code == os.EX_OK


def test_the_worker_is_what_a_build_without_a_target_makes(dockerfile: list[str]) -> None:
    assert of(dockerfile, "FROM ")[-1].endswith(" AS worker")


def test_their_variables_are_settings(dockerfile: list[str]) -> None:
    assert set(re.findall(r"TICKETMILL_\w+", "\n".join(dockerfile))) <= SETTINGS


def test_the_worker_listens_where_all_ask_for_health(stages: Stages) -> None:
    definition = template("ecs-service.yaml")["Resources"]["TaskDefinition"]["Properties"]
    (container,) = definition["ContainerDefinitions"]
    (check,) = of(stages["worker"], "HEALTHCHECK ")
    _, *command = container["HealthCheck"]["Command"]
    assert json.loads(check[check.index("[") :]) == command
    compile(command[-1], "healthcheck", "exec")
    assert f":{PORT}/healthz" in command[-1]
    assert f"TICKETMILL_METRICS_PORT={PORT}" in "".join(of(stages["worker"], "ENV "))
    assert {"Name": "TICKETMILL_METRICS_PORT", "Value": str(PORT)} in container["Environment"]


def test_every_documented_build_names_a_stage(stages: Stages) -> None:
    named = re.findall(r"--target (\S+)", (ROOT / "docs" / "deploy.md").read_text())
    assert named == ["trainer", "indexer"]
    assert set(named) <= set(stages)
