"""What a person does with the page, by its keys alone, in a real browser."""

from __future__ import annotations

import re

import pytest
from page_world import PageWorld
from person import Person
from playwright.sync_api import Page, expect

from ticketmill.domain.dataset import TaskDefinition
from ticketmill.domain.effective_row import effective
from ticketmill.domain.label import CorrectionKind, FoundBy
from ticketmill.operations.corrections import Corrections, Speaker, Word

pytestmark = pytest.mark.timeout(300)

HOSTILE = (
    "<script>document.title = 'broken'</script><img src=x onerror=\"document.title='broken'\">\n"
    '[click](javascript:alert(1)) javascript:alert(1) <a href="javascript:alert(1)">click</a>\n'
    '<style>body { display: none }</style> style="position:fixed"\n'
    "\u202egnp.exe\u202c and \u2066isolated\n"
    "{{ 7 * 7 }} {% raw %} ${7*7}"
)

COUNTS_CURRENT_ROWS = """
window.mostCurrentRows = 0;
new MutationObserver(() => {
  const current = document.querySelectorAll("#list [aria-current]").length;
  window.mostCurrentRows = Math.max(window.mostCurrentRows, current);
}).observe(document.body, { attributes: true, childList: true, subtree: true });
"""
"""Looks whenever the page has changed, which is more often than anybody sees it."""


def test_ten_tickets_are_triaged_by_keyboard_alone(world: PageWorld, person: Person) -> None:
    ids = world.add_many(10)
    person.opens()
    person.sees_ticket(ids[0])
    keys = ["u1", "i3", "s1", "Enter", "t1", "u2", "ux", "i0", "Enter", "u4"]
    for ticket_id, pressed in zip(ids, keys, strict=True):
        person.sees_ticket(ticket_id)
        person.presses(*([pressed] if pressed == "Enter" else pressed))
    expect(person.page.locator("#ticket")).to_contain_text("That was the last ticket")
    said = {each: effective(world.rows.rows[each]) for each in ids}
    assert [str(said[each].urgency) for each in (ids[0], ids[5], ids[9])] == ["critical", "high", "low"]
    assert (said[ids[1]].intent, said[ids[7]].intent) == ("bug_report", "general_inquiry")
    assert said[ids[2]].sentiment == "negative"
    assert [each.label for each in said[ids[4]].topics] == ["login", "billing"]
    assert said[ids[6]].person["urgency"].kind == CorrectionKind.CANNOT_TELL
    for confirmed in (ids[3], ids[8]):
        assert {each.kind for each in said[confirmed].person.values()} == {CorrectionKind.CONFIRM}
        assert not said[confirmed].needs_review
    assert person.complaints == []


def test_two_keys_correct_a_label_and_stand_on_the_next_ticket(world: PageWorld, person: Person) -> None:
    first, second, *_ = world.add_many(3)
    person.opens()
    person.presses("u", "1")
    person.sees_ticket(second)
    assert person.pressed == 2
    assert effective(world.rows.rows[first]).urgency == "critical"
    person.sees_label(first, "critical")


def test_a_task_of_your_own_has_its_own_letter(world: PageWorld, person: Person) -> None:
    world.own["product_line"] = TaskDefinition(name="product_line", labels=("router", "modem"))
    first, second = world.add_many(2)
    person.opens()
    person.presses("p", "2")
    person.sees_ticket(second)
    person.sees_label(first, "modem")
    assert effective(world.rows.rows[first]).custom["product_line"].names == ("modem",)
    person.presses("u", "1")  # the letters of the other tasks are as they were
    person.sees_label(second, "critical")
    assert person.complaints == []


def test_keys_that_come_before_the_answer_speak_of_the_next_ticket(world: PageWorld, person: Person) -> None:
    first, second, third, fourth = world.add_many(4)
    person.opens()
    person.presses("u", "1", "u", "2", "Enter")
    person.sees_ticket(fourth)
    assert [str(effective(world.rows.rows[each]).urgency) for each in (first, second)] == ["critical", "high"]
    assert not effective(world.rows.rows[third]).needs_review


def test_shift_stays_on_the_ticket_for_more_labels(world: PageWorld, person: Person) -> None:
    first, *_ = world.add_many(2)
    person.opens()
    person.presses("Shift+T", "1", "2", "0", "1")
    expect(person.page.locator("#ticket .says").filter(has_text="export")).to_be_visible()
    person.sees_ticket(first)
    topics = [each.label for each in effective(world.rows.rows[first]).topics]
    assert topics == ["login", "billing", "refunds", "export"]


def test_undo_goes_back_to_the_ticket_and_to_what_the_models_say(world: PageWorld, person: Person) -> None:
    first, second = world.add_many(2)
    person.opens()
    person.presses("u", "1")
    person.sees_ticket(second)
    person.presses("z")
    person.sees_ticket(first)
    assert effective(world.rows.rows[first]).urgency == "medium"
    person.sees_label(first, "medium")


def test_one_row_at_most_is_current_at_any_time(world: PageWorld, person: Person) -> None:
    first, second = world.add_many(2)
    person.opens()
    person.page.evaluate(COUNTS_CURRENT_ROWS)
    person.presses("u", "1")
    person.sees_ticket(second)
    person.presses("z")
    person.sees_ticket(first)
    assert person.page.evaluate("window.mostCurrentRows") == 1


