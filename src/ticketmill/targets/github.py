"""GitHub's REST API for issues, see https://docs.github.com/en/rest/issues."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import ClassVar

from ticketmill.domain.routing_rule import GitHubTarget
from ticketmill.targets.helpdesk import Writing, objects_of
from ticketmill.targets.http import IDEMPOTENCY_HEADER, HttpClient
from ticketmill.targets.secrets import Secrets, secret_of

API_VERSION = "2022-11-28"


@dataclass(frozen=True, slots=True)
class GitHub:
    """Adds labels, of which the priority is one, and a comment."""

    source: ClassVar[str] = "github"
    config: GitHubTarget
    http: HttpClient
    secrets: Secrets

    @property
    def prefix(self) -> str:
        """What begins the ids of this repository's issues."""
        return f"github-{self.config.repository.replace('/', '-')}-"

    def write(self, writing: Writing) -> None:
        """See targets.helpdesk.Helpdesk."""
        base = self.config.base_url.rstrip("/")
        address = f"{base}/repos/{self.config.repository}/issues/{writing.number}"
        reading = self._headers()
        headers = {**reading, IDEMPOTENCY_HEADER: writing.key}
        labels = [*writing.tags, *([f"priority: {writing.priority}"] if writing.priority else [])]
        if labels:
            self.http.request("POST", f"{address}/labels", headers, {"labels": labels})
        if writing.note and not self._has_comment(address, reading, writing):
            self.http.request("POST", f"{address}/comments", headers, {"body": writing.marked_note})

    def _has_comment(self, address: str, headers: dict[str, str], writing: Writing) -> bool:
        since = writing.since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        url = f"{address}/comments?since={since}&per_page=100"
        comments = objects_of(self.http.request("GET", url, headers).json())
        return any(writing.mark in str(each.get("body")) for each in comments)

    def _headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {secret_of(self.secrets, self.config.token_env)}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": API_VERSION,
            "User-Agent": "ticketmill",
        }
