"""Errors as RFC 9457 problem documents: a code for programs, and what to do for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.routing import Route

from ticketmill.domain.errors import (
    CorrectionCode,
    CorrectionRefused,
    LearningCode,
    LearningRefused,
    SetupError,
    TicketRejected,
    TransientFailure,
)
from ticketmill.queries.cursor import BadCursor

PROBLEM_TYPE = "application/problem+json"
RETRY_AFTER_S = 5
MAX_FIELD_CHARS = 200

NEXT = {
    "not_found": "check the path; /api/v1/openapi.json lists what there is",
    "method_not_allowed": "use one of the methods in the header Allow",
    "invalid_request": "correct what `errors` names and send it again",
    "unreadable_body": "send JSON in UTF-8, with Content-Type: application/json",
    "service_failed": "try again after the seconds in Retry-After",
    "not_ready": "ask the operator to look at the server's log",
    "bug": "try again; if it happens again, report it with the time of the request",
}
"""What to do about a problem, by its code, where the problem itself does not say."""

_CORRECTION_STATUS = {
    CorrectionCode.UNKNOWN_TICKET: HTTPStatus.NOT_FOUND,
    CorrectionCode.STALE_REVISION: HTTPStatus.PRECONDITION_FAILED,
    CorrectionCode.STALE_CONTENT: HTTPStatus.PRECONDITION_FAILED,
    CorrectionCode.SAME_GROUP: HTTPStatus.CONFLICT,
}
_LEARNING_STATUS = {
    LearningCode.UNKNOWN_TASK: HTTPStatus.NOT_FOUND,
    LearningCode.UNKNOWN_TICKET: HTTPStatus.NOT_FOUND,
    LearningCode.UNKNOWN_VERSION: HTTPStatus.NOT_FOUND,
    LearningCode.UNKNOWN_DATASET: HTTPStatus.NOT_FOUND,
    LearningCode.UNKNOWN_JOB: HTTPStatus.NOT_FOUND,
    LearningCode.UNKNOWN_SURGE: HTTPStatus.NOT_FOUND,
    LearningCode.JOB_MISMATCH: HTTPStatus.CONFLICT,
    LearningCode.STALE_CONTENT: HTTPStatus.PRECONDITION_FAILED,
    **dict.fromkeys(
        (
            LearningCode.JOB_RUNNING,
            LearningCode.COOLING_DOWN,
            LearningCode.GATE_FAILED,
            LearningCode.DECISION_CHANGED,
            LearningCode.ALREADY_SERVING,
            LearningCode.NOTHING_TO_ROLL_BACK,
            LearningCode.RETIRED,
            LearningCode.IN_USE,
            LearningCode.NAME_TAKEN,
        ),
        HTTPStatus.CONFLICT,
    ),
}


class ProblemDocument(BaseModel):
    """What went wrong, see RFC 9457."""

    model_config = ConfigDict(extra="allow")

    type: str
    """A URI that names the kind of problem."""
    title: str
    """The status in words."""
    status: int
    """The status."""
    code: str
    """The kind of problem, for programs."""
    detail: str
    """What went wrong. It never quotes a ticket."""
    next: str
    """What to do."""


class Problem(HTTPException):
    """An error that is answered by a problem document. `more` has further fields of it."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        next_step: str | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.code = code
        self.next_step = next_step or NEXT[code]
        self.more = more

    def response(self) -> Response:
        """The answer."""
        title = HTTPStatus(self.status_code).phrase
        fields = {
            "type": f"urn:ticketmill:problem:{self.code}",
            "title": title,
            "status": self.status_code,
            "code": self.code,
            "detail": self.detail,
            "next": self.next_step,
            **self.more,
        }
        return Response(
            json.dumps(fields), self.status_code, dict(self.headers or {}), media_type=PROBLEM_TYPE
        )


