"""The JSON Schemas against the types and against real tickets."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from raw_tickets import document
from typer.testing import CliRunner

from ticketmill.domain.intake import parse_ticket
from ticketmill.domain.row import TicketRow
from ticketmill.domain.schemas import RECORDS, SchemaName, field_docs, models_within, schema_of
from ticketmill.entrypoints.cli import app

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "events" / "samples").glob("*.json"))
NAMES: list[SchemaName] = ["ticket", "record", "row", "event", "rules", "surge"]


def violations(name: SchemaName, instance: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator(schema_of(name))
    return [error.message for error in validator.iter_errors(instance)]


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_is_a_valid_schema(name: SchemaName) -> None:
    jsonschema.Draft202012Validator.check_schema(schema_of(name))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_ticket_fits_the_schema_of_raw_tickets(sample: Path) -> None:
    assert violations("ticket", json.loads(sample.read_bytes())) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"ticket_id": 7},
        {"priority": "p1"},
        {"priority": {"name": "High"}},
        {"priority": None},
        {"created_at": 1700000000.5},
        {"created_at": "2026-11-21"},
        {"subject": None},
        {"body": 42},
        {"customer_id": 9},
        {"metadata": None},
        {"metadata": {"tags": None, "shop": {"id": 7}}},
        {"metadata": {"tags": ["login", 2]}},
        {"metadata": {"tags": "vip,refund", "source": {"channel": "chat"}}},
        {"customer_id": {"id": 7}},
        {"created_at": {"$date": "2026-11-21T00:00:00Z"}},
        {"created_at": 1700000000000},
        {"channel": "chat", "extra": {"a": 1}},
    ],
    ids=str,
)
def test_what_is_accepted_fits_the_schema(fields: dict[str, Any]) -> None:
    raw = document(**fields)
    assert parse_ticket(raw).warnings == ()
    assert violations("ticket", json.loads(raw)) == []


@pytest.mark.parametrize(
    "fields", [{"ticket_id": ["T"]}, {"body": ["text"]}, {"priority": 2}, {"metadata": "x"}], ids=str
)
def test_what_is_read_with_a_warning_or_not_at_all_does_not_fit(fields: dict[str, Any]) -> None:
    assert violations("ticket", json.loads(document(**fields))) != []


def test_a_ticket_needs_an_id_and_a_subject_or_a_body() -> None:
    assert violations("ticket", {"ticket_id": "T-1", "body": "Help."}) == []
    assert violations("ticket", {"ticket_id": "T-1"}) != []
    assert violations("ticket", {"body": "Help."}) != []


def test_a_row_fits_its_schema() -> None:
    now = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
    raw = {"bucket": "raw", "key": "tickets/T-1.json", "version_id": None, "etag": "e", "last_modified": now}
    row = TicketRow.model_validate(
        {"ticket_id": "T-1", "status": "enriched", "raw": raw, "content_hash": "c", "processed_at": now}
    )
    assert violations("row", row.model_dump(mode="json")) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_field_has_a_description(name: SchemaName) -> None:
    without = {
        model.__name__: sorted(set(model.model_fields) - set(field_docs(model)))
        for model in models_within(RECORDS[name])
    }
    assert {model: fields for model, fields in without.items() if fields} == {}


@pytest.mark.parametrize("name", NAMES)
def test_the_command_prints_the_schema(name: SchemaName) -> None:
    done = CliRunner().invoke(app, ["schema", name])
    assert done.exit_code == 0
    assert json.loads(done.stdout) == schema_of(name)
