"""One key says that two tickets are the same matter, or that they are not, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from duplicate_world import DuplicateWorld, page_of_duplicates
from page_world import PageWorld
from person import Person
from playwright.sync_api import expect

from ticketmill.domain.duplicates import denied_of, reference_of
from ticketmill.entrypoints.web.parts import WebParts

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def duplicates(tmp_path: Path) -> DuplicateWorld:
    """T-2 and T-3 came after T-1 and say the same; T-4 is elsewhere."""
    return page_of_duplicates(tmp_path)


@pytest.fixture
def parts(duplicates: DuplicateWorld) -> WebParts:
    return duplicates.parts


def sees_proposal(person: Person, ticket_id: str) -> None:
    expect(person.page.locator("#same-say li").first).to_contain_text(ticket_id)


def test_one_key_makes_a_duplicate_and_z_takes_it_back(person: Person, duplicates: DuplicateWorld) -> None:
    person.opens("/tickets/T-1")
    sees_proposal(person, "T-")
    first = person.page.locator("#same-say button[name=confirm]").first
    other = first.get_attribute("value")
    assert other in ("T-2", "T-3")
    person.presses("d")
    expect(person.page.locator("#flash")).to_contain_text(f"{other}: a duplicate of T-1")
    expect(person.page.locator("#same .duplicates")).to_contain_text(other)
    person.sees_ticket("T-1")
    assert reference_of(duplicates.row(other)) == "T-1"
    person.page.locator("#same .duplicates a").click()
    expect(person.page.locator("#ticket header")).to_contain_text("Duplicate of T-1")
    person.presses("z")
    expect(person.page.locator("#ticket header")).not_to_contain_text("Duplicate of")
    assert reference_of(duplicates.row(other)) is None
    assert person.complaints == []


def test_one_key_denies_and_the_next_proposal_stands_there(
    person: Person, duplicates: DuplicateWorld
) -> None:
    person.opens("/tickets/T-3")
    sees_proposal(person, "T-")
    denied = str(person.page.locator("#same-say button[name=deny]").first.get_attribute("value"))
    person.presses("n", "u", "1")  # a key that comes before the answer speaks of the ticket still
    expect(person.page.locator("#ticket")).not_to_have_attribute("data-id", "T-3")
    assert denied_of(duplicates.row("T-3")) == {denied}
    assert str(duplicates.row("T-3").urgency) == "critical"
    person.opens("/tickets/T-3")
    sees_proposal(person, "T-")
    expect(person.page.locator("#same-say")).not_to_contain_text(denied)
    assert person.complaints == []


def test_a_key_without_a_proposal_says_so_and_records_nothing(
    person: Person, duplicates: DuplicateWorld
) -> None:
    web = duplicates.web
    assert isinstance(web, PageWorld)
    web.add("T-5", "Not in the index", "It is new.", minutes_ago=1)
    person.opens("/tickets/T-5")
    person.presses("d")
    expect(person.page.locator("#mode")).to_contain_text("no ticket is proposed")
    assert not duplicates.row("T-5").person
