"""A request and an answer as they pass the proxy, read as far as chaos needs to know them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_SCOPE = re.compile(r"Credential=[^/]+/\d+/[^/]+/([a-z0-9-]+)/aws4_request")
_WORKER = re.compile(r"\bapp/([\w-]+)")


@dataclass(frozen=True, slots=True)
class Request:
    """Header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def service(self) -> str:
        """As the signature names it."""
        scope = _SCOPE.search(self.headers.get("authorization", ""))
        return scope[1] if scope else "other"

    @property
    def operation(self) -> str:
        """As in `s3.PUT`, `sqs.ReceiveMessage`."""
        target = self.headers.get("x-amz-target", "").rpartition(".")[2]
        return f"{self.service}.{target or self.method}"

    @property
    def worker(self) -> str:
        """Who asks: workers are told to name themselves in their user agent."""
        name = _WORKER.search(self.headers.get("user-agent", ""))
        return name[1] if name else "?"

    def with_body(self, body: bytes) -> Request:
        return replace(self, body=body)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def with_body(self, body: bytes) -> Answer:
        """Another body; the checksum of the former one is dropped."""
        headers = [(name, value) for name, value in self.headers if name.lower() != "x-amz-crc32"]
        return replace(self, body=body, headers=headers)
