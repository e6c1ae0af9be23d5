"""The pages that are derived from the code."""

from __future__ import annotations

from generate import DOCS, outdated, pages


def test_no_generated_page_is_out_of_date() -> None:
    assert outdated() == [], "run `make docs` and commit what it writes"


def test_every_schema_that_is_kept_is_generated() -> None:
    kept = {path for path in pages() if path.parent.name == "schemas"}
    assert kept == set((DOCS / "schemas").iterdir())
