"""What a person does with the learned models, in a real browser."""

from __future__ import annotations

import pytest
from model_samples import register_sample
from page_world import PageWorld
from person import Person
from playwright.sync_api import Browser, Page, expect

from ticketmill.domain.rollout import TaskRollout
from ticketmill.learning.gates import GateResult

pytestmark = pytest.mark.timeout(300)

FAILED = GateResult("held-out", passed=False, said="accuracy 0.810 beside 0.840 on 120 held-out examples")


@pytest.fixture
def world() -> PageWorld:
    world = PageWorld()
    register_sample(world.learning)
    register_sample(world.learning, number=2)
    return world


def decision(world: PageWorld) -> TaskRollout:
    return world.learning.rollouts.current().tasks["intent"]


def test_a_version_goes_from_shadow_to_serving_and_back(world: PageWorld, person: Person) -> None:
    page = person.page
    person.opens()
    person.presses("g", "m")
    page.get_by_role("link", name="intent", exact=True).click()
    for button, state in (
        ("Start a shadow", "shadow"),
        ("Start a canary at 5%", "canary 5%"),
        ("Promote", "serving"),
    ):
        page.get_by_role("link", name="intent/v2").click()
        page.get_by_role("textbox", name="Reason").fill("as agreed")
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("row", name="intent/v2").first).to_contain_text(state)
    assert (decision(world).serving, decision(world).reason) == (2, "as agreed")
    page.get_by_role("button", name="Roll back to the bundle's model").click()
    expect(page.get_by_role("region", name="Decisions")).to_contain_text(
        "rolled back: the bundle's model serves"
    )
    assert decision(world).serving is None
    assert person.complaints == []


def test_a_failed_check_shows_its_numbers_and_can_be_overruled(
    world: PageWorld, browser: Browser, url: str
) -> None:
    world.gates = (FAILED,)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{url}/models/intent/1")
    page.get_by_role("textbox", name="Reason").fill("the old one is wrong on refunds")
    page.get_by_role("button", name="Promote").click()
    expect(page.get_by_role("alert")).to_contain_text(FAILED.said)
    expect(page.get_by_role("textbox", name="Reason")).to_have_value("the old one is wrong on refunds")
    page.get_by_label("promote even if a check fails").check()
    page.get_by_role("button", name="Promote").click()
    expect(page.get_by_role("heading", name="Models of intent")).to_be_visible()
    context.close()
    assert decision(world).serving == 1
    assert "refunds" in decision(world).reason and FAILED.said in decision(world).reason


def test_on_a_phone_nothing_is_wider_than_the_window(person: Person, page: Page) -> None:
    page.set_viewport_size({"width": 380, "height": 720})
    for path in ("/models", "/models/intent", "/models/intent/1"):
        page.goto(f"{person.url}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 380
    expect(page.get_by_role("img", name="Confusion of intent")).to_be_visible()
    assert person.complaints == []
