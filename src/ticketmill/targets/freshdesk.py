"""Freshdesk's API, see https://developers.freshdesk.com/api/."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import ClassVar

from ticketmill.domain.labels import Urgency
from ticketmill.domain.routing_rule import FreshdeskTarget
from ticketmill.targets.helpdesk import Writing, basic, objects_of
from ticketmill.targets.http import IDEMPOTENCY_HEADER, HttpClient
from ticketmill.targets.secrets import Secrets, secret_of

PRIORITIES = {Urgency.CRITICAL: 4, Urgency.HIGH: 3, Urgency.MEDIUM: 2, Urgency.LOW: 1}
PAGE_NOTES = 100


@dataclass(frozen=True, slots=True)
class Freshdesk:
    """Updates tags and priority in one request, and adds a private note.

    The API sets all tags at once: those that the ticket has are read first, and kept.
    """

    source: ClassVar[str] = "freshdesk"
    config: FreshdeskTarget
    http: HttpClient
    secrets: Secrets
    prefix: str = "freshdesk-"

    def write(self, writing: Writing) -> None:
        """See targets.helpdesk.Helpdesk."""
        address = f"{self.config.base_url.rstrip('/')}/api/v2/tickets/{writing.number}"
        authorization = basic(secret_of(self.secrets, self.config.token_env), "X")
        headers = {**authorization, IDEMPOTENCY_HEADER: writing.key}
        changes: dict[str, object] = {}
        if writing.tags:
            changes["tags"] = self._all_tags(address, authorization, writing)
        if writing.priority:
            changes["priority"] = PRIORITIES[writing.priority]
        if changes:
            self.http.request("PUT", address, headers, changes)
        if writing.note and not self._has_note(address, authorization, writing):
            note = {"body": html.escape(writing.marked_note).replace("\n", "<br>"), "private": True}
            self.http.request("POST", f"{address}/notes", headers, note)

    def _all_tags(self, address: str, authorization: Mapping[str, str], writing: Writing) -> list[str]:
        ticket = self.http.request("GET", address, authorization).json()
        present = ticket.get("tags") if isinstance(ticket, Mapping) else None
        return list(dict.fromkeys([*(present or []), *writing.tags]))

    def _has_note(self, address: str, authorization: Mapping[str, str], writing: Writing) -> bool:
        """Looks through the whole conversation: the API lists the oldest messages first."""
        for page in count(1):
            url = f"{address}/conversations?per_page={PAGE_NOTES}&page={page}"
            notes = objects_of(self.http.request("GET", url, authorization).json())
            if any(writing.mark in str(each.get("body_text") or each.get("body")) for each in notes):
                return True
            if len(notes) < PAGE_NOTES:
                break
        return False
