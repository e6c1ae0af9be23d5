"""Parquet: rows of any table as raw tickets, and enriched tickets as a table. Needs the extra `ray`."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel
from pydantic_core import to_json, to_jsonable_python

from ticketmill.bulk.ports import Inputs
from ticketmill.domain.bulk import Piece, Source
from ticketmill.domain.enrichment import EnrichedTicket
from ticketmill.domain.errors import SetupError, TicketRejected
from ticketmill.domain.row import TicketRow
from ticketmill.pipeline.documents import FAULT
from ticketmill.tasks.table import TASKS, row_attributes

DIMENSIONS = 384
"""Of the embedding of the one pass."""
ROWS_AT_ONCE = 256


def count_rows(inputs: Inputs, source: Source) -> tuple[int, int]:
    """The rows of a Parquet file, and their bytes without compression. SetupError where it is none."""
    with _opened(inputs, source) as file:
        found = file.metadata
        return found.num_rows, sum(found.row_group(n).total_byte_size for n in range(found.num_row_groups))


def read_rows(inputs: Inputs, piece: Piece) -> Iterator[bytes]:
    """The rows of a piece as raw tickets in JSON. Row groups that lie outside of it are not read."""
    with _opened(inputs, piece.source) as file:
        sizes = [file.metadata.row_group(number).num_rows for number in range(file.metadata.num_row_groups)]
        starts = list(accumulate(sizes, initial=0))
        groups = [n for n in range(len(sizes)) if starts[n] < piece.stop and starts[n + 1] > piece.start]
        at = starts[groups[0]]
        for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, row_groups=groups):
            yield from raw_tickets(batch[max(piece.start - at, 0) : max(piece.stop - at, 0)])
            at += len(batch)
            if at >= piece.stop:
                return


def as_table(batch: Any) -> pa.Table:
    """A batch of Ray Data in any of its formats: a table, a data frame, or arrays by column."""
    return batch if isinstance(batch, pa.Table) else pa.table(batch)


def raw_tickets(rows: pa.Table | pa.RecordBatch) -> Iterator[bytes]:
    """Rows as JSON, a field a column; a null is no field."""
    for row in rows.to_pylist():
        said = {name: value for name, value in row.items() if value is not None}
        yield to_json(said, bytes_mode="base64", inf_nan_mode="null", fallback=str)


def schema_of(dimensions: int = DIMENSIONS) -> pa.Schema:
    """The columns of enriched tickets: what models say on the row, the embedding, the full record.

    A column has the type that its attribute has on the row.
    """
    fields = TicketRow.model_fields
    predicted = [
        pa.field(column.name, _arrow_type(fields[column.name].annotation))
        for task in TASKS
        for column in task.columns
    ]
    return pa.schema(
        [
            pa.field("ticket_id", pa.string()),
            pa.field("created_at", pa.timestamp("us", tz="UTC")),
            *predicted,
            pa.field("status", pa.string()),
            pa.field("needs_review", pa.bool_()),
            pa.field("fingerprint", pa.string()),
            pa.field("rollout_serial", pa.int64()),
            pa.field("embedding", pa.list_(pa.float32(), dimensions)),
            pa.field("record", pa.string()),
        ]
    )


def table_of(outcomes: Sequence[EnrichedTicket | Exception]) -> pa.Table:
    """A row for each outcome, in order; one without a ticket has its code as `rejection`, and little else.

    An embedding is null where a named model failed.
    """
    enriched = [each for each in outcomes if isinstance(each, EnrichedTicket)]
    lengths = {len(each.enrichment.embedding) for each in enriched} - {0}
    schema = schema_of(max(lengths, default=DIMENSIONS)).append(pa.field("rejection", pa.string()))
    return pa.Table.from_pylist([_row(each) for each in outcomes], schema=schema)


def parquet_of(enriched: Sequence[EnrichedTicket]) -> bytes:
    """The table of enriched tickets as a Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(table_of(enriched).drop_columns("rejection"), buffer, compression="zstd")
    return buffer.getvalue()


def _row(outcome: EnrichedTicket | Exception) -> Mapping[str, Any]:
    if isinstance(outcome, EnrichedTicket):
        return _columns(outcome)
    if isinstance(outcome, TicketRejected):
        return {"ticket_id": outcome.ticket_id, "rejection": str(outcome.code)}
    return {"rejection": FAULT}


def _columns(ticket: EnrichedTicket) -> Mapping[str, Any]:
    enrichment = ticket.enrichment
    return {
        "ticket_id": ticket.ticket_id,
        "created_at": ticket.created_at,
        **to_jsonable_python(row_attributes(enrichment)),
        "status": str(enrichment.status),
        "needs_review": enrichment.needs_review,
        "fingerprint": enrichment.fingerprint,
        "rollout_serial": enrichment.rollout_serial,
        "embedding": enrichment.embedding or None,
        "record": ticket.model_dump_json(),
    }


_TYPES = {float: pa.float64(), bool: pa.bool_(), int: pa.int64()}


def _arrow_type(annotation: Any) -> pa.DataType:
    """The type of a row's attribute in Arrow. A word of ours or of a newer version is text."""
    origin, arguments = (
        get_origin(annotation),
        [each for each in get_args(annotation) if each is not NoneType],
    )
    if origin is Annotated:
        return _arrow_type(arguments[0])
    if origin in (Union, UnionType):
        return _arrow_type(arguments[-1])
    if origin is tuple:
        return pa.list_(_arrow_type(arguments[0]))
    if issubclass(annotation, str):
        return pa.string()
    if issubclass(annotation, BaseModel):
        fields = annotation.model_fields.items()
        return pa.struct([pa.field(name, _arrow_type(field.annotation)) for name, field in fields])
    return _TYPES[annotation]


def _opened(inputs: Inputs, source: Source) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(pa.PythonFile(_Stream(inputs, source), mode="r"))
    except pa.ArrowInvalid as error:
        raise SetupError(f"{source.name} is no Parquet file: {error}") from error


class _Stream(io.RawIOBase):
    """A source as a file that can be read anywhere."""

    def __init__(self, inputs: Inputs, source: Source) -> None:
        self._inputs = inputs
        self._source = source
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size_bytes}[whence]
        self._at = start + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        stop = self._source.size_bytes if size < 0 else min(self._at + size, self._source.size_bytes)
        found = self._inputs.read(self._source, self._at, stop)
        self._at += len(found)
        return found
