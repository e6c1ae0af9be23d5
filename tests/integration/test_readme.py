"""The README's own commands, run in its order by a shell, as a reader would."""

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
LOCALSTACK_PAGE = ROOT / "localstack" / "README.md"

EVENT_OF_901 = re.compile(r'\\"key\\": ?\\"tickets/TKT-901\.json')


def commands(text: str) -> str:
    """Every block that is marked as shell."""
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))


def section(title: str) -> str:
    """The README from a heading to the next one."""
    (found,) = re.findall(
        rf"^(#+ {re.escape(title)}\n.*?)^#", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    return str(found)


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def shell_environment(tmp_path: Path, unused_endpoint: str, bundle_dir: Path) -> Iterator[dict[str, str]]:
    """A place of its own: `ticketmill up` must start it and `ticketmill down` stop it."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = {
        **ours,
        "AWS_ENDPOINT_URL": unused_endpoint,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "TMPDIR": str(tmp_path),
    }
    yield environment
    # Where a command failed, the README's own `ticketmill down` was not reached.
    subprocess.run(["ticketmill", "down"], env=environment, capture_output=True, check=True, timeout=60)


@pytest.mark.timeout(240)
def test_every_command_of_the_readme_works_in_its_order(
    shell_environment: dict[str, str], tmp_path: Path, unused_port: int
) -> None:
    # Where a command fails, the worker in the background must not outlive it.
    script = "trap 'jobs -p | xargs -r kill' EXIT\n" + commands(README.read_text(encoding="utf-8"))
    script = script.replace("/tmp/", f"{tmp_path}/").replace("9464", str(unused_port))  # noqa: S108
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env=shell_environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=220,
    )
    assert done.returncode == 0, done.stderr
    assert "TKT-900" in done.stdout
    assert EVENT_OF_901.search(done.stdout), "the event of the upload with awslocal"
    assert "unreadable_message" in done.stdout, "the dead letter"
    assert "stopped the emulator" in done.stderr
    enriched = json.loads((tmp_path / "enriched.json").read_text(encoding="utf-8"))
    assert enriched["ticket_id"] == "TKT-901"
    assert enriched["extra"] == {"seat": "12A"}
    assert len(enriched["enrichment"]["embedding"]) == 384
    assert 'ticketmill_tickets_total{result="enriched"} 1.0' in done.stdout
    log = [json.loads(line) for line in (tmp_path / "worker.log").read_text(encoding="utf-8").splitlines()]
    assert [line["ticket_id"] for line in log if line["message"] == "upload enriched"] == ["TKT-902"]
    (line,) = (tmp_path / "enriched.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["ticket_id"] == "T1"


def test_the_walk_with_awslocal_works_where_the_tests_run(
    environment: dict[str, str], stack_name: str, tmp_path: Path
) -> None:
    """On LocalStack without Docker, too, as its page says: there the table has an endpoint of its own."""
    here = environment["AWS_ENDPOINT_URL"]
    page = commands(LOCALSTACK_PAGE.read_text(encoding="utf-8"))
    page = page.replace("http://127.0.0.1:4566", here)
    page = page.replace("http://127.0.0.1:4567", environment.get("AWS_ENDPOINT_URL_DYNAMODB", here))
    walk = commands(section("With awslocal, or boto3")).replace("ticketmill-", f"{stack_name}-")
    walk = walk.replace("/tmp/", f"{tmp_path}/")  # noqa: S108
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", page + walk],
        env={**environment, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r'"ApproximateNumberOfMessages": "[1-9]', done.stdout)
    assert EVENT_OF_901.search(done.stdout), "the event on the queue"
    assert done.stdout.rstrip().endswith("\n1"), "one row is enriched today"
    enriched = json.loads((tmp_path / "enriched.json").read_text(encoding="utf-8"))
    assert enriched["ticket_id"] == "TKT-901"
    assert enriched["enrichment"]["status"] == "enriched"


def test_what_the_pages_make_are_targets_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    readme, page = (path.read_text(encoding="utf-8") for path in (README, LOCALSTACK_PAGE))
    assert re.findall(r"^make ([\w-]+)", readme, re.MULTILINE)[:2] == ["demo", "test"], "the two commands"
    for target in re.findall(r"(?:^|`)make ([\w-]+)", readme + page, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
