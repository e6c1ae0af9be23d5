"""JSON Schemas of raw tickets, enriched objects, rows, events and rules, derived from their types."""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from ticketmill.domain.enrichment import EnrichedTicket
from ticketmill.domain.event import TicketEvent
from ticketmill.domain.routing_rule import Rules
from ticketmill.domain.row import TicketRow
from ticketmill.domain.surge import SurgeEvent
from ticketmill.domain.ticket import Ticket

SchemaName = Literal["ticket", "record", "row", "event", "rules", "surge"]
RECORDS: dict[SchemaName, type[BaseModel]] = {
    "ticket": Ticket,
    "record": EnrichedTicket,
    "row": TicketRow,
    "event": TicketEvent,
    "rules": Rules,
    "surge": SurgeEvent,
}
READ: frozenset[SchemaName] = frozenset({"ticket", "rules"})
"""What people write, and ticketmill reads."""


def schema_of(name: SchemaName) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a record. It describes fields with the docstrings of their types.

    `ticket` and `rules` are what people may write; the others are what ticketmill writes.
    """
    model = RECORDS[name]
    mode: Literal["validation", "serialization"] = "validation" if name in READ else "serialization"
    schema = model.model_json_schema(mode=mode)
    _describe(schema, model, {each.__name__: each for each in models_within(model)})
    if name == "ticket":
        _allow_unknown_fields(schema)
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema}


def field_docs(model: type[BaseModel]) -> dict[str, str]:
    """The docstrings of a model's fields, its own and inherited, each on one line.

    Pydantic can do this for every class at import. Here it costs time only when somebody asks.
    """
    docs: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        if issubclass(owner, BaseModel) and owner is not BaseModel:
            docs |= _own_field_docs(owner)
    return {name: docs[name] for name in model.model_fields if name in docs}


def models_within(model: type[BaseModel]) -> list[type[BaseModel]]:
    """The models that a model's fields have as their types, itself first, each once."""
    found: dict[type[BaseModel], None] = {}

    def visit(kind: Any) -> None:
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind not in found:
            found[kind] = None
            for field in kind.model_fields.values():
                visit(field.annotation)
        for inner in getattr(kind, "__args__", ()):
            visit(inner)

    visit(model)
    return list(found)


def _own_field_docs(model: type[BaseModel]) -> dict[str, str]:
    try:
        source = inspect.getsource(model)
    except OSError:  # a class that was made at run time has no source
        return {}
    (definition,) = ast.parse(textwrap.dedent(source)).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    docs = {}
    for field, doc in pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(doc, ast.Expr)
            and isinstance(doc.value, ast.Constant)
            and isinstance(doc.value.value, str)
        ):
            docs[field.target.id] = " ".join(doc.value.value.split())
    return docs


def _describe(schema: dict[str, Any], model: type[BaseModel], known: dict[str, type[BaseModel]]) -> None:
    for name, doc in field_docs(model).items():
        if name in schema.get("properties", {}):
            schema["properties"][name]["description"] = doc
    for name, definition in schema.get("$defs", {}).items():
        if name in known:
            _describe(definition, known[name], {})


def _allow_unknown_fields(schema: dict[str, Any]) -> None:
    """Turns the schema of Ticket, which has unknown fields in `extra`, into that of a raw ticket."""
    del schema["properties"]["extra"], schema["$defs"]["JsonValue"]
    del schema["properties"]["warnings"], schema["$defs"]["TicketWarning"], schema["$defs"]["WarningCode"]
    schema["additionalProperties"] = True
    metadata = schema["properties"]["metadata"]
    metadata["anyOf"] = [{"$ref": metadata.pop("$ref")}, {"type": "null"}]
    schema["anyOf"] = [{"required": ["subject"]}, {"required": ["body"]}]
