"""What answers at an endpoint, asked once and quickly, before the SDK asks again and again."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from ticketmill.domain.errors import SetupError

if TYPE_CHECKING:
    from http.client import HTTPConnection, HTTPResponse

TIMEOUT_S = 5.0
_MAX_ANSWER_BYTES = 1 << 16


class Answering(StrEnum):
    """Who answers: the values are what people are told."""

    NOBODY = "nothing answers"
    SILENT = "something accepts connections and does not answer"
    EMULATOR = "an emulator of AWS answers"
    AWS = "AWS answers"
    FOREIGN = "something answers that is not AWS"


@dataclass(frozen=True, slots=True)
class Answer:
    """Who answered, and what its clock said beside ours, in seconds; None where it sent no date."""

    who: Answering
    clock_ahead_s: float | None = None


def is_loopback(host: str) -> bool:
    """Whether a host name or an address means this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def split_endpoint(endpoint_url: str) -> SplitResult:
    """The parts of an endpoint's address. SetupError where it is none."""
    with suppress(ValueError):
        parts = urlsplit(endpoint_url)
        if parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0):
            return parts
    raise SetupError(
        f"the endpoint {endpoint_url!r} is not an address: set AWS_ENDPOINT_URL to one like "
        "http://127.0.0.1:4566"
    )


def ask(endpoint_url: str, timeout_s: float = TIMEOUT_S) -> Answer:
    """Who answers at the endpoint. SetupError where it is not an address."""
    from http.client import HTTPException

    connection = _connection(split_endpoint(endpoint_url), timeout_s)
    try:
        connection.connect()
    except (OSError, UnicodeError):
        return Answer(Answering.NOBODY)
    try:
        connection.request("GET", "/_localstack/health")  # ministack and LocalStack know it
        response = connection.getresponse()
        body = response.read(_MAX_ANSWER_BYTES)
    except TimeoutError:
        return Answer(Answering.SILENT)
    except (OSError, HTTPException):
        return Answer(Answering.FOREIGN)
    finally:
        connection.close()
    return Answer(_who(response, body), _clock_ahead_s(response))


def check_answers(endpoint_url: str) -> None:
    """SetupError where nothing answers at an endpoint on this machine, or what listens stays silent.

    The SDK would retry for a minute and more. Endpoints elsewhere may need a proxy, and are left to it.
    """
    if not is_loopback(split_endpoint(endpoint_url).hostname or ""):
        return
    who = ask(endpoint_url).who
    if who is Answering.NOBODY:
        raise SetupError(f'nothing answers at {endpoint_url}: start it with eval "$(ticketmill up)"')
    if who is Answering.SILENT:
        raise silent(endpoint_url)


def silent(endpoint_url: str) -> SetupError:
    """The error for an endpoint that accepts connections and says nothing."""
    return SetupError(
        f"{Answering.SILENT} at {endpoint_url}: "
        "stop what listens there, or set AWS_ENDPOINT_URL to another port"
    )


def _connection(parts: SplitResult, timeout_s: float) -> HTTPConnection:
    from http.client import HTTPConnection, HTTPSConnection

    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    return kind(parts.hostname or "", parts.port, timeout=timeout_s)


def _who(response: HTTPResponse, body: bytes) -> Answering:
    import json

    with suppress(ValueError):
        told = json.loads(body)
        if response.status == 200 and isinstance(told, dict) and "services" in told:
            return Answering.EMULATOR
    if any(name.lower().startswith(("x-amz-", "x-amzn-")) for name in response.headers):
        return Answering.AWS
    return Answering.FOREIGN


def _clock_ahead_s(response: HTTPResponse) -> float | None:
    from email.utils import parsedate_to_datetime

    with suppress(TypeError, ValueError):
        sent = parsedate_to_datetime(response.headers["Date"])
        return (sent - datetime.now(UTC)).total_seconds()
    return None
