"""Somebody who uses the page by its keys."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from playwright.sync_api import ConsoleMessage, Page, expect

EXPECTED_IN_CONSOLE = ("status of 412", "status of 404", "api/v1/events", "ERR_INCOMPLETE_CHUNKED")
"""What a browser says of answers that are errors on purpose, and of a server that ends."""


@dataclass
class Person:
    """Presses keys, and counts them."""

    page: Page
    url: str
    pressed: int = 0
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _listen(self, message: ConsoleMessage) -> None:
        text = f"{message.text} {message.location.get('url', '')}"
        if message.type in ("error", "warning") and not any(each in text for each in EXPECTED_IN_CONSOLE):
            self.complaints.append(text)

    def opens(self, path: str = "/") -> None:
        """Opens the page, and waits until its keys work."""
        self.page.goto(f"{self.url}{path}")
        self.page.wait_for_selector("html[data-ready]")

    def presses(self, *keys: str) -> None:
        """Presses keys, one after the other, as fast as fingers never are."""
        for key in keys:
            self.page.keyboard.press(key)
            self.pressed += 1

    def sees_ticket(self, ticket_id: str) -> None:
        """The ticket stands in its pane, and its row is the current one."""
        expect(self.page.locator("#ticket")).to_have_attribute("data-id", ticket_id)
        expect(self.page.locator("#list [aria-current]")).to_have_attribute("href", _of(ticket_id))

    def sees_label(self, ticket_id: str, label: str) -> None:
        """The ticket's row shows a label."""
        row = self.page.locator(f'#list [data-id="{ticket_id}"]')
        expect(row.locator(".chip").filter(has_text=label).first).to_be_visible()


def _of(ticket_id: str) -> re.Pattern[str]:
    return re.compile(rf"/tickets/{re.escape(ticket_id)}(\?|$)")
