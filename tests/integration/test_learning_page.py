"""docs/learning.md: the circle from labels to a version that serves, and back, as a reader walks it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from page_commands import run_page

from ticketmill.deploy import emulator as ministack


@pytest.fixture
def place(tmp_path: Path, bundle_dir: Path, unused_endpoint: str) -> Iterator[dict[str, str]]:
    """The variables of an emulator of the page's own: its stack has the name that everybody's has."""
    yield {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_ENDPOINT_URL": unused_endpoint,
        "TICKETMILL_BUNDLE": str(bundle_dir),
    }
    ministack.stop(unused_endpoint, tmp_path)


@pytest.mark.timeout(300)
def test_the_circle_of_the_page_goes_around(place: dict[str, str], shell_path: str, tmp_path: Path) -> None:
    done = run_page("learning", place, shell_path, tmp_path)

    assert "120 imported, 0 unchanged, 0 refused" in done.stderr + done.stdout
    assert "desk/v1: accuracy" in done.stdout
    assert "What competed" in done.stdout
    assert "desk/v1 serves" in done.stdout
    listed, _, rest = done.stdout.partition("tickets since")[2].partition("Decisions, the latest first")
    assert "orders" in listed
    assert [change for change in ("rollback", "promote", "canary", "shadow") if change in rest] == [
        "rollback",
        "promote",
        "canary",
        "shadow",
    ]
    assert (tmp_path / "reliability.svg").read_text(encoding="utf-8").startswith("<svg")
