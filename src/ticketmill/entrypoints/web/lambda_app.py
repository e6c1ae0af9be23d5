"""The API and the page as a Lambda function with a function URL, which IAM signs in (AuthType AWS_IAM).

Events are not streamed there: a function that waits is paid for.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from mangum import Mangum
from starlette.types import Scope

from ticketmill.entrypoints.web.app import make_app
from ticketmill.entrypoints.web.assemble import connect_parts
from ticketmill.entrypoints.web.caller import Caller, scopes_of
from ticketmill.entrypoints.web.gate import TrustedCaller
from ticketmill.entrypoints.web.parts import WebParts
from ticketmill.settings import load_settings
from ticketmill.telemetry import logs

MAX_NAME_CHARS = 256


def handler(event: dict[str, Any], context: Any) -> Any:
    """Answers one request. The parts are made with the first one."""
    return _adapter()(event, context)


def adapter(parts: WebParts) -> Mangum:
    """The app behind the adapter from Lambda's events."""
    return Mangum(make_app(parts, trusted_by_iam(parts.settings.alb_scopes), streams=False), lifespan="off")


def trusted_by_iam(scopes: str) -> TrustedCaller:
    """Names the user or the role session that IAM has verified."""
    allowed = scopes_of(scopes.split(","))

    def caller(scope: Scope) -> Caller | None:
        event: Mapping[str, Any] = scope.get("aws.event", {})
        arn = event.get("requestContext", {}).get("authorizer", {}).get("iam", {}).get("userArn")
        return Caller(str(arn).rpartition(":")[2][:MAX_NAME_CHARS], allowed) if arn else None

    return caller


@cache
def _adapter() -> Mangum:
    settings = load_settings(log_format="json")
    logs.configure("json", verbose=False)
    parts = connect_parts(settings)
    parts.enricher.start()
    return adapter(parts)
