"""The API under generated requests: no 500, and no answer that the OpenAPI document does not describe."""

from __future__ import annotations

import tempfile
from pathlib import Path

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from web_parts import NOON, WebWorld

from ticketmill.entrypoints.web.app import make_app
from ticketmill.entrypoints.web.caller import Scope
from ticketmill.entrypoints.web.keys import add_key

EXAMPLES = 12  # of each operation


FOLDER = tempfile.TemporaryDirectory()
KEYS = Path(FOLDER.name) / "keys.json"
KEY = add_key(KEYS, "fuzzer", Scope, NOON)
HEADERS = {"Host": "127.0.0.1", "Authorization": f"Bearer {KEY}"}


def _app() -> object:
    world = WebWorld()
    for number in range(5):
        world.put(f"T-{number}", minutes_ago=number)
    parts = world.parts(web_requests_per_minute=1_000_000, api_keys_file=KEYS)
    parts.enricher.load()
    return make_app(parts)


CONFIG = schemathesis.Config.from_path(Path(__file__).parents[2] / "schemathesis.toml")
schema = schemathesis.openapi.from_asgi(
    "/api/v1/openapi.json", _app(), config=CONFIG, headers=HEADERS
).exclude(path_regex="events$")  # a stream without an end


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_the_document_says(case: Case) -> None:
    case.call_and_validate(headers=HEADERS)
