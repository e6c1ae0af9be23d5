"""Asks the places and writes the table of docs/conformance.md: `make conformance`.

ministack is started and moto runs in this process; LocalStack is asked where `--localstack URL` says that it
answers. A place that is not asked keeps what it said last, and its column says so.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from documented import AWS
from places import Place, localstack, ministack, moto
from questions import QUESTIONS, ask

DOCUMENT = Path(__file__).parents[2] / "docs" / "conformance.md"
BEGIN, END = "<!-- asked: begin -->", "<!-- asked: end -->"
NOT_ASKED = ", not asked in the last run"
UNKNOWN = "not asked: not running"

Column = tuple[str, Mapping[str, str]]
"""The place with its version, and its answers by question."""


def asked(opened: AbstractContextManager[Place]) -> Column:
    """The column of a place that answers."""
    with opened as place:
        answers = {name: ask(place, question) for name, question in QUESTIONS.items()}
        return f"{place.name} {place.version}", answers


def remembered(document: str, name: str) -> Column:
    """The column of a place that does not answer now: what the document holds, marked as old."""
    for heading, answers in columns(document):
        if heading.startswith(f"{name} "):
            return heading.removesuffix(NOT_ASKED) + NOT_ASKED, answers
    return name, {}


def columns(document: str) -> list[Column]:
    """The columns of the document's table, by place; none where it has no table."""
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in _parts(document)[1].splitlines()
        if line.startswith("|")
    ]
    if not rows:
        return []
    (_, *headings), _, *body = rows
    return [
        (heading, {row[0]: row[place] for row in body}) for place, heading in enumerate(headings, start=1)
    ]


def render(found: Iterable[Column]) -> str:
    """The table, one line a question."""
    listed = list(found)
    lines = [
        _line("", *(heading for heading, _ in listed)),
        _line(*["---"] * (len(listed) + 1)),
        *(_line(name, *(answers.get(name, UNKNOWN) for _, answers in listed)) for name in QUESTIONS),
    ]
    return "\n".join(lines)


def replaced(document: str, table: str) -> str:
    """The document with another table."""
    before, _, after = _parts(document)
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def _parts(document: str) -> tuple[str, str, str]:
    """What stands before the markers, between them and after them."""
    before, begun, rest = document.partition(BEGIN)
    between, ended, after = rest.partition(END)
    if not begun or not ended:
        raise SystemExit(f"{DOCUMENT} has no {BEGIN} … {END}: put them where the table belongs")
    return before, between, after


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--localstack", metavar="URL", help="where it answers")
    given = parser.parse_args().localstack
    document = DOCUMENT.read_text(encoding="utf-8")
    found = [
        ("AWS, by its documentation", AWS),
        asked(localstack(given)) if given else remembered(document, "LocalStack"),
        asked(ministack()),
        asked(moto()),
    ]
    DOCUMENT.write_text(replaced(document, render(found)), encoding="utf-8")
    print(f"wrote the table of {DOCUMENT}")


if __name__ == "__main__":
    main()
