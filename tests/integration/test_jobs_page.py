"""docs/jobs.md: jobs in a folder, as a reader walks through them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from page_commands import run_page


@pytest.mark.timeout(300)
def test_the_jobs_of_the_page_are_completed(bundle_dir: Path, shell_path: str, tmp_path: Path) -> None:
    done = run_page("jobs", {**os.environ, "TICKETMILL_BUNDLE": str(bundle_dir)}, shell_path, tmp_path)
    assert "weighted_f1" in done.stdout
    listed = done.stdout.partition("4 jobs")[2]
    assert listed.count("completed") >= 4
    assert "failed" not in listed
    assert "desk/v1" in listed
