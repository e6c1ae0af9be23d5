"""How each helpdesk signs its webhooks: over the raw bytes, with a secret that it shares with us."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

SECRET_HEADER = "x-ticketmill-secret"  # noqa: S105 - its name
"""Carries the secret itself, for helpdesks that sign nothing and can send a header of one's own."""
MAX_AGE_S = 300


class BadSignature(Exception):
    """A delivery that is not believed. The message says why, and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request of a helpdesk. Names of headers are in lower case; `urls` are what it may have called."""

    headers: Mapping[str, str]
    body: bytes
    urls: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Scheme:
    """How one helpdesk signs. `signed` gives the bytes that the signature may be of."""

    header: str
    digest: str
    is_hex: bool = False
    prefix: str = ""
    timestamp: str | None = None
    """The header with the time of the delivery, which the signature covers."""
    delivery_id: str | None = None
    """The header that names the delivery."""
    signed: Callable[[Delivery, str], Sequence[bytes]] = lambda delivery, _timestamp: [delivery.body]

    def verify(self, delivery: Delivery, secrets: Sequence[str], now: datetime) -> None:
        """Raises BadSignature where no secret fits, or the delivery is too old."""
        given = delivery.headers.get(self.header, "")
        timestamp = self._timestamp(delivery, now)
        expected = [
            self._signature(secret, signed)
            for secret in secrets
            for signed in self.signed(delivery, timestamp)
        ]
        if not any(hmac.compare_digest(given.encode(), each.encode()) for each in expected):
            raise BadSignature(f"the header {self.header} does not fit the body and the secret")

    def replay_ids(self, delivery: Delivery) -> list[str]:
        """What no second delivery may have: its signature, and its id where it has one."""
        ids = [f"signature {hashlib.sha256(delivery.headers.get(self.header, '').encode()).hexdigest()}"]
        named = self.delivery_id and delivery.headers.get(self.delivery_id)
        return [*ids, f"id {hashlib.sha256(named.encode()).hexdigest()}"] if named else ids

    def _timestamp(self, delivery: Delivery, now: datetime) -> str:
        if self.timestamp is None:
            return ""
        text = delivery.headers.get(self.timestamp, "")
        try:
            sent = _moment(text)
        except (ValueError, OverflowError, OSError):
            raise BadSignature(f"the header {self.timestamp} is no time") from None
        if abs((now - sent).total_seconds()) > MAX_AGE_S:
            raise BadSignature(f"the delivery is not of the last {MAX_AGE_S // 60} minutes")
        return text

    def _signature(self, secret: str, signed: bytes) -> str:
        digest = hmac.new(secret.encode(), signed, self.digest).digest()
        return self.prefix + (digest.hex() if self.is_hex else base64.b64encode(digest).decode())


@dataclass(frozen=True, slots=True)
class SharedSecret:
    """A header that carries the secret. Such deliveries have nothing that could be told to be a repeat."""

    header: str = SECRET_HEADER

    def verify(self, delivery: Delivery, secrets: Sequence[str], now: datetime) -> None:
        """Raises BadSignature where the header is none of the secrets."""
        del now
        given = delivery.headers.get(self.header, "").encode()
        if not any(hmac.compare_digest(given, each.encode()) for each in secrets):
            raise BadSignature(f"the header {self.header} does not carry the secret")

    def replay_ids(self, _delivery: Delivery) -> list[str]:
        """None."""
        return []


def _moment(text: str) -> datetime:
    """A time in ISO 8601, or in milliseconds since 1970."""
    if text.isdigit():
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _of_zendesk(delivery: Delivery, timestamp: str) -> list[bytes]:
    return [timestamp.encode() + delivery.body]


def _of_hubspot(delivery: Delivery, timestamp: str) -> list[bytes]:
    return [b"POST" + url.encode() + delivery.body + timestamp.encode() for url in delivery.urls]


SCHEMES: Mapping[str, Scheme] = {
    "zendesk": Scheme(
        "x-zendesk-webhook-signature",
        "sha256",
        timestamp="x-zendesk-webhook-signature-timestamp",
        delivery_id="x-zendesk-webhook-invocation-id",
        signed=_of_zendesk,
    ),
    "intercom": Scheme("x-hub-signature", "sha1", is_hex=True, prefix="sha1="),
    "github": Scheme(
        "x-hub-signature-256", "sha256", is_hex=True, prefix="sha256=", delivery_id="x-github-delivery"
    ),
    "jira": Scheme(
        "x-hub-signature",
        "sha256",
        is_hex=True,
        prefix="sha256=",
        delivery_id="x-atlassian-webhook-identifier",
    ),
    "hubspot": Scheme(
        "x-hubspot-signature-v3", "sha256", timestamp="x-hubspot-request-timestamp", signed=_of_hubspot
    ),
    "helpscout": Scheme("x-helpscout-signature", "sha1"),
    "zammad": Scheme("x-hub-signature", "sha1", is_hex=True, prefix="sha1=", delivery_id="x-zammad-delivery"),
}
"""By source. All others send the secret itself in a header."""


def scheme_of(source: str) -> Scheme | SharedSecret:
    """How a source proves that a delivery is its own."""
    return SCHEMES.get(source) or SharedSecret()
