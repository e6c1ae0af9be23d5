"""Zendesk's Ticketing API, see https://developer.zendesk.com/api-reference/ticketing/."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ticketmill.domain.labels import Urgency
from ticketmill.domain.routing_rule import ZendeskTarget
from ticketmill.targets.helpdesk import Writing, basic, objects_of
from ticketmill.targets.http import IDEMPOTENCY_HEADER, HttpClient
from ticketmill.targets.secrets import Secrets, secret_of

PRIORITIES = {
    Urgency.CRITICAL: "urgent",
    Urgency.HIGH: "high",
    Urgency.MEDIUM: "normal",
    Urgency.LOW: "low",
}


@dataclass(frozen=True, slots=True)
class Zendesk:
    """Adds tags, and updates priority and note in one request."""

    source: ClassVar[str] = "zendesk"
    config: ZendeskTarget
    http: HttpClient
    secrets: Secrets
    prefix: str = "zendesk-"

    def write(self, writing: Writing) -> None:
        """See targets.helpdesk.Helpdesk."""
        address = f"{self.config.base_url.rstrip('/')}/api/v2/tickets/{writing.number}"
        headers = {**self._authorization(), IDEMPOTENCY_HEADER: writing.key}
        if writing.tags:
            tags = [each.replace(" ", "_") for each in writing.tags]  # a blank separates two tags
            self.http.request("PUT", f"{address}/tags.json", headers, {"tags": tags})
        changes: dict[str, object] = {}
        if writing.priority:
            changes["priority"] = PRIORITIES[writing.priority]
        if writing.note and not self._has_note(address, writing):
            changes["comment"] = {"body": writing.marked_note, "public": False}
        if changes:
            self.http.request("PUT", f"{address}.json", headers, {"ticket": changes})

    def _has_note(self, address: str, writing: Writing) -> bool:
        url = f"{address}/comments.json?sort_order=desc&per_page=100"
        comments = objects_of(self.http.request("GET", url, self._authorization()).json(), "comments")
        return any(writing.mark in str(each.get("body")) for each in comments)

    def _authorization(self) -> dict[str, str]:
        user = secret_of(self.secrets, self.config.user_env)
        return {**basic(f"{user}/token", secret_of(self.secrets, self.config.token_env))}
