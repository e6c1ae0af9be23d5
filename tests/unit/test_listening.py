"""Nothing of ours listens beyond this machine unless somebody says so."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path

import pytest
import yaml

from ticketmill.deploy import emulator
from ticketmill.domain.errors import SetupError
from ticketmill.entrypoints.cli.local import LOCAL_ENDPOINT_URL
from ticketmill.settings import Settings

ROOT = Path(__file__).parents[2]
EVERYWHERE = re.compile(r"0\.0\.0\.0|\[::\]|INADDR_ANY")
SAID = {
    # Kubernetes asks for health from outside the pod; the manifest says so in its own words
    "infra/keda.yaml",
    # a container serves whom its security group and its load balancer let in
    "infra/web-service.yaml",
    # a worker may be told to: whoever asks it about its models asks on loopback then
    "src/ticketmill/entrypoints/cli/named_models.py",
}


def test_the_worker_listens_nowhere_and_then_on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TICKETMILL_METRICS_HOST", "TICKETMILL_METRICS_PORT"):
        monkeypatch.delenv(name, raising=False)
    settings = Settings()
    assert settings.metrics_port is None
    assert ipaddress.ip_address(settings.metrics_host).is_loopback


def test_the_emulator_of_up_is_on_loopback_unless_somebody_says_otherwise() -> None:
    host, _ = emulator._loopback(LOCAL_ENDPOINT_URL)
    assert ipaddress.ip_address(host).is_loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com"])  # noqa: S104
def test_no_emulator_is_started_beyond_loopback(host: str) -> None:
    with pytest.raises(SetupError, match="on this machine"):
        emulator._loopback(f"http://{host}:4566")


def test_no_file_of_ours_says_everywhere_but_those_that_explain_why() -> None:
    folders = ("src", "infra", "localstack")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    said = set()
    for path in [*files, ROOT / "Makefile"]:
        if path.suffix in {".py", ".yaml", ".sh", ".Dockerfile", ""} and EVERYWHERE.search(path.read_text()):
            said.add(str(path.relative_to(ROOT)))
    assert said <= SAID


def test_ports_that_compose_publishes_are_of_loopback() -> None:
    for path in (ROOT / "localstack").glob("*.yaml"):
        services = (yaml.safe_load(path.read_text()) or {}).get("services", {})
        for port in (port for service in services.values() for port in service.get("ports", [])):
            assert str(port).startswith(("127.0.0.1:", "${")), f"{path.name}: {port}"
