"""What runs the pipeline on LocalStack: what its files name exists; ready means that the stack stands."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from ticketmill.entrypoints.cli import app
from ticketmill.settings import Settings

ROOT = Path(__file__).parents[2]
LOCALSTACK = ROOT / "localstack"
COMPOSE_FILE = LOCALSTACK / "compose.yaml"
WORKER_DEADLINE_S = 25
SETTINGS = {f"TICKETMILL_{name.upper()}" for name in Settings.model_fields}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found = yaml.safe_load(COMPOSE_FILE.read_text())["services"]
    assert isinstance(found, dict)
    return found


class TestCompose:
    def test_the_file_is_one_by_the_compose_specification(self) -> None:
        lint = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
        done = subprocess.run([*lint, COMPOSE_FILE], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout

    def test_docker_compose_reads_it(self) -> None:
        docker = shutil.which("docker")
        if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True).returncode:
            pytest.skip("no docker compose here; it is held to the specification's schema all the same")
        config = [docker, "compose", "--file", str(COMPOSE_FILE), "config", "--quiet"]
        done = subprocess.run(config, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def test_the_image_is_pinned_and_can_be_another_one(self, services: dict[str, Any]) -> None:
        assert services["localstack"]["image"] == "${LOCALSTACK_IMAGE:-localstack/localstack:4.14.0}"
        assert "LOCALSTACK_AUTH_TOKEN" in services["localstack"]["environment"]

    def test_its_page_tells_every_variable_and_its_default(self) -> None:
        rows = dict(
            re.findall(r"^\| `(\w+)` \|.*\| (.*?) ?\|$", (LOCALSTACK / "README.md").read_text(), re.M)
        )
        told = {name: default.strip("`") for name, default in rows.items()}
        assert told == dict(re.findall(r"\$\{(\w+):-([^}]*)\}", COMPOSE_FILE.read_text()))

    def test_nothing_listens_beyond_this_machine(self, services: dict[str, Any]) -> None:
        published = [port for service in services.values() for port in service.get("ports", [])]
        assert published
        assert all(port.startswith("127.0.0.1:") for port in published)

    def test_what_it_mounts_exists(self, services: dict[str, Any]) -> None:
        for volume in services["localstack"]["volumes"]:
            source, target, *mode = volume.split(":")
            if source.startswith("."):
                assert (LOCALSTACK / source).exists(), source
                assert mode == ["ro"], target

    def test_the_hook_can_be_executed_and_finds_its_template(self, services: dict[str, Any]) -> None:
        hook = LOCALSTACK / "init" / "ready.d" / "deploy.sh"
        assert os.access(hook, os.X_OK), "LocalStack executes it as it is"
        (default,) = re.findall(r"TICKETMILL_TEMPLATE:-([^}]+)", hook.read_text())
        assert f"../infra/template.yaml:{default}:ro" in services["localstack"]["volumes"]

    def test_it_is_healthy_when_the_hook_has_succeeded(self, services: dict[str, Any]) -> None:
        _, python, script = services["localstack"]["healthcheck"]["test"]
        assert python == "python3"
        assert f"./ready.py:{script}:ro" in services["localstack"]["volumes"]

    def test_the_worker_waits_for_the_stack_and_has_time_to_stop(self, services: dict[str, Any]) -> None:
        worker = services["worker"]
        assert worker["depends_on"] == {"localstack": {"condition": "service_healthy"}}
        assert int(worker["stop_grace_period"].removesuffix("s")) >= WORKER_DEADLINE_S + 10
        assert (LOCALSTACK / worker["build"]["context"] / worker["build"]["dockerfile"]).is_file()
        assert {name for name in worker["environment"] if name.startswith("TICKETMILL_")} <= SETTINGS

    def test_the_trainer_runs_only_where_it_is_asked_for_and_takes_from_the_learning_stacks_queue(
        self, services: dict[str, Any]
    ) -> None:
        trainer, worker = services["trainer"], services["worker"]
        assert trainer["profiles"] == ["learning"]
        assert "profiles" not in worker
        assert f" AS {trainer['build']['target']}\n" in (ROOT / "infra" / "worker.Dockerfile").read_text()
        assert {name for name in trainer["environment"] if name.startswith("TICKETMILL_")} <= SETTINGS
        _, _, queue = trainer["environment"]["TICKETMILL_TRAINING_QUEUE_URL"].rpartition("/")
        template = (ROOT / "infra" / "learning-service.yaml").read_text()
        named = queue.replace("${TICKETMILL_STACK:-ticketmill}", "${TicketsStack}")
        assert f'QueueName: !Sub "{named}"\n' in template

    def test_the_indexer_runs_only_where_it_is_asked_for_on_the_stack_that_the_hook_deploys(
        self, services: dict[str, Any]
    ) -> None:
        indexer = services["indexer"]
        assert indexer["profiles"] == ["search"]
        assert f" AS {indexer['build']['target']}\n" in (ROOT / "infra" / "worker.Dockerfile").read_text()
        beside = "../infra/search-service.yaml:/opt/ticketmill/search-service.yaml:ro"
        assert beside in services["localstack"]["volumes"]

    def test_workers_of_celery_are_the_trainers_image_and_scaled(self, services: dict[str, Any]) -> None:
        jobs, trainer = services["jobs-worker"], services["trainer"]
        assert (jobs["build"], jobs["profiles"]) == (trainer["build"], ["learning"])
        assert "container_name" not in jobs
        assert CliRunner().invoke(app, [*jobs["command"], "--help"]).exit_code == 0
        assert CliRunner().invoke(app, [*jobs["healthcheck"]["test"][2:], "--help"]).exit_code == 0

    def test_what_is_built_here_runs_on_a_read_only_root_without_rights(
        self, services: dict[str, Any]
    ) -> None:
        for name in ("worker", "trainer", "jobs-worker", "indexer"):
            assert services[name]["read_only"] is True
            assert services[name]["cap_drop"] == ["ALL"]
            assert services[name]["security_opt"] == ["no-new-privileges:true"]

    def test_worker_and_hook_speak_of_the_same_stack(self, services: dict[str, Any]) -> None:
        worker, localstack = (services[name]["environment"] for name in ("worker", "localstack"))
        assert worker["TICKETMILL_STACK"] == localstack["TICKETMILL_STACK"]


class TestReadiness:
    @contextmanager
    def localstack(self, answer: dict[str, Any]) -> Iterator[str]:
        class Init(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps(answer).encode()
                self.send_response(200 if self.path == "/_localstack/init/ready" else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Init) as server:
            Thread(target=server.serve_forever).start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()

    def check(self, endpoint_url: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-I", LOCALSTACK / "ready.py"],  # -I: it must do with Python alone
            env={"AWS_ENDPOINT_URL": endpoint_url},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stderr

    @staticmethod
    def script(state: str) -> dict[str, str]:
        return {"stage": "READY", "name": "deploy.sh", "state": state}

    def test_it_is_ready_when_the_hook_has_succeeded(self) -> None:
        with self.localstack({"completed": True, "scripts": [self.script("SUCCESSFUL")]}) as endpoint_url:
            assert self.check(endpoint_url) == (0, "")

    @pytest.mark.parametrize(
        ("completed", "scripts", "reason"),
        [
            (False, ["RUNNING"], "waiting for deploy.sh"),
            (False, ["UNKNOWN"], "waiting for deploy.sh"),
            (True, ["ERROR"], "failed: deploy.sh"),
            (True, [], "failed: no script"),
        ],
    )
    def test_an_open_port_is_not_enough(self, completed: bool, scripts: list[str], reason: str) -> None:
        answer = {"completed": completed, "scripts": [self.script(state) for state in scripts]}
        with self.localstack(answer) as endpoint_url:
            code, said = self.check(endpoint_url)
        assert code == 1
        assert reason in said

    def test_no_answer_is_not_ready(self) -> None:
        with self.localstack({}) as endpoint_url:
            pass
        code, said = self.check(endpoint_url)
        assert code == 1
        assert "no answer yet" in said


class TestHost:
    """localstack/host.py, as far as it goes without LocalStack; `make test-localstack` runs on all of it."""

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, LOCALSTACK / "host.py", *arguments],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def test_without_its_python_it_says_so_by_an_exit_code_of_its_own(self, tmp_path: Path) -> None:
        place = {
            "PATH": str(tmp_path),
            "HOME": str(tmp_path),
            "TICKETMILL_LOCALSTACK_DIR": str(tmp_path / "ls"),
        }
        for arguments in (["install"], ["run", "true"]):
            done = self.run(*arguments, **place)
            assert done.returncode == os.EX_UNAVAILABLE
            assert "needs Python 3.13" in done.stderr

    def test_an_environment_that_stands_is_not_made_again(self, tmp_path: Path) -> None:
        (tmp_path / "installed.lock").write_text((LOCALSTACK / "host.lock").read_text())
        place = {"PATH": "", "HOME": str(tmp_path), "TICKETMILL_LOCALSTACK_DIR": str(tmp_path)}
        assert self.run("install", **place).returncode == 0

    @pytest.mark.parametrize(
        "arguments", [["run"], ["up", "0"], ["up", "65535"], ["up", "http"], ["up", "1", "2"]]
    )
    def test_wrong_usage_is_told(self, arguments: list[str]) -> None:
        done = self.run(*arguments)
        assert done.returncode == 2
        assert "host.py install" in done.stderr

    def test_it_runs_at_the_port_that_is_asked_for(self, tmp_path: Path) -> None:
        (tmp_path / "installed.lock").write_text((LOCALSTACK / "host.lock").read_text())
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            done = self.run("up", str(port - 1), TICKETMILL_LOCALSTACK_DIR=str(tmp_path))
        assert done.returncode == 1
        assert f"http://127.0.0.1:{port}" in done.stderr

    def test_every_version_is_locked(self) -> None:
        lines = (LOCALSTACK / "host.lock").read_text().splitlines()
        pins = [line for line in lines if not line.startswith("#")]
        assert "localstack-core==4.14.0" in pins
        assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins)
