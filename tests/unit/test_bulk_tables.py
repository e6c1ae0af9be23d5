"""Parquet in and out of bulk runs."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes import FakeEnricher

from ticketmill.bulk import tables
from ticketmill.bulk.cutting import cut
from ticketmill.bulk.folder import FolderInputs
from ticketmill.domain.enrichment import EnrichedTicket
from ticketmill.domain.errors import SetupError
from ticketmill.domain.intake import parse_ticket
from ticketmill.domain.ticket import Ticket
from ticketmill.pipeline.documents import DocumentEnricher
from ticketmill.tasks.table import TASKS

AT = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)


def inputs_of(path: Path, rows: pa.Table, group: int = 1000) -> FolderInputs:
    pq.write_table(rows, path, row_group_size=group)
    return FolderInputs(str(path), (".parquet",))


@pytest.mark.parametrize("group", [1, 7, 10, 1000])
@pytest.mark.parametrize("part_bytes", [1, 300, 1 << 20])
def test_wherever_rows_are_cut_each_is_read_once(tmp_path: Path, group: int, part_bytes: int) -> None:
    rows = pa.table({"ticket_id": [f"T{number}" for number in range(25)], "body": ["Hello."] * 25})
    inputs = inputs_of(tmp_path / "t.parquet", rows, group)
    parts = list(cut(inputs.find(), lambda source: tables.count_rows(inputs, source), part_bytes))
    found = [json.loads(row) for part in parts for row in tables.read_rows(inputs, part.pieces[0])]
    assert [each["ticket_id"] for each in found] == [f"T{number}" for number in range(25)]


def test_a_row_is_a_raw_ticket_whatever_its_columns_are_of(tmp_path: Path) -> None:
    rows = pa.table(
        {
            "ticket_id": [7, 8],
            "body": ["Größe?", "Hello."],
            "created_at": pa.array([AT, None], pa.timestamp("ms", "UTC")),
            "metadata": [{"tags": ["a", "b"]}, None],
            "price": pa.array([None, 3], pa.decimal128(5, 2)),
            "blob": [b"\xff", None],
        }
    )
    inputs = inputs_of(tmp_path / "t.parquet", rows)
    (part,) = cut(inputs.find(), lambda source: tables.count_rows(inputs, source), 1 << 20)
    first, second = (parse_ticket(row) for row in tables.read_rows(inputs, part.pieces[0]))
    assert (first.ticket_id, first.body, first.created_at) == ("7", "Größe?", AT)
    assert first.metadata.tags == ("a", "b")
    assert second.created_at is None
    assert list(second.extra) == ["price"]


def test_what_is_no_parquet_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"no table at all")
    inputs = FolderInputs(str(tmp_path / "t.parquet"), (".parquet",))
    with pytest.raises(SetupError, match=r"t\.parquet is no Parquet file"):
        tables.count_rows(inputs, inputs.find()[0])


def enriched() -> EnrichedTicket:
    enricher = DocumentEnricher(FakeEnricher(), parse_ticket, 1000)  # type: ignore[arg-type]
    (found,) = enricher.enrich([b'{"ticket_id": "T1", "body": "Hello.", "created_at": 1700000000}'])
    assert isinstance(found, EnrichedTicket)
    return found


def test_a_table_has_a_column_for_all_that_a_row_keeps_of_a_task() -> None:
    columns = {column.name for task in TASKS for column in task.columns}
    assert columns < set(tables.schema_of().names)
    assert tables.schema_of().field("embedding").type == pa.list_(pa.float32(), 384)


def test_the_record_of_a_row_is_the_object_that_the_worker_stores() -> None:
    ticket = enriched()
    (row,) = pq.read_table(io.BytesIO(tables.parquet_of([ticket]))).to_pylist()
    assert row["record"] == ticket.model_dump_json()
    assert row["created_at"] == ticket.created_at
    assert row["embedding"] == list(ticket.enrichment.embedding)
    assert row["intent"] is None


def test_no_tickets_make_a_table_of_the_same_columns() -> None:
    assert pq.read_table(io.BytesIO(tables.parquet_of([]))).schema.equals(tables.schema_of())


def test_a_batch_comes_back_row_for_row_with_the_code_of_what_was_rejected() -> None:
    enricher = DocumentEnricher(FakeEnricher(), parse_ticket, 1000)  # type: ignore[arg-type]
    batch = {"ticket_id": ["T1", "T2", "T3"], "body": ["Hello.", "", "poison"]}
    rows = list(tables.raw_tickets(tables.as_table(batch)))
    table = tables.table_of(enricher.enrich(rows))
    assert table["ticket_id"].to_pylist() == ["T1", "T2", None]
    assert table["rejection"].to_pylist() == [None, "empty_text", "fault"]
    assert Ticket.model_validate_json(rows[0]).ticket_id == "T1"
