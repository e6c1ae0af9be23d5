"""The API under generated requests: no 500, and no answer that the OpenAPI document does not describe."""

from __future__ import annotations

from pathlib import Path

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from web_parts import WebWorld

from ticketmill.entrypoints.web.app import make_app

HOST = {"Host": "127.0.0.1"}
EXAMPLES = 12  # of each operation


def _app() -> object:
    world = WebWorld()
    for number in range(5):
        world.put(f"T-{number}", minutes_ago=number)
    parts = world.parts(web_requests_per_minute=1_000_000)
    parts.enricher.load()
    return make_app(parts)


CONFIG = schemathesis.Config.from_path(Path(__file__).parents[2] / "schemathesis.toml")
schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", _app(), config=CONFIG, headers=HOST).exclude(
    path_regex="events$"
)  # a stream without an end


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_the_document_says(case: Case) -> None:
    case.call_and_validate(headers=HOST)
