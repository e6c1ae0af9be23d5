"""What every request passes before its route, in this order: host, origin, size, caller, rate."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ticketmill.entrypoints.web import sign_in
from ticketmill.entrypoints.web.caller import Caller
from ticketmill.entrypoints.web.keys import KeyRing
from ticketmill.entrypoints.web.limits import RateLimit, limited, too_large
from ticketmill.entrypoints.web.problems import Problem
from ticketmill.entrypoints.web.sign_in import NotSignedIn, SignIn

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
ANY_HOST = "*"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN_PATHS = ("/api/v1/health",)
"""Paths that need no key, and that load balancers ask by address."""
SIGNED_PATHS = "/api/v1/webhooks/"
"""What begins the paths whose requests are signed: they need no key."""
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="ticketmill", Basic realm="ticketmill", charset="UTF-8"'}

TrustedCaller = Callable[[Scope], Caller | None]
"""Who calls, where something before the server has signed them in already."""


@dataclass(frozen=True)
class Gate:
    """Checks requests and names their callers. Without keys, sign-in and `trusted` everybody is `local`."""

    app: ASGIApp
    hosts: frozenset[str]
    max_body_bytes: int
    rate: RateLimit
    keys: KeyRing | None = None
    sign_in: SignIn | None = None
    trusted: TrustedCaller | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on. Raises the problem where it may not come in."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        path: str = scope["path"]
        state = scope.setdefault("state", {})
        if path not in OPEN_PATHS:
            self._check_host(headers)
        if path in OPEN_PATHS or path.startswith(SIGNED_PATHS):
            caller = Caller("", frozenset())
        else:
            check_origin(scope["method"], headers)
            caller = await self._caller(scope, headers)
        self.rate.take(caller.name if caller.name and not self.is_open else _address(scope))
        self._check_size(headers)
        state |= {"caller": caller, "person": caller.name}
        await self.app(scope, limited(receive, self.max_body_bytes), send)

    @property
    def is_open(self) -> bool:
        """Whether nobody is asked who they are."""
        return self.keys is None and self.sign_in is None and self.trusted is None

    def _check_host(self, headers: Headers) -> None:
        """Refuses other names: a page elsewhere could give this machine's address a name of its own."""
        if ANY_HOST in self.hosts or host_name(headers.get("host", "")) in self.hosts:
            return
        raise Problem(
            421,
            "unknown_host",
            "the server does not answer under this name",
            "use another name, or add it to TICKETMILL_WEB_ALLOWED_HOSTS",
        )

    def _check_size(self, headers: Headers) -> None:
        stated = headers.get("content-length", "0")
        if not stated.isdigit() or int(stated) > self.max_body_bytes:
            raise too_large(self.max_body_bytes)

    async def _caller(self, scope: Scope, headers: Headers) -> Caller:
        if self.is_open:
            return Caller.local()
        if self.trusted and (trusted := self.trusted(scope)):
            return trusted
        token = headers.get(sign_in.HEADER)
        if self.sign_in and token:
            try:
                return await run_in_threadpool(self.sign_in.caller, token)
            except NotSignedIn as refused:
                raise _unauthorized(str(refused)) from None
        key = key_in(headers.get("authorization", ""))
        caller = self.keys.caller(key) if self.keys and key else None
        if caller is None:
            raise _unauthorized("the key is not known" if key else "the request has no key")
        return caller


def check_origin(method: str, headers: Headers) -> None:
    """Refuses a change that a page of another site asks for: it would come with the person's sign-in."""
    if method in SAFE_METHODS:
        return
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is None and origin is None:
        return  # no browser
    if site is not None:
        is_own = site in ("same-origin", "none")
    else:
        is_own = urlsplit(origin or "").netloc.lower() == headers.get("host", "").lower()
    if not is_own:
        raise Problem(
            403, "cross_site", "a page of another site sent the request", "use the page of this server"
        )


def host_name(host: str) -> str:
    """The name in a Host header, without its port."""
    name = host.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0].rstrip(".")


def key_in(authorization: str) -> str | None:
    """The key of an Authorization header: a bearer token, or the password of a browser's own dialog."""
    scheme, _, value = authorization.strip().partition(" ")
    value = value.strip()
    if scheme.lower() == "bearer":
        return value or None
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2] or None
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def allowed_hosts(setting: str, listens_on: str) -> frozenset[str]:
    """The names of the setting, the address that the server listens on, and those of loopback."""
    named = (name.strip().lower() for name in (*setting.split(","), listens_on))
    return LOOPBACK_NAMES | {name for name in named if name}


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return f"address {client[0]}" if client else "address unknown"


def _unauthorized(detail: str) -> Problem:
    return Problem(
        401,
        "unauthorized",
        detail,
        "send a key as `Authorization: Bearer KEY`; `ticketmill keys new NAME` makes one",
        CHALLENGE,
    )
