"""Signed webhooks, as standardwebhooks.com describes them: HMAC-SHA256 over id, timestamp and body."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass

from ticketmill.domain.event import TicketEvent
from ticketmill.domain.routing_rule import WebhookTarget
from ticketmill.targets.http import IDEMPOTENCY_HEADER, HttpClient
from ticketmill.targets.secrets import Secrets, secret_of

SECRET_PREFIX = "whsec_"  # noqa: S105 - what begins a key in base64


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """As in `v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=`."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _key(secret: str) -> bytes:
    """The bytes of a key: base64 after `whsec_`, else as it is."""
    if not secret.startswith(SECRET_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        # a passphrase may begin so too: both sides then sign with its characters
        return secret.encode()


@dataclass(frozen=True, slots=True)
class Webhook:
    """Sends events as JSON."""

    config: WebhookTarget
    http: HttpClient
    secrets: Secrets
    clock: Callable[[], float] = time.time

    def send(self, event: TicketEvent) -> str:
        """See operations.delivery.Target."""
        url = secret_of(self.secrets, self.config.url_env)
        body = event.model_dump_json(exclude_none=True).encode()
        timestamp, key = int(self.clock()), event.idempotency_key
        secret = secret_of(self.secrets, self.config.secret_env)
        headers = {
            "webhook-id": key,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(secret, key, timestamp, body),
            IDEMPOTENCY_HEADER: key,
        }
        answer = self.http.request("POST", url, headers, body=body)
        return f"posted to the webhook, status {answer.status}"
