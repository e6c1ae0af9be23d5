"""The commands of the README and of the pages in docs/, run in order by a shell, as a reader would."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
LOCALSTACK_PAGE = ROOT / "localstack" / "README.md"
AWSLOCAL_PAGE = DOCS / "awslocal.md"

TRIED_HERE = ("worker", "dead-letters", "taxonomy", "corrections")
"""Pages that go on where the README ends. docs/awslocal.md has a test of its own."""

STOP = "ticketmill down\n"
EVENT_OF_901 = re.compile(r'\\"key\\": ?\\"tickets/TKT-901\.json')


def blocks(page: Path, language: str = "sh") -> str:
    """The page's blocks of a language, as one text."""
    text = page.read_text(encoding="utf-8")
    return "\n".join(re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def shell_environment(
    tmp_path: Path, unused_endpoint: str, bundle_dir: Path, shell_path: str
) -> Iterator[dict[str, str]]:
    """A place of its own: `ticketmill up` must start it and `ticketmill down` stop it."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = {
        **ours,
        "AWS_ENDPOINT_URL": unused_endpoint,
        "PATH": shell_path,
        "TMPDIR": str(tmp_path),
    }
    yield environment
    # where a command failed, the README's own `ticketmill down` was not reached
    subprocess.run(["ticketmill", "down"], env=environment, capture_output=True, check=True, timeout=60)


@pytest.mark.timeout(660)
def test_every_command_of_the_readme_and_its_pages_works_in_order(
    shell_environment: dict[str, str], tmp_path: Path, unused_port: int
) -> None:
    readme = blocks(README)
    assert readme.endswith(STOP)
    pages = "\n".join(blocks(DOCS / f"{name}.md") for name in TRIED_HERE)
    # where a command fails, the worker in the background must not outlive it
    script = "trap 'jobs -p | xargs -r kill' EXIT\n" + readme.removesuffix(STOP) + pages + STOP
    script = script.replace("/tmp/", f"{tmp_path}/").replace("9464", str(unused_port))  # noqa: S108
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env=shell_environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert "TKT-900" in done.stdout
    assert "unreadable_message" in done.stdout, "the dead letter"
    assert "stopped the emulator" in done.stderr
    assert 'ticketmill_tickets_total{result="enriched"} 1.0' in done.stdout
    log = [json.loads(line) for line in (tmp_path / "worker.log").read_text(encoding="utf-8").splitlines()]
    assert [line["ticket_id"] for line in log if line["message"] == "upload enriched"] == ["TKT-902"]
    assert_shown_record_is_real((tmp_path / "enriched.jsonl").read_text(encoding="utf-8"))


def assert_shown_record_is_real(line: str) -> None:
    """The README's record is the one that the command prints, but for times and the last digits."""
    real, shown = json.loads(line), json.loads(blocks(README, "json"))
    real_enrichment, shown_enrichment = real["enrichment"], shown.pop("enrichment")
    assert {name: real[name] for name in shown} == shown
    assert set(shown_enrichment) == set(real_enrichment)
    assert shown_enrichment["embedding"] == pytest.approx(real_enrichment["embedding"][:3], abs=0.02)
    for task in ("intent", "urgency", "sentiment"):
        assert shown_enrichment[task]["label"] == real_enrichment[task]["label"]
        assert shown_enrichment[task]["confidence"] == pytest.approx(
            real_enrichment[task]["confidence"], abs=0.05
        )
    for field in ("summary", "models", "status", "language", "tokens"):
        assert shown_enrichment[field] == real_enrichment[field], field


@pytest.mark.localstack
@pytest.mark.timeout(330)
def test_the_walk_with_awslocal_works_where_the_tests_run(
    environment: dict[str, str], stack_name: str, shell_path: str, tmp_path: Path
) -> None:
    """On LocalStack without Docker, too, as its page says: there the table has an endpoint of its own."""
    here = environment["AWS_ENDPOINT_URL"]
    page = blocks(LOCALSTACK_PAGE)
    page = page.replace("http://127.0.0.1:4566", here)
    page = page.replace("http://127.0.0.1:4567", environment.get("AWS_ENDPOINT_URL_DYNAMODB", here))
    walk = blocks(AWSLOCAL_PAGE).replace("ticketmill-", f"{stack_name}-")
    walk = walk.replace("/tmp/", f"{tmp_path}/")  # noqa: S108
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", page + walk],
        env={**environment, "PATH": shell_path},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r'"ApproximateNumberOfMessages": "[1-9]', done.stdout)
    assert EVENT_OF_901.search(done.stdout), "the event on the queue"
    assert re.search(r'\[\s*"enriched#\w+"\s*\]\s*$', done.stdout), "one row is enriched"
    enriched = json.loads((tmp_path / "enriched.json").read_text(encoding="utf-8"))
    assert enriched["ticket_id"] == "TKT-901"
    assert enriched["extra"] == {"seat": "12A"}
    assert enriched["enrichment"]["status"] == "enriched"
    assert len(enriched["enrichment"]["embedding"]) == 384


def test_the_examples_of_the_python_api_run(bundle_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "bundles").mkdir()
    (tmp_path / "bundles" / "current").symlink_to(bundle_dir)
    done = subprocess.run(
        [sys.executable, "-c", blocks(DOCS / "api.md", "python")],
        cwd=tmp_path,
        env={**os.environ, "TICKETMILL_BUNDLE": str(bundle_dir)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    prediction, rejection = done.stdout.splitlines()
    assert prediction.split()[0] == "payment_issue"
    assert rejection.startswith("empty_text body [")
