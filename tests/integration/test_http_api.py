"""`ticketmill serve` on the emulator: the commands of docs/http-api.md, in order, and how it stops."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_readme import DOCS, blocks

TICKETMILL = Path(sys.executable).with_name("ticketmill")


@pytest.fixture
def server(environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server in a process of its own, and its address."""
    process = subprocess.Popen(
        [TICKETMILL, "serve", "--port", "0"],
        env={**environment, "TICKETMILL_LOG_FORMAT": "text"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    found = re.search(r"http://\S+:\d+", line)
    assert found, line
    yield process, found[0]
    process.kill()
    process.communicate()


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - of our own server
        return json.load(answer)


@pytest.mark.timeout(300)
def test_every_command_of_the_page_works_in_order(
    server: tuple[subprocess.Popen[str], str], environment: dict[str, str], shell_path: str, tmp_path: Path
) -> None:
    process, address = server
    script = blocks(DOCS / "http-api.md").replace("http://127.0.0.1:8080", address)
    done = subprocess.run(
        ["bash", "-euxc", script],
        env={**environment, "PATH": shell_path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    row = get(f"{address}/api/v1/tickets/WEB-1")
    assert (row["urgency"], row["urgency_source"]) == ("critical", "person")
    history = get(f"{address}/api/v1/tickets/WEB-1/history")["events"]
    assert [each["kind"] for each in history] == ["corrected", "enriched", "uploaded"]
    assert get(f"{address}/api/v1/counts")["corrected"] == {"urgency": 1}
    assert get(f"{address}/api/v1/admin/classification-metrics")["processing_ms"]["mean"] > 0
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0
