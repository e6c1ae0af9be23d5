"""The learned models over the API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from model_samples import register_sample
from starlette.testclient import TestClient
from web_parts import NOON, WebWorld

from ticketmill.domain.errors import SetupError
from ticketmill.entrypoints.web.app import make_app
from ticketmill.entrypoints.web.caller import Scope
from ticketmill.entrypoints.web.keys import add_key
from ticketmill.entrypoints.web.model_desk import ModelDesk
from ticketmill.entrypoints.web.problems import PROBLEM_TYPE

BASE = "http://127.0.0.1:8080"
API = "/api/v1"


@pytest.fixture
def world() -> WebWorld:
    world = WebWorld()
    register_sample(world.learning)
    return world


@pytest.fixture
def client(world: WebWorld) -> Iterator[TestClient]:
    with TestClient(make_app(world.parts()), base_url=BASE) as client:
        yield client


def decide(client: TestClient, change: str, **said: Any) -> Any:
    return client.post(f"{API}/models/intent/decision", json={"change": change, **said})


def test_without_a_decision_the_bundle_serves(client: TestClient) -> None:
    tasks = {each["task"]: each for each in client.get(f"{API}/models").json()["tasks"]}
    assert tasks["intent"]["decision"] is None
    assert (tasks["intent"]["versions"], tasks["urgency"]["versions"]) == (1, 0)
    assert tasks["intent"]["newest"]["number"] == 1


def test_a_version_has_its_card(client: TestClient) -> None:
    found = client.get(f"{API}/models/intent/1").json()
    assert found["version"]["who"] == "ann"
    assert found["card"]["accuracy"] == {"value": 0.86, "low": 0.82, "high": 0.9}
    assert [each["examples"] for each in found["card"]["curve"]] == [60, 300]


def test_a_decision_holds_at_once_and_stands_in_the_history(client: TestClient) -> None:
    decided = decide(client, "shadow", version=1, reason="to see how it does")
    assert decided.status_code == 200 and decided.json()["shadow"] == 1
    found = client.get(f"{API}/models/intent").json()
    assert found["decision"] == decided.json() == found["history"][0]
    assert (found["decision"]["who"], found["decision"]["reason"]) == ("local", "to see how it does")


@pytest.mark.parametrize(
    ("change", "said", "status", "code"),
    [
        ("promote", {"version": 7}, 404, "unknown_version"),
        ("promote", {}, 404, "unknown_version"),
        ("rollback", {}, 409, "nothing_to_roll_back"),
        ("shadow", {"version": 1, "serial": 9}, 409, "decision_changed"),
    ],
)
def test_a_refused_decision_is_a_problem_and_changes_nothing(
    client: TestClient, change: str, said: dict[str, Any], status: int, code: str
) -> None:
    answer = decide(client, change, **said)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == PROBLEM_TYPE and answer.json()["next"]
    assert client.get(f"{API}/models/intent").json()["decision"] is None


def test_an_unknown_task_is_a_problem(client: TestClient) -> None:
    assert client.get(f"{API}/models/mood").json()["code"] == "unknown_task"
    assert client.get(f"{API}/datasets?task=mood").json()["code"] == "unknown_task"


def test_only_the_scope_admin_decides(world: WebWorld, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    reader, admin = (add_key(keys, scope, [Scope(scope)], NOON) for scope in ("read", "admin"))
    with TestClient(make_app(world.parts(api_keys_file=keys)), base_url=BASE) as client:
        client.headers["Authorization"] = f"Bearer {reader}"
        assert client.get(f"{API}/models/intent").status_code == 200
        assert decide(client, "shadow", version=1).status_code == 403
        client.headers["Authorization"] = f"Bearer {admin}"
        assert decide(client, "shadow", version=1).json()["who"] == "admin"


def test_a_stack_without_a_learning_table_says_what_to_do(world: WebWorld) -> None:
    def missing() -> ModelDesk:
        raise SetupError("the stack has no learning table: run `ticketmill up`")

    with TestClient(make_app(replace(world.parts(), models=missing)), base_url=BASE) as client:
        answer = client.get(f"{API}/models")
        assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
        page = client.get("/models")
        assert page.status_code == 503 and "run `ticketmill up`" in page.text
        assert client.get(f"{API}/tickets").status_code == 200