def problem_of(error: Exception) -> Problem | None:
    """The problem that an expected error is; None for a bug."""
    match error:
        case Problem():
            return error
        case HTTPException():
            return _of_http(error)
        case RequestValidationError():
            return _of_validation(error)
        case TicketRejected():
            return Problem(422, error.code, error.message, "correct the ticket, see docs/intake.md")
        case CorrectionRefused():
            status = _CORRECTION_STATUS.get(error.code, HTTPStatus.UNPROCESSABLE_ENTITY)
            return Problem(status, error.code, error.message, "read the ticket again, then correct it")
        case LearningRefused():
            status = _LEARNING_STATUS.get(error.code, HTTPStatus.UNPROCESSABLE_ENTITY)
            return Problem(status, error.code, error.message, "see docs/learning.md")
        case BadCursor():
            return Problem(400, "bad_cursor", "the cursor is of no list of these filters", "leave it out")
        case TransientFailure():
            headers = {"Retry-After": str(RETRY_AFTER_S)}
            return Problem(503, "service_failed", str(error), headers=headers)
        case SetupError():
            return Problem(503, "not_ready", str(error), headers={"Retry-After": "60"})
    return None


def bug() -> Problem:
    """The problem that an unexpected error is. What the error says may quote a ticket, so nothing of it."""
    return Problem(500, "bug", "the server made a mistake; its log says where")


def unknown_ticket() -> Problem:
    """The problem that there is no such ticket."""
    return Problem(404, "unknown_ticket", "there is no such ticket", "GET /api/v1/tickets lists the newest")


def install(app: FastAPI) -> None:
    """Answers every expected error by its problem document."""

    def answer(request: Request, error: Exception) -> Response:
        problem = problem_of(error) or bug()
        if problem.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            problem.headers = {"Allow": ", ".join(_methods_of(request))}
        return problem.response()

    for kind in (
        *(HTTPException, RequestValidationError, TicketRejected, CorrectionRefused, LearningRefused),
        *(BadCursor, TransientFailure, SetupError),
    ):
        app.add_exception_handler(kind, answer)


def _methods_of(request: Request) -> list[str]:
    """The methods that a path takes: the framework tells those of one of its routes alone."""
    path = request.url.path
    return sorted(
        {
            method
            for route in _routes(request.app.router)
            if route.path_regex.match(path)
            for method in route.methods or ()
        }
    )


def _routes(router: Any) -> Iterator[Route]:
    """The routes of a router, and of those that it includes."""
    for each in router.routes:
        if isinstance(each, Route):
            yield each
        elif included := getattr(each, "original_router", None):
            yield from _routes(included)


def _of_http(error: HTTPException) -> Problem:
    """Of the framework's own errors: no route, no such method, a body that cannot be read."""
    codes = {404: "not_found", 405: "method_not_allowed", 400: "unreadable_body", 413: "too_large"}
    code = codes.get(error.status_code, "invalid_request")
    details = {
        404: "there is nothing at this path",
        405: "this path does not take that method",
        400: "the body cannot be read",
    }
    detail = details.get(error.status_code, HTTPStatus(error.status_code).phrase)
    return Problem(error.status_code, code, detail, NEXT.get(code, "correct the request"), error.headers)


def _of_validation(error: RequestValidationError) -> Problem:
    """Names each wrong field and what is expected there. It repeats nothing of the request but names."""
    errors = [
        {
            "field": ".".join(map(str, each["loc"])).encode("ascii", "replace").decode()[:MAX_FIELD_CHARS],
            "expected": str(each["msg"]).encode("ascii", "replace").decode()[:MAX_FIELD_CHARS],
        }
        for each in error.errors()
    ]
    unreadable = any(each["type"] == "json_invalid" for each in error.errors())
    if unreadable:
        return Problem(400, "unreadable_body", "the body is no JSON", errors=errors)
    return Problem(422, "invalid_request", "the request is not as the API expects it", errors=errors)
