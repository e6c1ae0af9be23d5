"""Around everything: problems become answers, answers get the headers of security, requests a log line."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ticketmill.entrypoints.web.problems import bug, problem_of

log = logging.getLogger(__name__)

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
UNSAID_CACHING = "no-store"


@dataclass(frozen=True)
class Outermost:
    """The outermost layer. No exception passes it: what is none of ours is logged without what it says."""

    app: ASGIApp
    clock: Callable[[], float] = time.perf_counter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers the request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = self.clock(), 0

        async def send_secured(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", UNSAID_CACHING)
            await send(message)

        try:
            await self.app(scope, receive, send_secured)
        except Exception as error:
            problem = problem_of(error)
            if problem is None:
                log.exception("%s %s failed", scope["method"], route_of(scope))
            if status:
                raise  # half of an answer is out: the server closes the connection
            await (problem or bug()).response()(scope, receive, send_secured)
        finally:
            ms = (self.clock() - started) * 1000
            person = scope.get("state", {}).get("person") or "-"
            log.info("%s %s %d %.1f ms by %s", scope["method"], route_of(scope), status, ms, person)


def route_of(scope: Scope) -> str:
    """The path of the route, as in `/api/v1/tickets/{ticket_id}`, without what was asked for there."""
    route = scope.get("route")
    return str(getattr(route, "path", "-"))
