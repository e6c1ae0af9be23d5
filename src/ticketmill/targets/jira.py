"""Jira Cloud's REST API, see https://developer.atlassian.com/cloud/jira/platform/rest/v3/."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import ClassVar

from ticketmill.domain.labels import Urgency
from ticketmill.domain.routing_rule import JiraTarget
from ticketmill.targets.helpdesk import Writing, basic, objects_of
from ticketmill.targets.http import IDEMPOTENCY_HEADER, HttpClient
from ticketmill.targets.secrets import Secrets, secret_of

PRIORITIES = {
    Urgency.CRITICAL: "Highest",
    Urgency.HIGH: "High",
    Urgency.MEDIUM: "Medium",
    Urgency.LOW: "Low",
}
INTERNAL = [{"key": "sd.public.comment", "value": {"internal": True}}]
"""Keeps a comment from customers in Jira Service Management; elsewhere it changes nothing."""


@dataclass(frozen=True, slots=True)
class Jira:
    """Updates labels and priority in one request, and adds an internal comment."""

    source: ClassVar[str] = "jira"
    config: JiraTarget
    http: HttpClient
    secrets: Secrets
    prefix: str = "jira-"

    def write(self, writing: Writing) -> None:
        """See targets.helpdesk.Helpdesk."""
        address = f"{self.config.base_url.rstrip('/')}/rest/api/3/issue/{writing.number}"
        user = secret_of(self.secrets, self.config.user_env)
        authorization = {**basic(user, secret_of(self.secrets, self.config.token_env))}
        headers = {**authorization, IDEMPOTENCY_HEADER: writing.key}
        update: dict[str, object] = {}
        if writing.tags:
            update["labels"] = [{"add": each.replace(" ", "-")} for each in writing.tags]  # no blanks
        if writing.priority:
            update["priority"] = [{"set": {"name": PRIORITIES[writing.priority]}}]
        if update:
            self.http.request("PUT", address, headers, {"update": update})
        if writing.note and not self._has_comment(address, authorization, writing):
            comment = {"body": document_of(writing.marked_note), "properties": INTERNAL}
            self.http.request("POST", f"{address}/comment", headers, comment)

    def _has_comment(self, address: str, authorization: dict[str, str], writing: Writing) -> bool:
        url = f"{address}/comment?orderBy=-created&maxResults=100"
        comments = objects_of(self.http.request("GET", url, authorization).json(), "comments")
        return any(writing.mark in json.dumps(each.get("body")) for each in comments)


def document_of(text: str) -> dict[str, object]:
    """A text in Atlassian's document format: one paragraph a line."""
    paragraphs = [
        {"type": "paragraph", "content": [{"type": "text", "text": line}]}
        for line in text.splitlines()
        if line
    ]
    return {"type": "doc", "version": 1, "content": paragraphs}
