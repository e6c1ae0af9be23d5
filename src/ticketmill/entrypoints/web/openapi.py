"""The OpenAPI document: what FastAPI derives from the routes, with our problems and our descriptions."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from ticketmill.domain.effective_row import EffectiveRow
from ticketmill.domain.enrichment import EnrichedTicket
from ticketmill.domain.schemas import field_docs, models_within
from ticketmill.domain.ticket import Ticket
from ticketmill.entrypoints.web.problems import PROBLEM_TYPE, ProblemDocument

REF = "#/components/schemas/"
OWN_VALIDATION_ERRORS = ("HTTPValidationError", "ValidationError")
PROBLEM = {
    "description": "A problem: `code` says which, `next` what to do.",
    "content": {PROBLEM_TYPE: {"schema": {"$ref": f"{REF}{ProblemDocument.__name__}"}}},
}
ANSWERED_BY_US = ("if-match",)
"""Required parameters whose lack the route itself answers."""
METHODS = ("get", "put", "post", "delete", "patch")


def install(app: FastAPI) -> None:
    """Makes `app.openapi()` give our document."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        separate_input_output_schemas=False,
    )
    schemas: dict[str, Any] = document.setdefault("components", {}).setdefault("schemas", {})
    for name in OWN_VALIDATION_ERRORS:
        schemas.pop(name, None)
    _add(schemas, ProblemDocument)
    schemas["RawTicket"] = raw_ticket_schema()
    for root in (EffectiveRow, EnrichedTicket):
        for each in models_within(root):
            _describe(schemas, each)
    for operations in document["paths"].values():
        for operation in (operations[method] for method in METHODS if method in operations):
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = PROBLEM
            if "security" in operation:
                operation["security"] = [*operation["security"], {}]  # on loopback without keys
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in ANSWERED_BY_US:  # FastAPI would answer 422 where we answer 428
                    parameter["required"] = True
                    (parameter["schema"],) = (
                        each for each in parameter["schema"]["anyOf"] if each != {"type": "null"}
                    )
    return document


def raw_ticket_schema() -> dict[str, Any]:
    """A raw ticket. Its optional fields may have any form: what is not understood is kept as well."""
    docs = field_docs(Ticket)
    named = ("ticket_id", "subject", "body", "priority", "created_at", "customer_id", "metadata")
    return {
        "type": "object",
        "description": "A raw ticket, see docs/records.md, or one in the form of a helpdesk that is known.",
        "properties": {name: {"description": docs[name]} for name in named},
    }


def _add(schemas: dict[str, Any], model: type[BaseModel]) -> None:
    """Adds a model, and the models that its fields have."""
    schema = model.model_json_schema(ref_template=REF + "{model}")
    schemas |= {name: each for name, each in schema.pop("$defs", {}).items() if name not in schemas}
    schemas[model.__name__] = schema
    _describe(schemas, model)


def _describe(schemas: dict[str, Any], model: type[BaseModel]) -> None:
    properties = schemas.get(model.__name__, {}).get("properties", {})
    for name, text in field_docs(model).items():
        if name in properties:
            properties[name].setdefault("description", text)
