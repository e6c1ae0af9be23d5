"""People whom an Application Load Balancer has signed in, by the JWT that it adds to each request.

The signature is checked with the key of the region, and the signer must be the load balancer of the settings:
any other one could sign as well. See "Authenticate users" in the guide of Application Load Balancers.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from threading import Lock
from typing import Any

from ticketmill.domain.errors import TransientFailure
from ticketmill.entrypoints.web.caller import Caller, Scope

HEADER = "x-amzn-oidc-data"
ALGORITHM = "ES256"
MAX_TOKEN_CHARS = 16_384
MAX_KEYS = 16
LEEWAY_S = 60
FETCH_TIMEOUT_S = 3.0
_KEY_ID = re.compile(r"[0-9a-fA-F-]{36}")
_ARN = re.compile(r"arn:[a-z0-9-]+:elasticloadbalancing:([a-z0-9-]+):\d{12}:loadbalancer/app/.+")

FetchKey = Callable[[str], bytes]
"""The public key of a key id, in PEM."""


class NotSignedIn(Exception):
    """A token that is not believed. The message says why, and quotes nothing of it."""


def region_of(alb_arn: str) -> str:
    """The region of a load balancer. ValueError where it is no ARN of one."""
    found = _ARN.fullmatch(alb_arn)
    if not found:
        raise ValueError("expected the ARN of an Application Load Balancer")
    return found[1]


def fetch_key(region: str) -> FetchKey:
    """Asks the region's own address for keys."""

    def fetch(key_id: str) -> bytes:
        import urllib3

        url = f"https://public-keys.auth.elb.{region}.amazonaws.com/{key_id}"
        try:
            answer = urllib3.request("GET", url, timeout=FETCH_TIMEOUT_S, retries=False, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            raise TransientFailure(f"fetching the load balancer's key: {type(error).__name__}") from error
        if answer.status != 200:
            raise TransientFailure(f"fetching the load balancer's key: status {answer.status}")
        return answer.data

    return fetch


class SignIn:
    """Verifies the tokens of one load balancer. Each key has its own id, and is kept."""

    def __init__(
        self,
        alb_arn: str,
        scopes: frozenset[Scope],
        fetch: FetchKey | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._alb_arn = alb_arn
        self._scopes = scopes
        self._fetch = fetch or fetch_key(region_of(alb_arn))
        self._clock = clock
        self._keys: dict[str, Any] = {}
        self._lock = Lock()

    def caller(self, token: str) -> Caller:
        """The person that the token names. NotSignedIn where it is not believed."""
        head, payload, signed, signature = _parts(token)
        if head.get("alg") != ALGORITHM:
            raise NotSignedIn(f"expected a token signed by {ALGORITHM}")
        if head.get("signer") != self._alb_arn:
            raise NotSignedIn("another load balancer signed the token than TICKETMILL_ALB_ARN names")
        self._check_signature(str(head.get("kid")), signed, signature)
        expires = head.get("exp", payload.get("exp"))
        if not isinstance(expires, int | float) or expires + LEEWAY_S < self._clock():
            raise NotSignedIn("the token has expired")
        name = payload.get("email") or payload.get("sub")
        if not isinstance(name, str) or not name:
            raise NotSignedIn("the token names nobody")
        return Caller(name[:256], self._scopes)

    def _check_signature(self, key_id: str, signed: bytes, signature: bytes) -> None:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
        from cryptography.hazmat.primitives.hashes import SHA256

        if len(signature) != 64:
            raise NotSignedIn("the signature has the wrong length")
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
        try:
            self._key(key_id).verify(encode_dss_signature(r, s), signed, ECDSA(SHA256()))
        except InvalidSignature:
            raise NotSignedIn("the signature does not fit the token") from None

    def _key(self, key_id: str) -> Any:
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        if not _KEY_ID.fullmatch(key_id):
            raise NotSignedIn("the token names no key")
        with self._lock:
            if key_id not in self._keys:
                loaded = load_pem_public_key(self._fetch(key_id))
                if len(self._keys) >= MAX_KEYS:
                    self._keys.pop(next(iter(self._keys)))
                self._keys[key_id] = loaded
            return self._keys[key_id]


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    """Head and payload, the bytes that are signed, and the signature."""
    pieces = token.split(".")
    if len(token) > MAX_TOKEN_CHARS or len(pieces) != 3:
        raise NotSignedIn("expected a token of three parts")
    try:
        head, payload = (json.loads(_decoded(piece)) for piece in pieces[:2])
        signature = _decoded(pieces[2])
    except ValueError:
        raise NotSignedIn("the token cannot be decoded") from None
    if not isinstance(head, dict) or not isinstance(payload, dict):
        raise NotSignedIn("the token cannot be decoded")
    return head, payload, f"{pieces[0]}.{pieces[1]}".encode(), signature


def _decoded(piece: str) -> bytes:
    """Load balancers pad their base64, which other signers of JWTs do not."""
    return base64.b64decode(piece + "=" * (-len(piece) % 4), altchars=b"-_", validate=True)
