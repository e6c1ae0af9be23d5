"""HTTP requests to where rules point: with timeouts, without redirects, and never to link-local addresses.

The address is judged once the connection stands and before a byte is sent: whatever a name resolves to, and
whenever, the metadata services of clouds (169.254.169.254 and its sisters) are out of reach.
"""

from __future__ import annotations

import json
import math
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from ticketmill.domain.errors import RetryLater, TransientFailure

CONNECT_TIMEOUT_S = 3.0
READ_TIMEOUT_S = 10.0
MAX_ANSWER_BYTES = 4 << 20
DEFAULT_RETRY_AFTER_S = 60.0
IDEMPOTENCY_HEADER = "Idempotency-Key"

_NEVER = (
    ip_network("fd00:ec2::/32"),  # the metadata service of AWS over IPv6
    ip_network("100.100.100.200/32"),  # that of Alibaba
    ip_network("168.63.129.16/32"),  # that of Azure
)
_NAT64 = ip_network("64:ff9b::/96")

Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with status 2xx."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The document. TransientFailure where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise TransientFailure("expected JSON as the answer", "unexpected_answer") from None


def is_blocked(address: str) -> bool:
    """Whether an address is link-local, a cloud's metadata service, or no single host."""
    found = _embedded(ip_address(address.partition("%")[0]))
    return (
        found.is_link_local
        or found.is_multicast
        or found.is_unspecified
        or any(found.version == each.version and found in each for each in _NEVER)
    )


def _embedded(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address in an IPv6 one, where it stands for one."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _pool_classes(is_blocked: Callable[[str], bool]) -> dict[str, type[HTTPConnectionPool]]:
    """Pools whose connections are closed where they lead to a blocked address."""

    def checked(connected: socket.socket) -> socket.socket:
        address = str(connected.getpeername()[0])
        if is_blocked(address):
            connected.close()
            message = f"{address} must not be called: correct the address in the rule or its variable"
            raise TransientFailure(message, "blocked_address")
        return connected

    class Http(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return checked(super()._new_conn())

    class Https(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return checked(super()._new_conn())

    class HttpPool(HTTPConnectionPool):
        ConnectionCls = Http

    class HttpsPool(HTTPSConnectionPool):
        ConnectionCls = Https

    return {"http": HttpPool, "https": HttpsPool}


class HttpClient:
    """Sends requests; many threads may share one. Every failure is a TransientFailure without secrets."""

    def __init__(
        self,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        read_timeout_s: float = READ_TIMEOUT_S,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        is_blocked: Callable[[str], bool] = is_blocked,
    ) -> None:
        self._pools = PoolManager(
            num_pools=50, maxsize=10, timeout=Timeout(connect=connect_timeout_s, read=read_timeout_s)
        )
        self._pools.pool_classes_by_scheme = _pool_classes(is_blocked)
        self._now = now

    def request(
        self, method: str, url: str, headers: Headers, document: object = None, body: bytes | None = None
    ) -> Answer:
        """Sends `document` as JSON, or `body` as it is. No answer but 2xx is one."""
        host = _host_of(url)
        sent = dict(headers)
        if document is not None:
            body = json.dumps(document, ensure_ascii=False).encode()
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        try:
            answer = self._pools.request(
                method, url, body=body, headers=sent, redirect=False, retries=False, preload_content=False
            )
            try:
                content = answer.read(MAX_ANSWER_BYTES, decode_content=True)
            finally:
                answer.release_conn()
        except (HTTPError, OSError) as error:
            code = type(error).__name__
            raise TransientFailure(f"{method} {host}: {code}", code, dependency=host) from None
        self._check(answer.status, answer.headers, method, host)
        return Answer(answer.status, content)

    def _check(self, status: int, headers: Headers, method: str, host: str) -> None:
        """Raises unless the status is 2xx."""
        if 200 <= status < 300:
            return
        message, code = f"{method} {host}: status {status}", f"http_{status}"
        is_spent = headers.get("X-RateLimit-Remaining") == "0"  # as GitHub says it, with status 403
        if status == 429 or (status in (403, 503) and ("Retry-After" in headers or is_spent)):
            after_s = self._retry_after_s(headers)
            raise RetryLater(f"{message}, try again in {math.ceil(after_s)} s", after_s)
        if 300 <= status < 400:
            raise TransientFailure(f"{message}: redirects are not followed, correct the address", code)
        if status in (401, 403):
            raise TransientFailure(f"{message}: correct the secret, or what it may do", code)
        raise TransientFailure(message, code, dependency=host if status >= 500 else None)

    def _retry_after_s(self, headers: Headers) -> float:
        """Seconds, from a number or a date; else from the time at which GitHub's limit ends."""
        header, reset = headers.get("Retry-After", ""), headers.get("X-RateLimit-Reset", "")
        if header.isdigit():
            return float(header)
        if not header and reset.isdigit():
            return max(float(reset) - self._now().timestamp(), 0.0)
        try:
            return max((parsedate_to_datetime(header) - self._now()).total_seconds(), 0.0)
        except (ValueError, TypeError):  # no date, or one without a zone
            return DEFAULT_RETRY_AFTER_S


def _host_of(url: str) -> str:
    """The host of an address that may be called: https, or http on this machine."""
    try:
        parsed = parse_url(url)
    except HTTPError:
        parsed = None
    if parsed is None or not parsed.host or parsed.auth or parsed.scheme not in ("http", "https"):
        raise TransientFailure("expected an https:// address without a user name", "bad_address")
    if parsed.scheme == "http" and not _is_loopback(parsed.host):
        raise TransientFailure(f"{parsed.host}: use https, http is for this machine alone", "bad_address")
    return parsed.host


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
