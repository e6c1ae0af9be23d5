"""Makes the pictures of the page in docs/images: the samples and a part of the corpus, enriched by models.

`make screenshots` runs it. It needs the shipped bundle and Chromium, and no emulator.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
sys.path += [str(ROOT / "tests" / "unit"), str(ROOT / "tests" / "browser")]

from page_world import PageWorld  # noqa: E402
from PIL import Image  # noqa: E402
from playwright.sync_api import Browser, Page  # noqa: E402
from window import chromium, serving  # noqa: E402

from ticketmill import bootstrap  # noqa: E402
from ticketmill.domain.enrichment import EnrichedTicket  # noqa: E402
from ticketmill.domain.intake import Intake  # noqa: E402
from ticketmill.domain.keys import raw_key  # noqa: E402
from ticketmill.domain.row import enriched_row  # noqa: E402
from ticketmill.domain.ticket import Ticket  # noqa: E402
from ticketmill.entrypoints import cli  # noqa: E402
from ticketmill.entrypoints.web.parts import WebParts  # noqa: E402
from ticketmill.learning.corpus import PLAIN_TICKETS, read_corpus  # noqa: E402
from ticketmill.learning.store import directory_store  # noqa: E402
from ticketmill.operations.corrections import Corrections  # noqa: E402
from ticketmill.settings import Settings, load_settings  # noqa: E402
from ticketmill.tasks.table import row_attributes  # noqa: E402

IMAGES = ROOT / "docs" / "images"
OF_CORPUS = 160
DAYS = 20
COLOURS = 96
"""Of a picture: few, so that it is small."""
PHONE = {"width": 400, "height": 800}
DESK = {"width": 1360, "height": 800}
TALL = {"width": 1360, "height": 1500}
UNKEYED = ("/trends", "/models/intent/1")
"""Pages without a list, whose keys do nothing."""
BUSINESSES = 6
OF_BUSINESS = 50


def tickets() -> Iterator[Ticket]:
    """The samples, and tickets of the corpus."""
    for path in sorted((ROOT / "events" / "samples").glob("*.json")):
        yield Intake().parse(path.read_bytes())
    for each in islice(read_corpus(PLAIN_TICKETS), OF_CORPUS):
        yield Ticket(ticket_id=each.id, subject=each.subject, body=each.body)


def fill(world: PageWorld, settings: Settings) -> None:
    """Enriches the tickets, the first ones minutes ago, the others over the last days."""
    enricher = bootstrap.load_enricher(settings)
    found = list(tickets())
    for number, (ticket, enrichment) in enumerate(zip(found, enricher.enrich(found), strict=True)):
        ago = (
            timedelta(minutes=3 + 7 * number)
            if number < 14
            else timedelta(days=DAYS * (number / len(found)) ** 2)
        )
        at = world.started_at - ago
        raw = world.raw.put(raw_key(ticket.ticket_id), ticket.model_dump_json().encode(), at)
        key = f"tickets/{ticket.ticket_id}/a.json"
        record = EnrichedTicket(**ticket.model_dump(), enrichment=enrichment)
        world.enriched.put(key, record.model_dump_json().encode())
        row = enriched_row(ticket, enrichment, raw, key, row_attributes(enrichment))
        world.rows.rows[ticket.ticket_id] = row


def learn(world: PageWorld, folder: Path) -> None:
    """Learns the intent from tickets of some businesses, in a folder, and lets the version be a canary."""
    tickets = list(read_corpus(PLAIN_TICKETS))
    businesses = sorted({each.domain for each in tickets})[:BUSINESSES]
    rows = (
        {"ticket_id": each.id, "subject": each.subject, "body": each.body, "intent": each.intent}
        for business in businesses
        for each in islice((each for each in tickets if each.domain == business), OF_BUSINESS)
    )
    labelled, store = folder / "labelled.jsonl", folder / "store"
    labelled.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    for command in (
        f"dataset build --task intent --no-corpus --data {labelled}",
        "train --task intent --curve --who ann",
        "models shadow intent/v1 --who ann",
        "models canary intent/v1 --who ann --reason 'The shadow agrees.'",
    ):
        if code := cli.run([*shlex.split(command), "--store", str(store)]):
            raise SystemExit(f"ticketmill {command}: exit code {code}")
    world.learning = directory_store(store)


def parts_of(world: PageWorld, settings: Settings) -> WebParts:
    """The parts of a server, with the labels of the bundle."""
    parts = world.page_parts()
    tasks = bootstrap.correctable_tasks(settings.bundle_dir)
    return replace(parts, corrections=Corrections(world.rows, parts.corrections.journal, tasks))


def take(browser: Browser, url: str) -> None:
    """The pictures, each of a window of its own."""

    def shoot(
        name: str, path: str, keys: str = "", scheme: str = "light", size: dict[str, int] = DESK
    ) -> None:
        context = browser.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(f"{url}{path}")
        page.wait_for_load_state("networkidle") if path in UNKEYED else _wait(page)
        for key in keys:
            page.keyboard.press(key)
        page.wait_for_timeout(500)
        path_of_image = IMAGES / f"{name}.png"
        page.screenshot(path=path_of_image)
        context.close()
        with Image.open(path_of_image) as image:
            small = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        small.save(path_of_image, optimize=True)
        print(f"{name}.png: {path_of_image.stat().st_size // 1024} KB")

    shoot("list", "/?since=30d")
    shoot("ticket", "/tickets/TKT-002?since=30d", keys="u")
    shoot("trends", "/trends")
    shoot("models", "/models/intent/1", size=TALL)
    shoot("dark", "/?since=30d", keys="j", scheme="dark")
    shoot("phone", "/tickets/TKT-002?since=30d", size=PHONE)


def _wait(page: Page) -> None:
    """Until the page's keys work and the counts are there."""
    page.wait_for_selector("html[data-ready]")
    page.wait_for_selector("#views .count >> nth=0", state="attached")


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    settings = load_settings()
    world = PageWorld()
    fill(world, settings)
    with TemporaryDirectory() as folder:
        learn(world, Path(folder))
        shoot_all(world, settings)


def shoot_all(world: PageWorld, settings: Settings) -> None:
    """All pictures."""
    with chromium() as browser, serving(parts_of(world, settings)) as url:
        take(browser, url)


if __name__ == "__main__":
    main()