def test_a_lost_race_shows_the_other_word_and_writes_nothing(
    world: PageWorld, person: Person, other: Corrections
) -> None:
    first, second = world.add_many(2)
    person.opens()
    other.correct(first, {"urgency": Word(CorrectionKind.LABEL, ("low",))}, Speaker("anna"))
    person.presses("u", "1")
    notice = person.page.locator("#ticket .notice")
    expect(notice).to_be_focused()
    expect(notice).to_contain_text("anna said that urgency is low")
    expect(notice.get_by_role("link", name="Look again")).to_be_visible()
    person.sees_ticket(first)
    assert effective(world.rows.rows[first]).urgency == "low"
    person.presses("u", "1")  # having seen it, the person may insist
    person.sees_ticket(second)
    assert effective(world.rows.rows[first]).urgency == "critical"


def test_the_list_follows_what_is_enriched_and_what_others_say(
    world: PageWorld, person: Person, other: Corrections
) -> None:
    first, _ = world.add_many(2)
    person.opens()
    world.add("NEW-1", "Just came in", "Everything is down.", minutes_ago=0, urgency="critical")
    expect(person.page.locator('#list [data-id="NEW-1"]')).to_be_visible()
    person.sees_ticket(first)  # what was open stays open
    other.correct(first, {"urgency": Word(CorrectionKind.LABEL, ("high",))}, Speaker("anna"))
    person.sees_label(first, "high")


def test_a_hostile_ticket_is_inert(world: PageWorld, person: Person) -> None:
    row = world.add(
        "BAD-1", f"Subject {HOSTILE}", HOSTILE, summary=HOSTILE, ticket={"customer_id": HOSTILE[:200]}
    )
    asked: list[str] = []
    person.page.on("request", lambda request: asked.append(request.url))
    person.page.on("dialog", lambda dialog: asked.append(f"dialog {dialog.message}"))
    person.opens("/tickets/BAD-1")
    for name in ("Every task, and how it was made", "History", "Raw JSON"):
        person.page.get_by_text(name, exact=True).click()
    expect(person.page.locator("#ticket pre")).to_contain_text("<script>")
    assert person.page.title() != "broken"
    assert all(each.startswith(person.url) for each in asked)
    assert person.page.locator("main script, main style, main img, main [style], main [onerror]").count() == 0
    assert person.page.locator('a[href^="javascript:" i]').count() == 0
    shown = person.page.locator("body").inner_text()
    assert not {"\u202e", "\u202c", "\u2066"} & set(shown)
    assert "RLO" in shown and "49" not in person.page.locator(".own").first.inner_text()
    person.presses("u", "1")
    expect(person.page.locator("#flash")).to_contain_text("BAD-1")
    assert effective(world.rows.rows[row.ticket_id]).urgency == "critical"
    assert person.complaints == []


def test_filters_views_and_help_are_reached_by_keys(world: PageWorld, person: Person) -> None:
    ids = world.add_many(2)
    world.add("CRIT-1", "Down", "Everything is down.", urgency="critical", review=False)
    person.opens()
    person.presses("g", "c")
    person.sees_ticket("CRIT-1")
    person.presses("/")
    person.page.keyboard.type("medium intent:login_issue")
    person.presses("Enter")
    person.sees_ticket(ids[0])
    expect(person.page).to_have_url(f"{person.url}/?urgency=medium&intent=login_issue")
    expect(person.page.locator("#views a[aria-current], #views .save")).to_have_count(1)
    person.presses("?")
    expect(person.page.locator("dialog#help")).to_be_visible()
    person.presses("Escape", "j", "k")
    person.sees_ticket(ids[0])
    assert person.complaints == []


def test_a_key_between_an_answer_and_its_arrival_is_not_lost(world: PageWorld, person: Person) -> None:
    ids = world.add_many(2)
    person.opens()
    person.page.evaluate(
        """() => document.addEventListener("htmx:finally:request", () =>
            document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "k", bubbles: true })),
            { once: true })"""
    )
    person.presses("j")
    expect(person.page.locator(f"#list .row[data-id={ids[0]}] > a")).to_have_attribute("aria-current", "true")
    person.sees_ticket(ids[0])
    expect(person.page).to_have_url(re.compile(rf"/tickets/{ids[0]}"))
    assert person.complaints == []


def test_the_counts_come_after_the_list(world: PageWorld, person: Person) -> None:
    world.add_many(3)
    person.opens()
    expect(person.page.locator("#views .count").first).to_have_text("3")


def test_a_correction_of_the_review_queue_says_so(
    world: PageWorld, person: Person, other: Corrections
) -> None:
    first, second = world.add_many(2)
    person.opens()
    person.presses("u", "1")
    person.sees_ticket(second)
    (correction,) = other.journal.of_ticket(first)
    assert (correction.found_by, correction.who) == (FoundBy.REVIEW_QUEUE, "local")


def test_a_phone_shows_the_list_and_then_the_ticket(world: PageWorld, person: Person, page: Page) -> None:
    first, *_ = world.add_many(2)
    page.set_viewport_size({"width": 380, "height": 720})
    person.opens()
    expect(page.locator("#ticket-pane")).to_be_hidden()
    page.locator("#list .row a").first.click()
    expect(page.locator("#list-pane")).to_be_hidden()
    page.get_by_role("button", name="critical").click()
    expect(page.locator("#flash")).to_contain_text(first)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 380


def test_without_javascript_forms_correct_undo_and_save(world: PageWorld, browser, url: str) -> None:  # type: ignore[no-untyped-def]
    first, second = world.add_many(2)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(url)
    page.get_by_role("button", name="critical").click()
    expect(page.locator("#ticket")).to_have_attribute("data-id", second)
    assert effective(world.rows.rows[first]).urgency == "critical"
    page.locator("#flash button").click()
    expect(page.locator("#ticket")).to_have_attribute("data-id", first)
    assert effective(world.rows.rows[first]).urgency == "medium"
    page.goto(f"{url}/?urgency=medium")
    page.get_by_label("Save this list as").fill("mine")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#views")).to_contain_text("mine")
    context.close()
