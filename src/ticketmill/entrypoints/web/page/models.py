"""The pages of the learned models: what serves, how versions do, and the buttons that change it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ticketmill.domain.errors import LearningRefused, SetupError, TransientFailure
from ticketmill.domain.rollout import Change
from ticketmill.entrypoints.web.caller import MAY_ADMINISTER, Caller, Scope
from ticketmill.entrypoints.web.model_desk import ModelDesk, Wish
from ticketmill.entrypoints.web.models import MAX_REASON_CHARS
from ticketmill.entrypoints.web.page.contents import Desk, Notice
from ticketmill.entrypoints.web.page.form import Form, text_of
from ticketmill.entrypoints.web.page.looking import SEE_OTHER
from ticketmill.entrypoints.web.page.model_views import (
    Naming,
    VersionEntry,
    task_values,
    version_actions,
)
from ticketmill.entrypoints.web.page.templating import render
from ticketmill.entrypoints.web.parts import WebParts
from ticketmill.entrypoints.web.problems import problem_of

REFUSED = (LearningRefused, TransientFailure, SetupError)

router = APIRouter()


@router.get("/models")
def overview(request: Request) -> Response:
    """What serves each task."""
    values = _frame(request)
    try:
        models = _models(request)
        values |= {"naming": Naming(models.catalogue.tasks), "tasks": models.catalogue.all()}
        return render("models.html", values)
    except REFUSED as error:
        return _refused(values, error, "/models")


@router.get("/models/{task}")
def task(request: Request, task: str) -> Response:
    """The versions of a task, and what was decided on them."""
    return _task_page(request, task)


@router.get("/models/{task}/{number}")
def version(request: Request, task: str, number: str) -> Response:
    """The card of a version."""
    return _version_page(request, task, _number(number) or 0)


@router.post("/models/{task}/decision", dependencies=MAY_ADMINISTER)
def decide(request: Request, task: str, form: Form) -> Response:
    """Changes what serves a task."""
    desk = Desk.of(request)
    number = _number(text_of(form, "version"))
    reason = text_of(form, "reason")[:MAX_REASON_CHARS]
    try:
        change = Change(text_of(form, "change"))
    except ValueError:
        notice = Notice("Nothing was changed.", f"a decision is one of {', '.join(Change)}")
        return _page_of(request, task, number, notice, 422, reason)
    try:
        wish = Wish(change, number, reason, "force" in form, _number(text_of(form, "serial")))
        desk.parts.models().decide(task, wish, desk.person)
    except REFUSED as error:
        notice = Notice("Nothing was changed.", str(error))
        return _page_of(request, task, number, notice, _status(error), reason)
    return RedirectResponse(f"/models/{task}", SEE_OTHER)


def _page_of(
    request: Request, task: str, number: int | None, notice: Notice, status: int, reason: str
) -> Response:
    """The page that a form came from, with what was wrong."""
    if number is None:
        return _task_page(request, task, notice, status, reason)
    return _version_page(request, task, number, notice, status, reason)


def _task_page(
    request: Request, task: str, notice: Notice | None = None, status: int = 200, reason: str = ""
) -> Response:
    values = {**_frame(request), "notice": notice, "reason": reason}
    try:
        models = _models(request)
        naming, catalogue = Naming(models.catalogue.tasks), models.catalogue
        values |= {"naming": naming, **task_values(catalogue, catalogue.of(task), naming)}
        return render("model_task.html", values, status)
    except REFUSED as error:
        return _refused(values, error, f"/models/{task}")


def _version_page(
    request: Request,
    task: str,
    number: int,
    notice: Notice | None = None,
    status: int = 200,
    reason: str = "",
) -> Response:
    values = {**_frame(request), "notice": notice, "reason": reason, "task": task}
    is_compared = "compare" in request.query_params
    try:
        models = _models(request)
        decision = models.catalogue.of(task).decision
        found = models.catalogue.version(task, number)
        values |= {
            "naming": Naming(models.catalogue.tasks),
            "decision": decision,
            "entry": VersionEntry.of(models.catalogue, found, decision),
            "actions": version_actions(found, decision, models.steps),
            "is_compared": is_compared,
            "comparison": models.catalogue.comparison(found) if is_compared else None,
        }
        return render("model_version.html", values, status)
    except REFUSED as error:
        return _refused(values, error, f"/models/{task}/{number}")


def _frame(request: Request) -> dict[str, Any]:
    caller: Caller = request.state.caller
    return {**Desk.of(request).frame("models"), "may_decide": Scope.ADMIN in caller.scopes}


def _refused(values: dict[str, Any], error: Exception, address: str) -> Response:
    notice = Notice("The models cannot be shown.", str(error), again=address)
    return render("problem.html", {**values, "notice": notice}, _status(error))


def _status(error: Exception) -> int:
    problem = problem_of(error)
    return problem.status_code if problem else 500


def _models(request: Request) -> ModelDesk:
    """The learned models. SetupError where the stack keeps none."""
    parts: WebParts = request.app.state.parts
    return parts.models()


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 8 else None
