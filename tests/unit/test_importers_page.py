"""docs/importers.md says what the code does."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ticketmill.entrypoints.cli import app
from ticketmill.entrypoints.cli.tickets import FROM_HELP
from ticketmill.importers import mail, msg
from ticketmill.importers.csv_table import HEADERS
from ticketmill.importers.imports import NAMES
from ticketmill.importers.sources import SOURCES

PAGE = (Path(__file__).parents[2] / "docs" / "importers.md").read_text(encoding="utf-8")
MAPS = {**{name: source.FIELDS for name, source in SOURCES.items()}, "eml": mail.FIELDS, "msg": msg.FIELDS}


@pytest.mark.parametrize("name", MAPS)
def test_the_map_of_a_source_is_the_one_in_the_code(name: str) -> None:
    _, _, section = PAGE.partition(f"`--from {name}`")
    rows = section.split("\n\n")[1].splitlines()[2:]
    assert rows == [f"| `{field}` | {origin} |" for field, origin in MAPS[name].items()]


def test_the_page_and_the_help_name_every_source_and_every_field_of_a_table() -> None:
    for name in NAMES:
        assert f"`--from {name}`" in PAGE
        assert name in FROM_HELP
    for field in HEADERS:
        assert f"`{field}`" in PAGE


def test_a_source_that_nobody_knows_is_told_with_the_nearest_one(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["drop", "--from", "zendesc", str(tmp_path)])
    assert done.exit_code == 2
    assert "zendesk" in done.output


def test_a_dry_run_shows_the_first_tickets_and_the_counts_and_needs_no_aws(tmp_path: Path) -> None:
    lines = [f'{{"key": "H-{number}", "summary": "Light"}}' for number in range(5)]
    (tmp_path / "a.jsonl").write_text("\n".join([*lines, '{"colour": "red"}']))
    done = CliRunner().invoke(app, ["drop", "--from", "auto", "--dry-run", str(tmp_path)])
    assert done.exit_code == 4
    assert done.stdout.count("jira-H-") == 3
    assert "5 tickets would be dropped, 1 refused" in done.stderr
    assert "a.jsonl:6: schema: expected a ticket or a payload of" in done.stderr
