"""docs/reading.md shows what is really read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ticketmill.text.reading import read_text

PAGE = (Path(__file__).parents[2] / "docs" / "reading.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```before\n(.*?)\n```\n```after\n(.*?)\n```", PAGE, re.DOTALL)


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) == PAGE.count("```before") == PAGE.count("```after") > 3


@pytest.mark.parametrize(("before", "after"), EXAMPLES)
def test_an_example_reads_as_it_is_shown(before: str, after: str) -> None:
    lines = (" ".join(line.split()) for line in read_text(before).text.split("\n"))
    assert [line for line in lines if line] == after.split("\n")
