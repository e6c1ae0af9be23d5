"""The pages of the learned models, over HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from learned_versions import held_out
from model_samples import register_sample, sample_card
from page_world import PageWorld
from starlette.testclient import TestClient
from web_parts import NOON

from ticketmill.domain.dataset import TaskDefinition
from ticketmill.domain.keys import model_file
from ticketmill.domain.model_card import CARD_FILE
from ticketmill.domain.plot import Plot
from ticketmill.domain.rollout import Change, Decider, TaskRollout
from ticketmill.entrypoints.web.app import make_app
from ticketmill.entrypoints.web.caller import Scope
from ticketmill.entrypoints.web.keys import add_key
from ticketmill.entrypoints.web.page.model_views import Naming, task_actions, version_actions

HERE = "http://127.0.0.1:8080"


@pytest.fixture
def world() -> PageWorld:
    world = PageWorld()
    register_sample(world.learning)
    register_sample(world.learning, number=2)
    return world


@pytest.fixture
def client(world: PageWorld) -> Iterator[TestClient]:
    with TestClient(make_app(world.page_parts()), base_url=HERE, follow_redirects=False) as client:
        yield client


def decide(client: TestClient, change: str, **said: Any) -> Any:
    return client.post("/models/intent/decision", data={"change": change, **said})


def decision(world: PageWorld) -> TaskRollout | None:
    return world.learning.rollouts.current().tasks.get("intent")


def test_the_overview_says_what_serves_each_task(world: PageWorld, client: TestClient) -> None:
    assert client.get("/models").text.count("the bundle's model".replace("'", "&#39;")) == 4
    world.learning.datasets.define_task(TaskDefinition(name="product_line", labels=("router",)))
    decide(client, "shadow", version="2")
    page = client.get("/models").text
    assert "shadow: intent/v2" in page and "product line" in page and "no model" in page


def test_a_form_decides_and_leads_to_the_task_with_its_history(world: PageWorld, client: TestClient) -> None:
    answer = decide(client, "shadow", version="1", serial="0", reason="looks good <b>")
    assert (answer.status_code, answer.headers["location"]) == (303, "/models/intent")
    page = client.get("/models/intent").text
    assert "shadow: intent/v1" in page and "looks good &lt;b&gt;" in page
    found = decision(world)
    assert found is not None and (found.shadow, found.who) == (1, "local")


def test_a_refused_decision_is_told_on_its_page_and_keeps_the_reason(
    world: PageWorld, client: TestClient
) -> None:
    decide(client, "shadow", version="2")
    stale = decide(client, "canary", version="1", serial="0", reason="as agreed")
    assert stale.status_code == 409
    assert "has changed since it was shown: shadow by local" in stale.text and "as agreed" in stale.text
    assert decide(client, "explode", version="1").status_code == 422
    assert decide(client, "rollback").status_code == 409
    found = decision(world)
    assert found is not None and found.change == Change.SHADOW


def test_a_version_shows_its_card_and_every_plot_with_its_numbers(client: TestClient) -> None:
    page = client.get("/models/intent/1").text
    assert "86.0% (95% interval 82.0 to 90.0%)" in page
    assert "layers is better than embedding" in page
    for plot in Plot:
        assert page.count(f'id="{plot}-title"') == 1
    assert page.count("<summary>As a table</summary>") == len(Plot)


def test_a_version_is_compared_with_what_serves_where_that_is_asked(
    world: PageWorld, client: TestClient
) -> None:
    assert "Beside the bundle&#39;s model" not in client.get("/models/intent/1").text
    assert "no held-out example in common" in client.get("/models/intent/1?compare=yes").text
    register_sample(world.learning, number=3, held_out=held_out(right=40, wrong=10))
    page = client.get("/models/intent/3?compare=yes").text
    assert "Beside the bundle&#39;s model" in page
    assert "80.0%" in page and "0.0%" in page and "+80.0" in page


def test_the_models_pages_keep_the_policy_of_scripts_and_styles(client: TestClient) -> None:
    for path in ("/models", "/models/intent", "/models/intent/1"):
        page = client.get(path)
        assert page.status_code == 200
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! src=\"/static/)", page.text)
        (style,) = re.findall(r'href="(/static/plot\.css[^"]*)"', page.text)
        assert client.get(style).headers["content-type"].startswith("text/css")


def test_labels_of_strangers_are_text(world: PageWorld, client: TestClient) -> None:
    hostile = ("<script>alert(1)</script>", "turned\u202etext", "plain")
    register_sample(world.learning, number=3, labels=hostile)
    page = client.get("/models/intent/3").text
    assert "<script>alert" not in page and "\u202e" not in page


def test_a_card_that_was_changed_is_told_and_its_version_still_listed(
    world: PageWorld, client: TestClient
) -> None:
    version = world.learning.versions.versions("intent")[0]
    changed = sample_card(recipe="another").model_dump_json().encode()
    world.learning.objects.put(model_file("intent", version.content, CARD_FILE), changed)
    for path in ("/models/intent", "/models/intent/2"):
        page = client.get(path)
        assert page.status_code == 200 and "card.json of intent/v2 is not what was registered" in page.text


def test_what_there_is_not_is_a_page_that_says_so(client: TestClient) -> None:
    for path in ("/models/mood", "/models/intent/9", "/models/intent/x"):
        page = client.get(path)
        assert page.status_code == 404 and "Look again" in page.text


def test_without_the_scope_admin_there_are_no_buttons(world: PageWorld, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    key = add_key(keys, "ann", [Scope.READ, Scope.CORRECT], NOON)
    with TestClient(make_app(world.page_parts(api_keys_file=keys)), base_url=HERE) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        page = client.get("/models/intent/1").text
        assert 'name="change"' not in page and "scope admin" in page
        assert decide(client, "promote", version="1").status_code == 403
    assert decision(world) is None


def test_the_buttons_are_those_of_the_next_steps(world: PageWorld) -> None:
    first, second = reversed(world.learning.versions.versions("intent"))
    by = Decider(who="ann", at=NOON)
    steps, naming = (5, 25), Naming(("intent",))
    rollout = world.learning.rollouts.current().with_canary("intent", 1, 5, "single", by)
    canary = rollout.tasks["intent"]
    said = [each.words for each in version_actions(first, canary, steps)]
    assert said == ["Canary to 25%", "Promote"]
    assert [each.words for each in task_actions(canary, naming)] == ["End the canary"]
    serving = rollout.promoted("intent", 1, "single", by).tasks["intent"]
    assert version_actions(first, serving, steps) == []
    assert [each.change for each in version_actions(second, serving, steps)] == [
        "shadow",
        "canary",
        "promote",
    ]
    assert [each.words for each in task_actions(serving, naming)] == ["Roll back to the bundle's model"]
    retired = second.model_copy(update={"retired": True})
    assert version_actions(retired, serving, steps) == []
