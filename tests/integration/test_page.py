"""The page on an emulator: tickets that were dropped and enriched, corrected in a browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import Run, WorkOff
from person import Person
from window import chromium, serving, window

from ticketmill.bootstrap import Adapters
from ticketmill.entrypoints.web.assemble import connect_parts
from ticketmill.settings import load_settings

SAMPLES = Path(__file__).parents[2] / "events" / "samples"


@pytest.mark.timeout(300)
def test_a_dropped_ticket_is_corrected_by_two_keys(
    ticketmill: Run, work_off: WorkOff, adapters: Adapters, stack_name: str, bundle_dir: Path
) -> None:
    with chromium() as browser, window(browser) as page:
        ticketmill("drop", SAMPLES)
        work_off()
        parts = connect_parts(load_settings(stack=stack_name, bundle=bundle_dir))
        with serving(parts) as url:
            person = Person(page, url)
            person.opens("/?since=30d")
            first = page.locator("#ticket").get_attribute("data-id")
            assert first is not None
            person.presses("u", "4")
            person.sees_label(first, "low")
        shown = json.loads(ticketmill("show", first, "--json").stdout)["row"]
        assert (shown["urgency"], shown["urgency_source"]) == ("low", "person")
        assert person.complaints == []
