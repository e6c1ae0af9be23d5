"""The server as a program sees it, on parts in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from web_parts import WebWorld

from ticketmill.entrypoints.web.app import make_app


@pytest.fixture
def world() -> WebWorld:
    return WebWorld()


@pytest.fixture
def client(world: WebWorld) -> Iterator[TestClient]:
    with TestClient(make_app(world.parts()), base_url="http://127.0.0.1:8080") as client:
        yield client


def test_the_server_says_that_it_answers(client: TestClient) -> None:
    assert client.get("/api/v1/health").json() == {"status": "ok"}
