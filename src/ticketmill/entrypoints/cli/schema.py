"""`ticketmill schema`: the JSON Schemas of what people drop and what ticketmill writes."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from ticketmill.entrypoints.cli.output import answer


class Record(StrEnum):
    """What has a schema."""

    TICKET = "ticket"
    RECORD = "record"
    ROW = "row"
    EVENT = "event"
    RULES = "rules"
    SURGE = "surge"


def schema(
    record: Annotated[Record, typer.Argument(help="Which schema.", show_default=False)],
) -> None:
    """Print a JSON Schema: of the raw ticket, the enriched record in S3, the row in DynamoDB, an event that a
    rule sends, a file of rules, or the event of a surge."""
    import json

    from ticketmill.domain.schemas import schema_of

    answer(json.dumps(schema_of(record.value), indent=2, ensure_ascii=False))
