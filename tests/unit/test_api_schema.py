"""The API under generated requests: no 500, and no answer that the OpenAPI document does not describe."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import schemathesis
from hypothesis import HealthCheck, settings
from model_samples import register_sample
from schemathesis import Case
from search_world import SearchWorld
from web_parts import WebWorld

from ticketmill.entrypoints.web.app import make_app
from ticketmill.entrypoints.web.feed import Feed
from ticketmill.entrypoints.web.signatures import SECRET_HEADER
from ticketmill.importers.sources import SOURCES

SECRET = "a secret of all webhooks"
HEADERS = {"Host": "127.0.0.1", SECRET_HEADER: SECRET}
EXAMPLES = int(os.environ.get("API_EXAMPLES", "12"))  # of each operation


def _app() -> object:
    world = WebWorld()
    index = SearchWorld(Path(tempfile.mkdtemp()), world)
    for number in range(5):
        index.add(f"T-{number}", "The bank refuses my card.", "card", minutes_ago=number)
    register_sample(world.learning)
    secrets = Path(tempfile.mkdtemp()) / "secrets.json"
    secrets.write_text(json.dumps(dict.fromkeys(SOURCES, SECRET)))
    parts = world.parts(web_requests_per_minute=1_000_000, webhook_secrets_file=secrets)
    parts.enricher.load()
    app = make_app(parts)
    app.state.feed = Feed(parts.queries, parts.now, max_stream_s=0)  # a stream that ends
    return app


CONFIG = schemathesis.Config.from_path(Path(__file__).parents[2] / "schemathesis.toml")
schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", _app(), config=CONFIG, headers=HEADERS)


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_the_document_says(case: Case) -> None:
    case.call_and_validate(headers=HEADERS)
